/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to SYNs that leave no trace here: for a listener when the table of half-open connections
 * is full, for MP_JOIN when its connection has as many half-open joins as it may have. Called by
 * half.c for the SYN and by demux.c for an ACK that belongs to nobody.
 *
 * What has to be remembered until the third ACK goes out in numbers that it brings back: our ISN
 * (its ACK minus 1) and, where the peer uses timestamps, our TSval (its TSecr).
 *
 *   a listener's SYN   ISN    28 bits proof, parity of the period, 3 bits MSS
 *                      TSval  27 bits proof, window scale and SACK of the memo (tcp/cookie.c)
 *   a join             ISN    the peer's nonce, encrypted
 *                      TSval  place of the connection, address id, B flag, memo; encrypted, with
 *                             8 bits for the shard (0, where there is one) and the parity of the
 *                             period in the clear
 *
 * Proof and pads are a keyed hash of the 4-tuple and the peer's ISN. A guess is right once in 2^28
 * ACKs, or 2^55 with timestamps. The secret is replaced every 32 s and its predecessor lives as
 * long again, so a cookie lasts 32 s to 64 s. Where none was sent in that time no ACK is looked at.
 *
 * MPTCP needs no bits. Our key is a hash too, and the third ACK, or the first data if that is
 * lost, echoes it and says the rest. A join's ACK proves itself by HMAC-A; our nonce is a hash of
 * the peer's and of the token. So neither is taken for what it is not: a wrong guess of a join
 * ends with the HMAC.
 *
 * What is lost against a half-open connection that is kept: the SYN/ACK is not repeated (the SYN
 * is), the MSS is rounded down, no RTT is known; without timestamps also window scale and SACK.
 * Version 0 of MPTCP is answered by plain TCP, since nothing after its third ACK repeats the key;
 * so is a SYN with text, which is not taken here: Linux would never tell its key (mp_half_waits()).
 * When the third ACK is lost and the peer waits for us to speak first, it waits in vain: RFC 4987
 * 3.6 knows no help. RFC 4987 3.6, RFC 8684 3.1 and 3.2, RFC 7430 3. */
#include "stack_int.h"

#include "../base/be.h"
#include <assert.h>
#include <string.h>

#define PERIOD (32 * PLAIT_SEC)

enum { PURPOSE_SYN = 1, PURPOSE_KEY, PURPOSE_JOIN_ISN, PURPOSE_JOIN_TS, PURPOSE_NONCE };
enum { MSS_MASK = 7, PARITY = 8, PROOF_SHIFT = 4, MEMO_TS_BITS = 5 };
/* The second word of a join, from bit 0: parity, and these. */
enum { JOIN_SHARD = 1, JOIN_MEMO = 9, JOIN_BACKUP = 17, JOIN_ID = 18, JOIN_PLACE = 26 };

static_assert(STACK_FLOODED_MAX == 1 << (32 - JOIN_PLACE), "a place fits its bits");

/* ---- secrets --------------------------------------------------------------------------------- */

/* Shards share theirs: an answer that one gave may come back to another. */
static void renew(struct plait_stack *s, struct stack_secrets *of, uint64_t period)
{
    uint64_t number = period * 2 + (of == &s->secrets);

    of->key[period & 1] =
        s->cfg.shard_n > 1 ? stack_shard_secret(s, number) : ctx_random_key(&s->ctx);
    of->used[period & 1] = false;
}

unsigned stack_secrets_turn(struct plait_stack *s, struct stack_secrets *of, plait_time length,
                            plait_time now)
{
    uint64_t period = now / length + 1;
    unsigned parity = (unsigned)(period & 1);

    if (period == of->period)
        return parity;
    if (period != of->period + 1)
        renew(s, of, period - 1);
    renew(s, of, period);
    of->period = period;
    return parity;
}

static unsigned present(struct plait_stack *s, plait_time now)
{
    return stack_secrets_turn(s, &s->secrets, PERIOD, now);
}

bool stack_cookie_is_out(struct plait_stack *s, plait_time now)
{
    present(s, now);
    return s->secrets.used[0] || s->secrets.used[1];
}

/* What is hashed: the handshake, and what for. */
struct subject {
    const struct plait_addr *local, *remote;
    uint32_t irs;
    unsigned parity;
};

static uint64_t hash(const struct plait_stack *s, const struct subject *of, uint8_t purpose,
                     uint64_t more)
{
    uint8_t buf[2 * 18 + 4 + 8 + 2];

    memcpy(buf, of->local->ip, 16);
    be16_store(buf + 16, of->local->port);
    memcpy(buf + 18, of->remote->ip, 16);
    be16_store(buf + 34, of->remote->port);
    be32_store(buf + 36, of->irs);
    be64_store(buf + 40, more);
    buf[48] = of->remote->family;
    buf[49] = purpose;
    return siphash(&s->secrets.key[of->parity], buf, sizeof buf);
}

/* ---- a listener's ---------------------------------------------------------------------------- */

static struct tcp_words words_of_syn(const struct plait_stack *s, const struct subject *of,
                                     unsigned memo)
{
    uint64_t proof = hash(s, of, PURPOSE_SYN, memo);

    return (struct tcp_words){
        .iss = (uint32_t)(proof << PROOF_SHIFT) | of->parity * PARITY | (memo & MSS_MASK),
        .tsval = (uint32_t)(proof >> 32) << MEMO_TS_BITS | memo >> TCP_MEMO_MSS_BITS,
    };
}

/*= RFC 8684 3.1
 * If the server behaves in a stateless manner, it has to generate its own key in a verifiable
 * fashion. This verifiable way of generating the key can be done by using a hash of the 4-tuple,
 * sequence number, and a local secret */
/* The first of a row whose token names this shard; false: there is none. */
static bool key_of_syn(const struct plait_stack *s, const struct subject *of, struct mp_key *key)
{
    for (unsigned i = 0; i < stack_shard_key_tries(s); i++) {
        mp_key_derive(hash(s, of, PURPOSE_KEY, i), 1, key);
        if (stack_shard_has_token(s, key->token))
            return true;
    }
    return false;
}

static void offer_multipath(struct stack_half *h, const struct subject *of,
                            const struct wire_seg *seg)
{
    struct mp_config cfg = h->listener->cfg;
    struct mp_key key = {0};

    if (cfg.mptcp && wire_mp_has(&seg->mp, WIRE_MP_CAPABLE) && mp_syn_version(seg) == 1 &&
        seg->len == 0) {
        cfg.mptcp = key_of_syn(h->stack, of, &key);
        /*= RFC 8684 3.1
         * if uniqueness is not met and there is no way to generate an alternative verifiable key,
         * then the connection MUST fall back to using regular TCP by not sending an MP_CAPABLE in
         * the SYN/ACK. */
        cfg.mptcp = cfg.mptcp && stack_find_token(h->stack, key.token) == NULL;
    } else {
        cfg.mptcp = false;
    }
    mp_half_capable(&h->mp, &cfg, &key, seg);
}

static enum plait_reason answer(struct stack_half *h, unsigned parity, plait_time now)
{
    struct plait_stack *s = h->stack;
    enum plait_reason why = stack_reply_synack(h, now);

    if (why == PLAIT_REASON_NONE) {
        s->secrets.used[parity] = true;
        ctx_count(&s->ctx, PLAIT_REASON_COOKIE_SENT);
    }
    return why;
}

static struct tcp_config tcp_config_for(const struct plait_stack *s, const struct mp_config *cfg,
                                        const struct wire_seg *seg)
{
    return stack_tcp_config(cfg, mp_local_find(&s->locals, &seg->dst));
}

enum plait_reason stack_cookie_syn(struct plait_listener *l, const struct wire_seg *seg,
                                   plait_time now)
{
    struct plait_stack *s = l->stack;
    struct stack_half h = {.stack = s, .listener = l};
    struct tcp_config tcp = tcp_config_for(s, &l->cfg, seg);
    struct subject of = {&seg->dst, &seg->src, seg->seq, present(s, now)};

    tcp_half_init(&h.tcp, &s->ctx, &tcp, seg, now);
    tcp_half_say(&h.tcp, words_of_syn(s, &of, tcp_half_reduce(&h.tcp)), now);
    offer_multipath(&h, &of, seg);
    return answer(&h, of.parity, now);
}

/* The token may have been given away since: then the answers go without MPTCP, and the peer sees
 * that by itself (RFC 8684 3.7). */
static void recreate_multipath(struct stack_half *h, const struct subject *of,
                               const struct wire_seg *seg)
{
    struct mp_key key;
    bool found = key_of_syn(h->stack, of, &key);

    mp_half_recreate(&h->mp, &h->listener->cfg, key.key, seg);
    if (h->mp.kind == MP_HALF_CAPABLE &&
        (!found || stack_find_token(h->stack, h->mp.local.token) != NULL))
        h->mp = (struct mp_half){.kind = MP_HALF_PLAIN, .why_plain = PLAIT_REASON_MP_KEY};
}

static void recreate_tcp(struct stack_half *h, const struct mp_config *cfg,
                         const struct wire_seg *seg, unsigned memo)
{
    struct tcp_config tcp = tcp_config_for(h->stack, cfg, seg);
    struct tcp_recall recall = {&tcp, cfg->rcvbuf_init, memo};

    tcp_half_recreate(&h->tcp, seg, &recall, h->stack->now);
}

static bool open_listener(struct plait_stack *s, const struct wire_seg *seg, struct stack_half *h)
{
    uint32_t iss = seg->ack - 1;
    struct subject of = {&seg->dst, &seg->src, seg->seq - 1, (iss & PARITY) != 0};
    unsigned memo = tcp_memo_without_ts(iss & MSS_MASK);

    if (!s->secrets.used[of.parity])
        return false;
    if (seg->opt.has_ts)
        memo = (iss & MSS_MASK) |
               (seg->opt.tsecr & ((1 << MEMO_TS_BITS) - 1)) << TCP_MEMO_MSS_BITS;
    struct tcp_words w = words_of_syn(s, &of, memo);
    if (w.iss != iss || (seg->opt.has_ts && w.tsval != seg->opt.tsecr))
        return false;
    h->listener = stack_find_listener(s, &seg->dst);
    if (h->listener == NULL)
        return false;
    recreate_tcp(h, &h->listener->cfg, seg, memo);
    recreate_multipath(h, &of, seg);
    return true;
}

/* ---- a join's -------------------------------------------------------------------------------- */

void stack_cookie_forget(struct plait_conn *c)
{
    if (c->flooded > 0)
        c->stack->flooded[c->flooded - 1] = NULL;
    c->flooded = 0;
}

/* A place that names the connection. Where all are taken somebody loses his, and the joins that he
 * answered meanwhile. */
static unsigned place_of(struct plait_conn *c)
{
    struct plait_stack *s = c->stack;
    unsigned i = 0;

    if (c->flooded > 0)
        return c->flooded - 1u;
    while (i < STACK_FLOODED_MAX && s->flooded[i] != NULL)
        i++;
    if (i == STACK_FLOODED_MAX) {
        i = ctx_random_u32(&s->ctx) % STACK_FLOODED_MAX;
        stack_cookie_forget(s->flooded[i]);
    }
    s->flooded[i] = c;
    c->flooded = (uint8_t)(i + 1);
    return i;
}

static struct tcp_words words_of_join(const struct plait_stack *s, const struct subject *of,
                                      uint32_t nonce, uint32_t second)
{
    uint32_t pad = (uint32_t)hash(s, of, PURPOSE_JOIN_TS, nonce) & ~1u;

    return (struct tcp_words){
        .iss = nonce ^ (uint32_t)hash(s, of, PURPOSE_JOIN_ISN, 0),
        .tsval = (second ^ pad) | of->parity,
    };
}

/*= RFC 7430 3.1
 * Further, Host B will have to generate its own random nonce in a reproducible fashion (e.g., a
 * hash of the 5-tuple + initial sequence number + local secret). */
static uint32_t nonce_of_join(const struct plait_stack *s, const struct subject *of,
                              const struct wire_mp_join *join)
{
    uint64_t more = (uint64_t)join->token << 32 | join->nonce;

    return (uint32_t)hash(s, of, PURPOSE_NONCE, more);
}

enum plait_reason stack_cookie_join(struct plait_conn *c, const struct wire_seg *seg,
                                    plait_time now)
{
    struct plait_stack *s = c->stack;
    const struct wire_mp_join *join = &seg->mp.join;
    struct stack_half h = {.stack = s};
    struct subject of = {&seg->dst, &seg->src, seg->seq, present(s, now)};
    enum plait_reason why = mp_half_join(&h.mp, c->mp, seg, nonce_of_join(s, &of, join));

    if (why != PLAIT_REASON_NONE)
        return why;
    assert(seg->opt.has_ts && "one number is too little for a join");
    struct tcp_config tcp = tcp_config_for(s, c->cfg, seg);
    tcp_half_init(&h.tcp, &s->ctx, &tcp, seg, now);
    uint32_t second = tcp_half_reduce(&h.tcp) << JOIN_MEMO;
    second |= (uint32_t)join->backup << JOIN_BACKUP | (uint32_t)join->addr_id << JOIN_ID |
              (uint32_t)place_of(c) << JOIN_PLACE | (uint32_t)s->cfg.shard << JOIN_SHARD;
    tcp_half_say(&h.tcp, words_of_join(s, &of, join->nonce, second), now);
    return answer(&h, of.parity, now);
}

static struct subject subject_of_ack(const struct wire_seg *seg)
{
    return (struct subject){&seg->dst, &seg->src, seg->seq - 1, seg->opt.tsecr & 1};
}

/* What words_of_join() was given. */
static uint32_t second_of_join(const struct plait_stack *s, const struct wire_seg *seg,
                               uint32_t *nonce)
{
    struct subject of = subject_of_ack(seg);

    *nonce = (seg->ack - 1) ^ (uint32_t)hash(s, &of, PURPOSE_JOIN_ISN, 0);
    return (seg->opt.tsecr ^ (uint32_t)hash(s, &of, PURPOSE_JOIN_TS, *nonce)) & ~1u;
}

static unsigned shard_of_join(uint32_t second)
{
    return second >> JOIN_SHARD & 0xff;
}

bool stack_cookie_shard(struct plait_stack *s, const struct wire_seg *seg, unsigned *shard,
                        plait_time now)
{
    uint32_t nonce;

    if (!seg->opt.has_ts)
        return false;
    present(s, now);
    *shard = shard_of_join(second_of_join(s, seg, &nonce));
    return *shard < s->cfg.shard_n;
}

static bool open_join(struct plait_stack *s, const struct wire_seg *seg, struct stack_half *h)
{
    struct subject of = subject_of_ack(seg);
    struct wire_seg syn = {.src = seg->src, .dst = seg->dst, .mp.present = 1u << WIRE_MP_JOIN};
    uint32_t nonce, second;

    if (!seg->opt.has_ts || !s->secrets.used[of.parity])
        return false;
    second = second_of_join(s, seg, &nonce);
    struct plait_conn *c = s->flooded[second >> JOIN_PLACE];
    if (shard_of_join(second) != s->cfg.shard || c == NULL)
        return false;
    syn.mp.join = (struct wire_mp_join){
        .len = 12,
        .backup = (second >> JOIN_BACKUP & 1) != 0,
        .addr_id = (uint8_t)(second >> JOIN_ID),
        .token = (uint32_t)c->token.node.hash,
        .nonce = nonce,
    };
    if (mp_half_join(&h->mp, c->mp, &syn, nonce_of_join(s, &of, &syn.mp.join)) != 0)
        return false;
    h->conn = c;
    recreate_tcp(h, c->cfg, seg, second >> JOIN_MEMO & ((1 << TCP_MEMO_BITS) - 1));
    return true;
}

/* ---- the ACK --------------------------------------------------------------------------------- */

bool stack_cookie_open(struct plait_stack *s, const struct wire_seg *seg, struct stack_half *h,
                       plait_time now)
{
    bool ok;

    if (!stack_cookie_is_out(s, now) || mp_local_find(&s->locals, &seg->dst) == NULL)
        return false;
    *h = (struct stack_half){.stack = s};
    if (wire_mp_has(&seg->mp, WIRE_MP_JOIN))
        ok = open_join(s, seg, h);
    else
        ok = open_listener(s, seg, h);
    ctx_count(&s->ctx, ok ? PLAIT_REASON_COOKIE_ACCEPTED : PLAIT_REASON_COOKIE_REFUSED);
    return ok;
}
