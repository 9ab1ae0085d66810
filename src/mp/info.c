/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to questions about a connection and its subflows, the dead ones among the last 32
 * included.
 *
 * Called by the stack. Changes nothing but the memory of the dead, when one is buried. */
#include "mp_int.h"

#include <string.h>

uint32_t mp_subflow_total(const struct mp_conn *c) { return c->total; }

static uint32_t clamp_u32(uint64_t v) { return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX; }

void mp_conn_info(const struct mp_conn *c, struct mp_info *info)
{
    *info = (struct mp_info){
        .state = c->state, .mode = c->mode, .established = c->established,
        .checksum = c->mode == MP_MODE_MULTIPATH && c->checksum, .version = c->version,
        .fallback = c->fallback,
        .token_local = c->mode != MP_MODE_PLAIN ? c->local.token : 0,
        .token_remote = c->mode == MP_MODE_MULTIPATH ? c->remote.token : 0,
        .local = c->first_local, .remote = c->first_remote,
        .bytes_sent = c->snd_nxt, .bytes_acked = c->snd_una,
        .bytes_received = reasm_inorder_end(&c->rx), .bytes_reinjected = c->bytes_reinjected,
        .bytes_duplicate = c->bytes_duplicate,
        .syn_sent = (uint32_t)c->snd_first, .syn_received = c->rcv_first,
        .send_queued = clamp_u32(c->store.end - c->snd_una),
        .recv_queued = clamp_u32(reasm_inorder_end(&c->rx) - c->rx.next),
        .sndbuf = c->sndbuf, .rcvbuf = c->rcvbuf, .subflow_n = (uint8_t)mp_alive_n(c),
    };
}

static enum mp_path_state state_of(const struct mp_subflow *s)
{
    if (s->phase == MP_PHASE_DOWN || s->tcb.state == TCP_ST_TIME_WAIT)
        return MP_PATH_CLOSED;
    if (s->phase != MP_PHASE_OPEN)
        return MP_PATH_OPENING;
    if (s->closing || s->tcb.fin_wanted)
        return MP_PATH_CLOSING;
    return s->stale ? MP_PATH_STALE : MP_PATH_OPEN;
}

static void fill(const struct mp_subflow *s, struct mp_path_info *info)
{
    const struct tcb *t = &s->tcb;
    const struct tcp_rtt *rtt = &t->loss.rtt;

    *info = (struct mp_path_info){
        .id = s->id, .local_id = s->local_id, .remote_id = s->remote_id, .state = state_of(s),
        .backup_local = s->backup_local, .backup_remote = s->backup_remote,
        .local = t->local, .remote = t->remote, .bytes_sent = t->bytes_sent,
        .bytes_acked = t->bytes_acked, .bytes_received = t->bytes_received,
        .bytes_retransmitted = t->loss.rtx_bytes, .srtt = rtt->srtt, .rttvar = rtt->rttvar,
        .min_rtt = rtt->min_rtt == PLAIT_NEVER ? 0 : rtt->min_rtt, .rto = rtt->rto,
        .cwnd = t->loss.cc.cwnd, .ssthresh = t->loss.cc.ssthresh,
        .in_flight = tcp_sndq_flight(&t->sndq), .mss = (uint16_t)tcp_payload_mss(t),
        .ecn = tcp_ecn_on(t), .ce_received = t->ce_received, .ecn_cuts = t->loss.ecn_cuts,
        .restarts = t->loss.restarts,
        .reason = t->reason,
    };
}

/* Few connections have more subflows than two in their life. */
static size_t graves_size(uint32_t n)
{
    size_t places = n == 0 ? 0 : n <= 2 ? 2 : MP_GRAVES_MAX;

    return places * sizeof(struct mp_path_info);
}

void mp_info_remember(struct mp_subflow *s)
{
    struct mp_conn *c = s->conn;
    size_t size = graves_size(c->grave_n), needed = graves_size(c->grave_n + 1);

    if (needed > size) {
        struct mp_path_info *graves = ctx_alloc(c->ctx, needed);
        if (graves == NULL)
            return;
        if (size > 0)
            memcpy(graves, c->graves, size);
        ctx_free(c->ctx, c->graves, size);
        c->graves = graves;
    }
    fill(s, &c->graves[c->grave_n++ % MP_GRAVES_MAX]);
}

void mp_info_forget(struct mp_conn *c)
{
    ctx_free(c->ctx, c->graves, graves_size(c->grave_n));
}

int mp_path_info(const struct mp_conn *c, uint8_t id, struct mp_path_info *info)
{
    uint32_t kept = c->grave_n < MP_GRAVES_MAX ? c->grave_n : MP_GRAVES_MAX;

    MP_EACH(s, c)
        if (s->id == id) {
            fill(s, info);
            return 0;
        }
    for (uint32_t i = 1; i <= kept; i++) { /* the latest with this id */
        const struct mp_path_info *grave = &c->graves[(c->grave_n - i) % MP_GRAVES_MAX];
        if (grave->id == id) {
            *info = *grave;
            return 0;
        }
    }
    return PLAIT_ENOENT;
}
