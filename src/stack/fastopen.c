/* SPDX-License-Identifier: Apache-2.0 */
/* Fast Open (RFC 7413) of both sides: the cookies that servers gave, and what came of their use;
 * the cookies that we give, and the connections that wait for their third ACK.
 *
 * The side that connects. Called when a connection is opened and when it is established. A few
 * servers are remembered, with their ports; the oldest is forgotten first. The cookie goes into the
 * first SYN with what the application wrote by then. A server that takes none of it, or part of it,
 * gets the rest as ordinary data. Where that SYN was lost, or nothing was taken and no new cookie
 * came, the next connections to that server go without for a while.
 *
 * The side that listens. Called by half.c for SYNs, and when a connection is established or freed.
 * A cookie is a keyed hash of both addresses; the key is replaced every hour and its predecessor
 * lives as long again. Text that comes with a good one makes a connection at once, while a place in
 * `pending` is free. Who ended before the third ACK keeps his place for a while: the resets of a
 * host whose address was borrowed do not make room for more (RFC 7413 5.1). Nothing of this where
 * SYNs are answered without state, and in version 0, whose keys leave no room in the SYN.
 *
 * Invariants: no two servers have the same address; a connection with a place is named by it. RFC
 * 7413 3, 4.1.2, 4.1.3, 4.2 and 5.1, RFC 8684 B. */
#include "stack_int.h"

#include "../base/digest.h"
#include <assert.h>
#include <string.h>

#define OFF_TIME (600 * PLAIT_SEC)
#define KEY_TIME (3600 * PLAIT_SEC)
#define PENALTY (60 * PLAIT_SEC)

static_assert(sizeof((struct plait_fastopen *)0)->cookie == TCP_FASTOPEN_COOKIE_MAX,
              "every cookie that we keep can be given away");

/* ---- the side that connects ------------------------------------------------------------------ */

static const struct stack_cookie *find(const struct plait_stack *s, const struct plait_addr *server)
{
    for (unsigned i = 0; i < STACK_COOKIES_MAX; i++)
        if (s->cookie[i].server.family != 0 && addr_equal(&s->cookie[i].server, server))
            return &s->cookie[i];
    return NULL;
}

static struct stack_cookie *entry(struct plait_stack *s, const struct plait_addr *server)
{
    const struct stack_cookie *known = find(s, server);

    if (known != NULL)
        return &s->cookie[known - s->cookie];
    struct stack_cookie *k = &s->cookie[s->cookie_next++ % STACK_COOKIES_MAX];
    *k = (struct stack_cookie){.server = *server};
    return k;
}

bool stack_fastopen_use(const struct plait_stack *s, const struct plait_addr *server,
                        struct tcp_fastopen *with)
{
    const struct stack_cookie *k = find(s, server);

    if (k != NULL && s->now < k->off_until)
        return false;
    *with = k != NULL ? k->with : (struct tcp_fastopen){0};
    with->on = true;
    return true;
}

/*= RFC 7413 4.1.3.1
 * For any negative responses, the client SHOULD disable Fast Open on the specific path (the source
 * and destination IP addresses and ports) at least temporarily. */
void stack_fastopen_learn(struct plait_conn *c, plait_time now)
{
    const struct tcb *t = mp_fastopen_tcb(c->mp);
    const struct tcp_fastopen *fo = t != NULL ? t->fastopen : NULL;

    if (fo == NULL)
        return;
    if (fo->taken > 0)
        ctx_count(&c->stack->ctx, PLAIT_REASON_FASTOPEN_TAKEN);
    if (fo->renewed) {
        struct tcp_fastopen *with = &entry(c->stack, &t->remote)->with;
        *with = (struct tcp_fastopen){.len = fo->len, .mss = t->mss_peer};
        memcpy(with->cookie, fo->cookie, fo->len);
    } else if (t->syn_n > 1 || (fo->sent > 0 && fo->taken == 0)) {
        entry(c->stack, &t->remote)->off_until = now + OFF_TIME;
        ctx_count(&c->stack->ctx, PLAIT_REASON_FASTOPEN_REFUSED);
    }
}

int plait_fastopen_get(const struct plait_stack *s, const struct plait_addr *server,
                       struct plait_fastopen *out)
{
    const struct stack_cookie *k = find(s, server);

    if (k == NULL || k->with.len == 0)
        return PLAIT_ENOENT;
    *out = (struct plait_fastopen){.server = *server, .mss = k->with.mss, .len = k->with.len};
    memcpy(out->cookie, k->with.cookie, k->with.len);
    return 0;
}

int plait_fastopen_set(struct plait_stack *s, const struct plait_fastopen *known)
{
    if (known->len < 4 || known->len > TCP_FASTOPEN_COOKIE_MAX || known->len % 2 != 0 ||
        known->server.port == 0 || !addr_is_unicast(&known->server))
        return PLAIT_EINVAL;
    struct tcp_fastopen *with = &entry(s, &known->server)->with;
    *with = (struct tcp_fastopen){.len = known->len, .mss = known->mss};
    memcpy(with->cookie, known->cookie, known->len);
    return 0;
}

/* ---- the side that listens: cookies ---------------------------------------------------------- */

/*= RFC 7413 4.1.2
 * The cookie expires after a certain amount of time. */
static void cookie_for(const struct plait_stack *s, const struct wire_seg *syn, unsigned parity,
                       uint8_t cookie[TCP_FASTOPEN_COOKIE_OURS])
{
    uint8_t who[2 * 16 + 1];

    memcpy(who, syn->src.ip, 16);
    memcpy(who + 16, syn->dst.ip, 16);
    who[32] = syn->src.family;
    uint64_t hash = siphash(&s->fastopen_secrets.key[parity], who, sizeof who);
    for (unsigned i = 0; i < TCP_FASTOPEN_COOKIE_OURS; i++)
        cookie[i] = (uint8_t)(hash >> 8 * i);
}

static bool is_cookie(const struct wire_seg *syn, const uint8_t cookie[TCP_FASTOPEN_COOKIE_OURS])
{
    return syn->opt.tfo_len == TCP_FASTOPEN_COOKIE_OURS &&
           digest_equal(syn->opt.tfo, cookie, TCP_FASTOPEN_COOKIE_OURS);
}

/* Is the SYN's cookie good? Whoever has none, or not the present one, gets that. */
static bool check_cookie(struct stack_half *h, const struct wire_seg *syn, plait_time now)
{
    struct plait_stack *s = h->stack;
    struct stack_secrets *of = &s->fastopen_secrets;
    unsigned parity = stack_secrets_turn(s, of, KEY_TIME, now);
    uint8_t cookie[TCP_FASTOPEN_COOKIE_OURS], old[TCP_FASTOPEN_COOKIE_OURS];

    cookie_for(s, syn, parity, cookie);
    if (is_cookie(syn, cookie))
        return true;
    h->tcp.tfo_len = sizeof cookie;
    memcpy(h->tcp.tfo, cookie, sizeof cookie);
    of->used[parity] = true;
    cookie_for(s, syn, parity ^ 1, old);
    if ((of->used[parity ^ 1] || s->cfg.shard_n > 1) && is_cookie(syn, old))
        return true;
    if (syn->opt.tfo_len > 0)
        ctx_count(&s->ctx, PLAIT_REASON_FASTOPEN_COOKIE);
    return false;
}

/* ---- the side that listens: connections before their third ACK ------------------------------- */

static struct stack_pending *free_place(struct plait_stack *s, plait_time now)
{
    for (unsigned i = 0; i < s->cfg.fastopen_max; i++)
        if (s->pending[i].conn == NULL && s->pending[i].until <= now)
            return &s->pending[i];
    return NULL;
}

/*= RFC 7413 4.2
 * When this flag is off, the server does not perform any TFO-related operations and MUST ignore all
 * cookie options. */
/*= RFC 7413 4.2
 * If this variable goes over a preset system limit, the server MUST disable TFO for all new
 * connection requests until PendingFastOpenRequests drops below the system limit. */
bool stack_fastopen_judge(struct stack_half *h, const struct wire_seg *syn, plait_time now)
{
    const struct mp_config *cfg = stack_half_config(h);
    bool v0 = wire_mp_has(&syn->mp, WIRE_MP_CAPABLE) && mp_syn_version(syn) == 0;

    if (!cfg->fastopen || !syn->opt.has_tfo || v0)
        return false;
    if (free_place(h->stack, now) == NULL) {
        ctx_count(&h->stack->ctx, PLAIT_REASON_FASTOPEN_FULL);
        return false;
    }
    return check_cookie(h, syn, now) && syn->len > 0 && !cfg->require_mptcp;
}

void stack_fastopen_begin(struct plait_conn *c, plait_time now)
{
    struct stack_pending *p = free_place(c->stack, now);

    assert(p != NULL && "a place was free");
    *p = (struct stack_pending){.conn = c};
    c->pending = (uint16_t)(p - c->stack->pending + 1);
    ctx_count(&c->stack->ctx, PLAIT_REASON_FASTOPEN_ACCEPTED);
}

/*= RFC 7413 4.2.2
 * Upon receiving an ACK acknowledging the SYN sequence, the server decrements
 * PendingFastOpenRequests and advances to the ESTABLISHED state. */
/*= RFC 7413 5.1
 * Implementations may combine the two, e.g., by continuing to account for those connection requests
 * that have just been reset against the listener's PendingFastOpenRequests until a timeout period
 * has passed. */
void stack_fastopen_end(struct plait_conn *c, bool established, plait_time now)
{
    if (c->pending == 0)
        return;
    c->stack->pending[c->pending - 1] =
        (struct stack_pending){.until = established ? 0 : now + PENALTY};
    c->pending = 0;
}
