/* SPDX-License-Identifier: Apache-2.0 */
/* What was sent and may have to be sent again: the connection's store, and the attics of subflows
 * that lag behind it. Called by tx.c when something was acknowledged, and for each packet with
 * payload.
 *
 * The store forgets a byte when it is DATA_ACKed and acknowledged on every subflow that carries
 * it (RFC 8684 3.3.2). One dead path would keep megabytes so; what it still carries is copied to
 * its attic when it lags too far behind, and the store moves on. */
#include "mp_int.h"

#include "../base/csum.h"

/* Copies what s carries of [from, upto) out of the store. */
static bool fill_attic(struct mp_subflow *s, uint64_t upto)
{
    struct mp_conn *c = s->conn;
    uint64_t from = mp_attic_to(s) > c->store.begin ? mp_attic_to(s) : c->store.begin;

    if (!mp_attic_open(s))
        return false;
    for (uint32_t i = 0; i < s->carry.count; i++) {
        const struct mp_carry *r = ring_at(&s->carry, i);
        uint64_t lo = r->pos > from ? r->pos : from, hi = mp_min(r->pos + r->len, upto);
        while (lo < hi) {
            struct store_view v[STORE_VIEWS_MAX];
            uint32_t part = (uint32_t)mp_min(hi - lo, UINT16_MAX);
            if (store_views(&c->store, lo, part, v, STORE_VIEWS_MAX) == 0)
                return false;
            reasm_insert_copy(&s->attic->bytes, &c->ctx->pool, lo, v[0].data, (uint32_t)v[0].len);
            lo += v[0].len;
        }
    }
    s->attic->to = upto;
    s->tcb.gso_max = 0; /* its bytes lie in pieces: few views must do for a packet */
    return true;
}

/* All of it is in the attic, or memory ran out on the way. */
static bool attic_complete(const struct mp_subflow *s)
{
    for (uint32_t i = 0; i < s->carry.count; i++) {
        const struct mp_carry *r = ring_at(&s->carry, i);
        uint64_t hi = mp_min(r->pos + r->len, s->attic->to);
        struct reasm_range held;
        if (r->pos < hi && (!reasm_range_at(&s->attic->bytes, r->pos, &held) || held.hi < hi))
            return false;
    }
    return true;
}

/* The lowest position that s needs of the store. */
static uint64_t needs(struct mp_subflow *s)
{
    uint64_t low = tcp_low_pos(&s->tcb);

    if (s->attic != NULL && low >= s->attic->to) {
        mp_attic_close(s);
        s->tcb.gso_max = s->gso_max;
    }
    return low < mp_attic_to(s) ? mp_attic_to(s) : low;
}

/*= RFC 8684 3.3.2
 * Note, however, that if some data needs to be retransmitted multiple times over a subflow, there
 * is a risk of blocking the send window. In this case, the MPTCP sender can decide to terminate
 * the subflow that is behaving badly by sending a RST */
static bool make_way(struct mp_subflow *s, plait_time now)
{
    uint64_t una = s->conn->snd_una;

    if (fill_attic(s, una) && attic_complete(s))
        return true;
    s->rst_outstanding = true;
    mp_subflow_abort(s, PLAIT_REASON_NO_MEMORY, now);
    return false;
}

/* How far s may stay behind the DATA_ACK before its bytes move out of the store. An answering path
 * only runs late, because the DATA_ACK came by a faster one. */
static uint64_t lag_allowed(const struct mp_subflow *s)
{
    return s->stale ? MP_ATTIC_LAG : (uint64_t)s->conn->sndbuf + MP_ATTIC_LAG;
}

/*= RFC 8684 3.3.2
 * An MPTCP sender MUST NOT free data from the send buffer until it has been acknowledged by both
 * a Data ACK received on any subflow and at the subflow level by all subflows on which the data
 * was sent. */
void mp_store_release(struct mp_conn *c, plait_time now)
{
    uint64_t keep = c->snd_una;

    MP_EACH(s, c) {
        uint64_t low = s->phase == MP_PHASE_DOWN ? UINT64_MAX : needs(s);
        if (low < c->snd_una && c->snd_una - low > lag_allowed(s))
            low = make_way(s, now) ? needs(s) : UINT64_MAX;
        keep = mp_min(keep, low);
    }
    if (keep > c->store.begin)
        store_release(&c->store, keep);
}

/* Views of [pos, pos + len), which is empty or in the attic. */
static uint32_t attic_views(const struct mp_subflow *s, uint64_t pos, uint32_t len,
                            struct store_view *views, uint32_t max)
{
    uint32_t n = 0;

    for (const struct plait_block *b = len > 0 ? s->attic->bytes.head : NULL; b != NULL && len > 0;
         b = b->next) {
        uint32_t skip, part;
        if (b->pos + b->len <= pos)
            continue;
        if (b->pos > pos || n == max)
            return 0;
        skip = (uint32_t)(pos - b->pos);
        part = (uint32_t)mp_min(b->len - skip, len);
        views[n++] = (struct store_view){ b->data + skip, part };
        pos += part;
        len -= part;
    }
    return len == 0 ? n : 0;
}

uint32_t mp_store_views(const struct mp_subflow *s, uint64_t pos, uint32_t len,
                     struct store_view *views, uint32_t max)
{
    uint32_t first = 0, n = 0, more;

    if (pos < mp_attic_to(s)) {
        first = (uint32_t)mp_min(mp_attic_to(s) - pos, len);
        n = attic_views(s, pos, first, views, max);
        if (n == 0 || first == len)
            return n;
    }
    more = store_views(&s->conn->store, pos + first, len - first, views + n, max - n);
    return more > 0 ? n + more : 0;
}

void mp_store_checksums(struct mp_conn *c)
{
    if (c->checksum && c->store.count == 0)
        store_keep_sums(&c->store);
}

uint64_t mp_store_sum(const struct mp_subflow *s, uint64_t pos, uint32_t len)
{
    struct store_view views[MP_VIEWS_MAX];
    uint64_t end = pos + len, attic = mp_attic_to(s), sum = 0;
    uint64_t from = pos < attic ? mp_min(attic, end) : pos;
    uint32_t n = attic_views(s, pos, (uint32_t)(from - pos), views, MP_VIEWS_MAX);
    bool odd = false;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t part = csum_add(0, views[i].data, views[i].len);
        sum = odd ? csum_add_odd(sum, part) : sum + part;
        odd = odd != (views[i].len % 2 != 0);
    }
    if (from < end) {
        uint64_t rest = store_sum(&s->conn->store, from, (uint32_t)(end - from));
        sum = odd ? csum_add_odd(sum, rest) : sum + rest;
    }
    return sum;
}
