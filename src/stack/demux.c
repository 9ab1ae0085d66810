/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: a packet is parsed and given to the subflow, half-open connection, listener or
 * connection (by token) whose it is; a segment for nobody is answered with a reset. Called by
 * plait_input() alone.
 *
 * A segment of a known 4-tuple costs one keyed hash and one chain. RFC 9293 3.10.7, RFC 8684 3.2
 * (joins by token), RFC 5927 (ICMP). */
#include "stack_int.h"

#include "../base/seq.h"
#include <assert.h>

/* What no TCP sends: dropped before anybody looks at it. */
static bool flags_ok(uint8_t flags)
{
    if ((flags & WIRE_SYN) != 0 && (flags & (WIRE_FIN | WIRE_RST)) != 0)
        return false;
    return (flags & (WIRE_SYN | WIRE_RST | WIRE_ACK)) != 0;
}

static bool is_first_syn(const struct wire_seg *seg)
{
    return (seg->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) == WIRE_SYN;
}

/* Is there somebody whom this SYN could concern? */
static bool has_taker(const struct plait_stack *s, const struct wire_seg *syn)
{
    /*= RFC 8684 3.2
     * Demultiplexing subflow SYNs MUST be done using the token */
    if (wire_mp_has(&syn->mp, WIRE_MP_JOIN))
        return stack_find_token(s, syn->mp.join.token) != NULL;
    return stack_find_listener(s, &syn->dst) != NULL;
}

/*= RFC 9293 3.6.1
 * This algorithm for reducing TIME-WAIT is a Best Current Practice that SHOULD be implemented since
 * Timestamp Options are commonly used, and using them to reduce TIME-WAIT provides benefits for
 * busy Internet servers (SHLD-4). */
/*= RFC 9293 3.6.1
 * However, it MAY accept a new SYN from the remote TCP endpoint to reopen the connection directly
 * from TIME-WAIT state */
/* The half-open one lives beside the old subflow, and is asked first. */
static bool takes_over(const struct plait_stack *s, const struct tcp_wait *old,
                       const struct wire_seg *seg)
{
    return tcp_wait_reusable(old, seg) && has_taker(s, seg);
}

static enum plait_reason subflow_input(struct mp_subflow *sf, const struct wire_seg *seg,
                                       struct plait_block **block, plait_time now)
{
    struct plait_conn *c = mp_owner(mp_subflow_conn(sf));

    mp_input(sf, seg, block, now);
    stack_touch(c, now);
    return PLAIT_REASON_NONE;
}

/* RFC 9293 3.10.7.1: no such connection. Only for addresses that are this stack's: a driver may see
 * packets of others. */
static enum plait_reason for_nobody(struct plait_stack *s, const struct wire_seg *seg)
{
    bool text = seg->len > 0 || (seg->flags & WIRE_FIN) != 0;

    /* The first of a connection that is known by its third ACK alone, which got lost or is late:
     * the peer says it again. */
    if (text && stack_cookie_is_out(s, s->now) && stack_find_listener(s, &seg->dst) != NULL)
        return PLAIT_REASON_NO_SOCKET;
    if (mp_local_find(&s->locals, &seg->dst) != NULL)
        stack_reset(s, seg, PLAIT_REASON_NONE);
    return PLAIT_REASON_NO_SOCKET;
}

static bool completes_cookie(struct plait_stack *s, const struct wire_seg *seg,
                             struct stack_half *made, plait_time now)
{
    return (seg->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) == WIRE_ACK &&
           stack_cookie_open(s, seg, made, now);
}

static enum plait_reason segment(struct plait_stack *s, const struct wire_seg *seg,
                                 struct plait_in *in, plait_time now)
{
    struct plait_block **block = &in->block;

    if (!flags_ok(seg->flags))
        return PLAIT_REASON_TCP_FLAGS;
    /*= RFC 9293 3.9.2.3
     * An incoming SYN with an invalid source address MUST be ignored either by TCP or by the IP
     * layer */
    if (!addr_is_unicast(&seg->src) || addr_equal(&seg->src, &seg->dst) || seg->src.port == 0)
        return PLAIT_REASON_NO_SOCKET;
    struct mp_subflow *sf = stack_find_subflow(s, &seg->dst, &seg->src);
    if (sf != NULL && mp_subflow_tcb(sf)->state != TCP_ST_TIME_WAIT)
        return subflow_input(sf, seg, block, now);
    struct tcp_wait old;
    bool waits = stack_time_wait(s, &seg->dst, &seg->src, &old);
    struct stack_half *h = stack_find_half(s, &seg->dst, &seg->src), made;
    if (h != NULL)
        return stack_half_input(h, seg, block, now);
    if (stack_shard_of_segment(s, seg, waits ? &old : NULL, in))
        return PLAIT_REASON_SHARD;
    if (completes_cookie(s, seg, &made, now))
        return stack_half_complete(&made, seg, block, now);
    if (waits && !takes_over(s, &old, seg))
        return sf != NULL ? subflow_input(sf, seg, block, now) : stack_wait_input(s, seg, now);
    return is_first_syn(seg) ? stack_syn(s, seg, now) : for_nobody(s, seg);
}

/*= RFC 9293 3.9.2.2
 * TCP implementations MUST act on an ICMP error message passed up from the IP layer, directing it
 * to the connection that created the error (MUST-54). */
static enum plait_reason icmp(struct plait_stack *s, const struct wire_icmp *icmp,
                              struct plait_in *in, plait_time now)
{
    struct mp_subflow *sf = stack_find_subflow(s, &icmp->src, &icmp->dst);

    if (sf == NULL)
        return stack_shard_of_icmp(s, icmp, in) ? PLAIT_REASON_SHARD : PLAIT_REASON_ICMP_IGNORED;
    struct plait_conn *c = mp_owner(mp_subflow_conn(sf));
    mp_icmp(sf, icmp, now);
    stack_touch(c, now);
    return PLAIT_REASON_NONE;
}

static void note_drop(struct plait_stack *s, const struct wire_packet *p, enum plait_reason why)
{
    struct plait_trace ev = {
        .type = PLAIT_TRACE_DROP, .reason = (uint16_t)why, .subflow = 255, .now = s->now};

    if (p->kind == WIRE_KIND_TCP) {
        ev.local = p->seg.dst;
        ev.remote = p->seg.src;
    }
    ctx_count(&s->ctx, why);
    ctx_trace(&s->ctx, &ev);
    s->packets_dropped++;
}

static void count_bad_options(struct plait_stack *s, const struct wire_seg *seg)
{
    if (seg->bad_options != 0)
        ctx_count(&s->ctx, PLAIT_REASON_TCP_OPTION);
    if (seg->bad_mp != 0)
        ctx_count(&s->ctx, PLAIT_REASON_MP_OPTION);
}

enum plait_reason plait_input(struct plait_stack *s, struct plait_in *in, plait_time now)
{
    struct wire_packet p = {.kind = WIRE_KIND_ICMP};

    stack_begin(s, now);
    s->packets_in++;
    enum plait_reason why = wire_parse(in->ip, in->len, in->csum_ok, &p);
    if (why == PLAIT_REASON_NONE && p.kind == WIRE_KIND_TCP) {
        count_bad_options(s, &p.seg);
        why = segment(s, &p.seg, in, now);
    } else if (why == PLAIT_REASON_NONE) {
        why = icmp(s, &p.icmp, in, now);
    }
    if (why == PLAIT_REASON_SHARD)
        ctx_count(&s->ctx, why);
    else if (why != PLAIT_REASON_NONE)
        note_drop(s, &p, why);
    stack_end(s);
    return why;
}
