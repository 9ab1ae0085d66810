/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to questions about stack, connections and subflows: mp's values in the words of plait.h.
 * Nothing here changes anything. */
#include "stack_int.h"

#include <assert.h>

static_assert((int)MP_PATH_OPENING == (int)PLAIT_SUBFLOW_OPENING &&
                  (int)MP_PATH_OPEN == (int)PLAIT_SUBFLOW_OPEN &&
                  (int)MP_PATH_STALE == (int)PLAIT_SUBFLOW_STALE &&
                  (int)MP_PATH_CLOSING == (int)PLAIT_SUBFLOW_CLOSING &&
                  (int)MP_PATH_CLOSED == (int)PLAIT_SUBFLOW_CLOSED,
              "both lists name the same states");

/*= RFC 6897 4.2.2-1, 4.2.2-4, 5.3.5-1 */
void plait_conn_info(const struct plait_conn *c, struct plait_conn_info *info)
{
    struct mp_info m;

    mp_conn_info(c->mp, &m);
    *info = (struct plait_conn_info){
        .id = c->id,
        .established = m.established,
        .multipath = m.mode == MP_MODE_MULTIPATH,
        .checksum = m.checksum,
        .version = m.mode == MP_MODE_MULTIPATH ? m.version : 0,
        .token_local = m.token_local,
        .token_remote = m.token_remote,
        .fallback = m.fallback,
        .local = m.local,
        .remote = m.remote,
        .bytes_sent = m.bytes_sent,
        .bytes_acked = m.bytes_acked,
        .bytes_received = m.bytes_received,
        .bytes_reinjected = m.bytes_reinjected,
        .bytes_duplicate = m.bytes_duplicate,
        .syn_sent = m.syn_sent,
        .syn_received = m.syn_received,
        .send_queued = m.send_queued,
        .recv_queued = m.recv_queued,
        .sndbuf = m.sndbuf,
        .rcvbuf = m.rcvbuf,
        .subflow_n = m.subflow_n,
        .subflow_total = (uint8_t)mp_subflow_total(c->mp),
    };
}

/*= RFC 6897 5.3.4-1, 5.3.4-2 */
/* The state tells those that are established from the others. */
int plait_subflow_info(const struct plait_conn *c, uint8_t id, struct plait_subflow_info *info)
{
    struct mp_path_info p;
    int err = mp_path_info(c->mp, id, &p);

    if (err != 0)
        return err;
    *info = (struct plait_subflow_info){
        .id = p.id,
        .local_id = p.local_id,
        .remote_id = p.remote_id,
        .state = (enum plait_subflow_state)p.state,
        .backup_local = p.backup_local,
        .backup_remote = p.backup_remote,
        .local = p.local,
        .remote = p.remote,
        .bytes_sent = p.bytes_sent,
        .bytes_acked = p.bytes_acked,
        .bytes_received = p.bytes_received,
        .bytes_retransmitted = p.bytes_retransmitted,
        .srtt = p.srtt,
        .rttvar = p.rttvar,
        .min_rtt = p.min_rtt,
        .rto = p.rto,
        .cwnd = p.cwnd,
        .ssthresh = p.ssthresh,
        .in_flight = p.in_flight,
        .mss = p.mss,
        .ecn = p.ecn,
        .ce_received = p.ce_received,
        .ecn_cuts = p.ecn_cuts,
        .restarts = p.restarts,
        .reason = p.reason,
    };
    return 0;
}

uint64_t plait_counter(const struct plait_stack *s, enum plait_reason reason)
{
    return (unsigned)reason < PLAIT_REASON_COUNT ? s->ctx.counter[reason] : 0;
}

void plait_stack_info(const struct plait_stack *s, struct plait_stack_info *info)
{
    *info = (struct plait_stack_info){
        .conns = s->conn_n,
        .time_wait = s->waits.count,
        .half_open = s->half_n,
        .listeners = s->listener_n,
        .peers = s->peers.n,
        .mem_used = s->ctx.pool.used,
        .mem_peak = s->ctx.pool.peak,
        .mem_max = s->ctx.pool.max,
        .packets_in = s->packets_in,
        .packets_out = s->packets_out,
        .packets_dropped = s->packets_dropped,
        .away = s->away.count,
        .guests = s->guests.count,
    };
}
