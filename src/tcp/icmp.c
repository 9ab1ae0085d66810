/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the network about segments of ours.
 *
 * Called by the stack for an ICMP error whose quoted segment belongs to this tcb. Anybody can
 * send one, so it counts only if it quotes a sequence number in flight (RFC 5927 4.1), and even
 * then it ends a connection only in SYN-SENT; later it is soft (RFC 5461, RFC 5927 5.2). "Too big"
 * is pmtu.c's. RFC 9293 3.9.2.2. */
#include "internal.h"

#include <string.h>

static void ignore(struct tcb *t, struct tcp_result *res)
{
    ctx_count(t->ctx, PLAIT_REASON_ICMP_IGNORED);
    res->reason = PLAIT_REASON_ICMP_IGNORED;
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
        if (!tcp_pmtu_too_big(t, icmp->seq, icmp->mtu, now))
            ignore(t, res);
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
