/* SPDX-License-Identifier: Apache-2.0 */
/* MP_JOIN: further subflows, both roles.
 *
 * The responder's SYN is found by its token (the stack), judged here, kept in a half-open struct,
 * and becomes a subflow by the ACK with HMAC-A. The initiator is asked for by the path manager,
 * checks HMAC-B, sends HMAC-A and carries no data until that was answered. Wrong or missing proof
 * ends the subflow with a RST, never the connection. RFC 8684 3.2, 3.6, 3.8. */
#include "mp_int.h"

#include "../base/addr.h"
#include "../base/be.h"
#include "../base/digest.h"

enum { LEN_SYN = 12, LEN_SYNACK = 16, LEN_ACK = 24, HMAC_ACK = 20, HMAC_SYNACK = 8 };
enum { ACK_TRIES = 6 };
#define ACK_RTO_MIN (200 * PLAIT_MSEC)

bool mp_is_open_for_join(const struct mp_conn *c)
{
    return c->mode == MP_MODE_MULTIPATH && c->has_remote && c->established && !c->over &&
           !(c->fin_acked && c->fin_received);
}

/* ---- responder ------------------------------------------------------------------------------ */

static enum plait_reason judge_join(const struct mp_conn *c, const struct wire_seg *syn)
{
    if (!wire_mp_has(&syn->mp, WIRE_MP_JOIN) || syn->mp.join.len != LEN_SYN)
        return PLAIT_REASON_JOIN_NO_OPTION;
    if (!mp_is_open_for_join(c))
        return PLAIT_REASON_JOIN_STATE;
    if (mp_addr_local_id(c, &syn->dst) < 0)
        return PLAIT_REASON_JOIN_POLICY;
    if (mp_alive_n(c) >= c->cfg->subflows_max || c->sub_n >= MP_SUBFLOWS_MAX)
        return PLAIT_REASON_JOIN_LIMIT;
    return PLAIT_REASON_NONE;
}

enum plait_reason mp_half_join(struct mp_half *h, struct mp_conn *c, const struct wire_seg *syn,
                               uint32_t nonce)
{
    enum plait_reason why = judge_join(c, syn);
    const struct plait_local *l = mp_local_find(c->locals, &syn->dst);
    const struct wire_mp_join *join = &syn->mp.join;
    uint8_t hmac[MP_HMAC_LEN];

    if (why != PLAIT_REASON_NONE)
        return why;
    *h = (struct mp_half){
        .kind = MP_HALF_JOIN, .version = c->version, .local = c->local, .checksum = c->checksum,
        .token_local = c->local.token, .nonce_local = nonce,
        .nonce_remote = join->nonce, .addr_id_local = (uint8_t)mp_addr_local_id(c, &syn->dst),
        .addr_id_remote = join->addr_id, .backup_remote = join->backup,
        .backup_local = l != NULL && (l->flags & PLAIT_LOCAL_BACKUP) != 0,
    };
    mp_join_hmac(&(struct mp_hmac_in){ c->local.key, c->remote.key, h->nonce_local,
                                       h->nonce_remote, c->version }, hmac);
    /*= RFC 8684 3.2
     * Due to option space limitations, the HMAC included in the SYN/ACK is truncated to the
     * leftmost 64 bits */
    h->hmac_local = be64_load(hmac);
    return PLAIT_REASON_NONE;
}

/*= RFC 8684 3.2
 * If Host B does not receive the expected HMAC or the MP_JOIN option is missing from the ACK, it
 * MUST close the subflow with a TCP RST. */
static enum plait_reason judge_ack(const struct mp_conn *c, const struct mp_half *mh,
                                   const struct wire_seg *ack)
{
    struct mp_hmac_in in = { c->remote.key, c->local.key, mh->nonce_remote, mh->nonce_local,
                             c->version };
    uint8_t hmac[MP_HMAC_LEN];

    if (!mp_is_open_for_join(c))
        return PLAIT_REASON_JOIN_STATE;
    if (!wire_mp_has(&ack->mp, WIRE_MP_JOIN) || ack->mp.join.len != LEN_ACK)
        return PLAIT_REASON_JOIN_NO_OPTION;
    mp_join_hmac(&in, hmac);
    if (!digest_equal(hmac, ack->mp.join.hmac, HMAC_ACK))
        return PLAIT_REASON_JOIN_HMAC;
    if (mp_alive_n(c) >= c->cfg->subflows_max)
        return PLAIT_REASON_JOIN_LIMIT;
    return PLAIT_REASON_NONE;
}

struct mp_subflow *mp_join_take(struct mp_conn *c, const struct mp_joining *j, plait_time now,
                                enum plait_reason *why)
{
    const struct mp_half *mh = j->mp;
    struct mp_subflow *s;

    *why = judge_ack(c, mh, j->ack);
    if (*why != PLAIT_REASON_NONE)
        return NULL;
    *why = PLAIT_REASON_NO_MEMORY;
    s = mp_subflow_new(c, &j->tcp->local, &j->tcp->remote);
    if (s == NULL)
        return NULL;
    if (tcp_from_half(&s->tcb, j->tcp, now) != 0) {
        mp_subflow_free(s);
        return NULL;
    }
    s->local_id = mh->addr_id_local;
    s->remote_id = s->peer_id = mh->addr_id_remote;
    s->backup_local = mh->backup_local;
    s->backup_remote = mh->backup_remote;
    *why = PLAIT_REASON_NONE;
    return s;
}

/* ---- initiator ------------------------------------------------------------------------------ */

static const struct mp_remote *find_remote(const struct mp_conn *c, const struct plait_addr *addr)
{
    for (unsigned i = 0; i < c->remotes.n; i++)
        if (addr_equal(&mp_remote_at(c, i)->addr, addr))
            return mp_remote_at(c, i);
    return NULL;
}

int mp_join(struct mp_conn *c, const struct mp_wish *wish, int err, plait_time now)
{
    const struct plait_addr *local = &wish->local, *remote = &wish->remote;
    const struct plait_local *l = mp_local_find(c->locals, local);
    const struct mp_remote *r = find_remote(c, remote);
    int local_id = mp_addr_local_id(c, local);
    struct mp_subflow *s = NULL;

    if (r == NULL || local_id < 0 || !mp_is_open_for_join(c)) {
        mp_path_changed(c);
        return err != 0 ? err : PLAIT_EINVAL;
    }
    if (err == 0) {
        s = mp_subflow_new(c, local, remote);
        err = s != NULL ? tcp_connect(&s->tcb, local, remote, now) : PLAIT_ENOMEM;
    }
    if (err != 0) {
        if (s != NULL)
            mp_subflow_free(s);
        mp_path_bar(c, (uint8_t)local_id, r->id, false, now);
        return err;
    }
    s->initiator = true;
    s->local_id = (uint8_t)local_id;
    s->remote_id = s->peer_id = r->id;
    s->backup_local = wish->backup || (l != NULL && (l->flags & PLAIT_LOCAL_BACKUP) != 0);
    s->u.join.nonce_local = ctx_random_u32(c->ctx);
    mp_path_changed(c);
    return 0;
}

void mp_join_syn_option(const struct mp_subflow *s, struct wire_mp *out)
{
    out->present |= 1u << WIRE_MP_JOIN;
    /*= RFC 8684 3.2
     * The token included in the MP_JOIN option is the token that the receiver of the packet uses to
     * identify this connection; i.e., Host A will send Token-B (which is generated from Key-B). */
    out->join = (struct wire_mp_join){
        .len = LEN_SYN, .backup = s->backup_local, .addr_id = s->local_id,
        .token = s->conn->remote.token, .nonce = s->u.join.nonce_local,
    };
}

void mp_join_ack_option(const struct mp_subflow *s, struct wire_mp *out)
{
    const struct mp_conn *c = s->conn;
    struct mp_hmac_in in = { c->local.key, c->remote.key, s->u.join.nonce_local,
                             s->u.join.nonce_remote, c->version };
    uint8_t hmac[MP_HMAC_LEN];

    mp_join_hmac(&in, hmac);
    out->present |= 1u << WIRE_MP_JOIN;
    out->join = (struct wire_mp_join){ .len = LEN_ACK };
    for (unsigned i = 0; i < HMAC_ACK; i++)
        out->join.hmac[i] = hmac[i];
}

static enum plait_reason judge_synack(const struct mp_subflow *s, const struct wire_seg *seg)
{
    const struct mp_conn *c = s->conn;
    const struct wire_mp_join *join = &seg->mp.join;
    struct mp_hmac_in in = { c->remote.key, c->local.key, join->nonce, s->u.join.nonce_local,
                             c->version };
    uint8_t hmac[MP_HMAC_LEN];

    /*= RFC 8684 3.2
     * If the SYN/ACK as received at Host A does not have an MP_JOIN option, Host A MUST close the
     * subflow with a TCP RST. */
    /*= RFC 8684 3.2
     * the subflow is unusable and Host A MUST close it with a RST */
    if ((seg->flags & WIRE_SYN) == 0 || !wire_mp_has(&seg->mp, WIRE_MP_JOIN) ||
        join->len != LEN_SYNACK)
        return PLAIT_REASON_JOIN_NO_OPTION;
    mp_join_hmac(&in, hmac);
    /*= RFC 8684 3.2
     * If the token is accepted at Host B but the HMAC returned to Host A does not match the one
     * expected, Host A MUST close the subflow with a TCP RST. */
    return digest_equal(hmac, join->hmac, HMAC_SYNACK) ? PLAIT_REASON_NONE
                                                       : PLAIT_REASON_JOIN_HMAC;
}

/* The SYN/ACK of a join arrived: the tcb is ESTABLISHED, the subflow is not yet. */
void mp_join_synack(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    enum plait_reason why = judge_synack(s, seg);

    if (why == PLAIT_REASON_NONE && mp_fail_is_out(s->conn))
        why = PLAIT_REASON_JOIN_STATE; /* not now */
    if (why != PLAIT_REASON_NONE) {
        mp_drop(s->conn, s, why, now);
        mp_subflow_abort(s, why, now);
        return;
    }
    s->u.join.nonce_remote = seg->mp.join.nonce;
    s->peer_id = seg->mp.join.addr_id;
    s->backup_remote = seg->mp.join.backup;
    s->join_due = true;
    mp_subflow_set_phase(s, MP_PHASE_PRE, now);
}

/*= RFC 8684 3.2
 * sending the ACK/MP_JOIN packet places the subflow in the PRE_ESTABLISHED state, and it moves to
 * the ESTABLISHED state only on receipt of an ACK from the receiver */
void mp_join_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    bool syn = (seg->flags & WIRE_SYN) != 0;

    if (s->phase == MP_PHASE_PRE && syn) {
        s->join_due = true; /* our ACK got lost */
        return;
    }
    if (s->phase == MP_PHASE_PRE && s->join_n > 0) {
        mp_subflow_up(s, now);
        return;
    }
    /*= RFC 8684 3.2
     * receipt of this packet MUST trigger a regular TCP ACK in response */
    if (s->initiator || !wire_mp_has(&seg->mp, WIRE_MP_JOIN) || seg->mp.join.len != LEN_ACK)
        return;
    /* Where our first packet got lost with that ACK, it goes again in the ACK's place. */
    if (!mp_join_unanswered(s) || !tcp_loss_probe_now(&s->tcb.loss, &s->tcb.sndq, now))
        s->tcb.ack_now = true;
}

bool mp_join_unanswered(const struct mp_subflow *s)
{
    return !s->first && !s->initiator && s->tcb.bytes_acked == 0 && s->tcb.bytes_received == 0;
}

/*= RFC 8684 3.2
 * the packet MUST be retransmitted if this ACK is not received */
void mp_join_sent(struct mp_subflow *s, plait_time now)
{
    plait_time rto = mp_later(tcp_rtt_timeout(&s->tcb.loss.rtt), ACK_RTO_MIN);

    s->join_due = false;
    s->u.join.at = now + (rto << (s->join_n < ACK_TRIES ? s->join_n : ACK_TRIES));
    s->join_n++;
}

void mp_join_tick(struct mp_subflow *s, plait_time now)
{
    if (s->phase != MP_PHASE_PRE || now < s->u.join.at)
        return;
    s->u.join.at = PLAIT_NEVER;
    if (s->join_n >= ACK_TRIES)
        mp_subflow_abort(s, PLAIT_REASON_RETRIES, now);
    else
        s->join_due = true;
}
