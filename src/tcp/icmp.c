/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the network about segments of ours.
 *
 * Called by the stack for an ICMP error whose quoted segment belongs to this tcb. Anybody can
 * send one, so it counts only if it quotes a sequence number in flight (RFC 5927 4.1), and even
 * then it ends a connection only in SYN-SENT; later it is soft (RFC 5461, RFC 5927 5.2), and
 * "too big" may not go below a floor that every sane path has. A smaller MTU is never raised
 * again during the connection's life. RFC 9293 3.9.2.2, RFC 1191, RFC 8201. */
#include "internal.h"

#include <string.h>

enum { MTU_MIN_V4 = 552, MTU_MIN_V6 = 1280 };

static void ignore(struct tcb *t, struct tcp_result *res)
{
    ctx_count(t->ctx, PLAIT_REASON_ICMP_IGNORED);
    res->reason = PLAIT_REASON_ICMP_IGNORED;
}

/* An old router told no MTU: the next plateau (RFC 1191 7.1). */
static uint32_t next_plateau(uint32_t mtu)
{
    static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 576 };

    for (unsigned i = 0; i < sizeof plateau / sizeof plateau[0]; i++)
        if (plateau[i] < mtu)
            return plateau[i];
    return MTU_MIN_V4;
}

/*= RFC 7323 5.7-1 */
static void too_big(struct tcb *t, uint32_t mtu, struct tcp_result *res)
{
    uint32_t header = t->local.family == 6 ? 60 : 40;
    uint32_t floor = t->local.family == 6 ? MTU_MIN_V6 : MTU_MIN_V4;

    if (mtu == 0)
        mtu = next_plateau(t->mss + header);
    if (mtu < floor || mtu >= t->mss + header) {
        ignore(t, res);
        return;
    }
    t->mss = (uint16_t)(mtu - header);
    tcp_loss_set_mss(&t->loss, &t->sndq, tcp_payload_mss(t));
}

/* Errors that mean "nobody listens there" and not "not at the moment". */
static bool is_hard(const struct wire_icmp *icmp)
{
    if (icmp->what != WIRE_ICMP_UNREACHABLE)
        return false;
    if (icmp->src.family == 6)
        return icmp->code == 1 || icmp->code == 4;
    return icmp->code == 2 || icmp->code == 3 || icmp->code == 9 || icmp->code == 10 ||
           icmp->code == 13;
}

void tcp_icmp(struct tcb *t, const struct wire_icmp *icmp, plait_time now, struct tcp_result *res)
{
    bool in_flight = seq_ge(icmp->seq, t->sndq.una) && seq_lt(icmp->seq, t->sndq.nxt);

    memset(res, 0, sizeof *res);
    if (t->state == TCP_ST_CLOSED || !in_flight) {
        ignore(t, res);
        return;
    }
    if (icmp->what == WIRE_ICMP_TOO_BIG && tcp_is_synchronized(t)) {
        too_big(t, icmp->mtu, res);
    } else if (t->state == TCP_ST_SYN_SENT && is_hard(icmp)) {
        /*= RFC 9293 3.9.2.2
         * These are hard error conditions, so TCP implementations SHOULD abort the connection
         * (SHLD-26). */
        ctx_count(t->ctx, PLAIT_REASON_ICMP_ERROR);
        res->reason = PLAIT_REASON_ICMP_ERROR;
        res->closed = true;
        tcp_gone(t, PLAIT_REASON_ICMP_ERROR, now);
    } else {
        /*= RFC 9293 3.9.2.2
         * Since these Unreachable messages indicate soft error conditions, a TCP implementation
         * MUST NOT abort the connection (MUST-56), and it SHOULD make the information available
         * to the application (SHLD-25). */
        ignore(t, res);
    }
    tcp_rearm(t, now);
}
