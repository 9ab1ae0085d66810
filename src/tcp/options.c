/* SPDX-License-Identifier: Apache-2.0 */
/* Which plain options a segment carries, within what the layer above left free.
 *
 * Called by output.c and half.c. Of the 40 bytes, timestamps take 12 and the layer above what it
 * reserved; SACK blocks take what is left (RFC 8684 appendix A: cut SACK first). A segment
 * without payload whose reservation leaves no room for timestamps goes without them (an ADD_ADDR
 * of IPv6 with a port does not fit otherwise). RFC 7323 3.2, RFC 2018 3. */
#include "internal.h"

static uint32_t pad4(uint32_t n) { return (n + 3) & ~3u; }

/*= RFC 7323 4.1-1, 5.4-1, 5.4-2, 5.4-3 */
/* RFC 7323 5.4 asks for ticks of 1 ms to 1 s. */
uint32_t tcp_now_ts(uint32_t offset, plait_time now)
{
    return (uint32_t)(now / PLAIT_MSEC) + offset;
}

/* How many SACK blocks fit into room option bytes. */
static unsigned sack_room(uint32_t room)
{
    return room < 12 ? 0 : (room - 4) / 8;
}

/* On data a SACK option makes the payload smaller: no more than half of it is given. */
static unsigned sack_room_data(const struct tcb *t, uint32_t room)
{
    unsigned n = sack_room(room);

    while (n > 0 && 4 + 8 * n > tcp_payload_mss(t) / 2)
        n--;
    return n;
}

void tcp_fill_options(const struct tcb *t, bool payload, plait_time now, struct tcp_plan *plan)
{
    uint32_t reserve = pad4(payload ? t->opt_reserve_data : t->opt_reserve_ack);
    uint32_t room = reserve < TCP_OPTION_SPACE ? TCP_OPTION_SPACE - reserve : 0;

    /*= RFC 7323 3.2
     * Once TSopt has been successfully negotiated, that is both <SYN> and <SYN,ACK> contain TSopt,
     * the TSopt MUST be sent in every non-<RST> segment for the duration of the connection, and
     * SHOULD be sent in an <RST> segment (see Section 5.2 for details). */
    if (t->ts_on && room >= TCP_TS_SPACE) {
        plan->opt.has_ts = true;
        plan->opt.tsval = tcp_now_ts(t->ts_offset, now);
        /*= RFC 7323 3.2-1, 3.2-2 */
        plan->opt.tsecr = (plan->flags & WIRE_ACK) != 0 ? t->ts_recent : 0;
        room -= TCP_TS_SPACE;
    }
    if ((plan->flags & WIRE_RST) == 0)
        tcp_sack_fill(t, payload ? sack_room_data(t, room) : sack_room(room), plan);
    plan->has_opt = plan->opt.has_ts || plan->opt.sack_n > 0;
}

/* Payload of one packet of this plan, whose options are filled in. */
uint32_t tcp_plan_mss(const struct tcb *t, const struct tcp_plan *plan)
{
    uint32_t sack = plan->opt.sack_n > 0 ? 4u + 8u * plan->opt.sack_n : 0;

    return tcp_payload_mss(t) - sack;
}

/* The options of a SYN (as->irs unknown: ts_recent is 0 then) or SYN/ACK. */
void tcp_syn_options(struct wire_tcpopts *opt, const struct tcp_half *as, plait_time now)
{
    /*= RFC 9293 3.7.1
     * TCP implementations SHOULD send an MSS Option in every SYN segment when its receive MSS
     * differs from the default 536 for IPv4 or 1220 for IPv6 (SHLD-5), and MAY send it always
     * (MAY-3). */
    opt->has_mss = true;
    opt->mss = as->mss_local;
    /*= RFC 7323 2.2-1, 2.2-2, 2.2-4, 2.2-5, 2.3-2 */
    opt->has_wscale = as->wscale_on;
    opt->wscale = as->rcv_wscale;
    opt->sack_permitted = as->sack_on;
    /*= RFC 7323 3.2-5 */
    opt->has_ts = as->ts_on;
    if (as->ts_on) {
        opt->tsval = tcp_now_ts(as->ts_offset, now);
        opt->tsecr = as->ts_recent;
    }
}
