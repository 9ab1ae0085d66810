/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that is over but for TIME-WAIT, in small: each of its subflows answers for itself,
 * and the connection is not needed for it.
 *
 * Called by the stack, which frees the connection and keeps what is made here. RFC 8684 3.3.3. */
#include "mp_int.h"

#include <string.h>

static bool subflow_only_waits(const struct mp_subflow *s)
{
    return s->tcb.state == TCP_ST_TIME_WAIT && s->phase != MP_PHASE_DOWN && !s->tcb.ack_now &&
           !s->tcb.ack_pending && !s->tcb.rst_wanted;
}

bool mp_only_waits(const struct mp_conn *c)
{
    if (!c->released || !c->over || c->sub_n == 0 || c->state == MP_ST_FASTCLOSE_WAIT)
        return false;
    MP_EACH(s, c)
        if (!subflow_only_waits(s))
            return false;
    return true;
}

void mp_wait_of(const struct mp_subflow *s, struct mp_wait *w)
{
    tcp_wait_of(&s->tcb, &w->tcp);
    mp_last_data_ack(s, &w->dss);
}

enum plait_reason mp_wait_input(struct mp_wait *w, const struct wire_seg *seg, plait_time now,
                                bool *answer)
{
    enum plait_reason why = tcp_wait_input(&w->tcp, seg, now, answer);

    /* Our DATA_ACK of it got lost. */
    /*= RFC 8684 3.3.3
     * A DATA_FIN has the same semantics and behavior as a regular TCP FIN */
    if (why == PLAIT_REASON_NONE && wire_mp_has(&seg->mp, WIRE_MP_DSS) && seg->mp.dss.data_fin)
        *answer = w->dss.has_ack;
    return why;
}

void mp_wait_plan(const struct mp_wait *w, plait_time now, struct tcp_plan *plan,
                  struct wire_mp *mp)
{
    memset(mp, 0, sizeof *mp);
    tcp_wait_plan(&w->tcp, now, plan);
    if (!w->dss.has_ack)
        return;
    mp->present = 1u << WIRE_MP_DSS;
    mp->dss = w->dss;
}
