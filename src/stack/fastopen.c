/* SPDX-License-Identifier: Apache-2.0 */
/* Fast Open (RFC 7413) of the side that connects: the cookies that servers gave, and what came of
 * their use. Called when a connection is opened and when it is established.
 *
 * A few servers are remembered, with their ports; the oldest is forgotten first. The cookie goes
 * into the first SYN with what the application wrote by then. A server that takes none of it, or
 * part of it, gets the rest as ordinary data. Where that SYN was lost, or nothing was taken and no
 * new cookie came, the next connections to that server go without for a while.
 *
 * Invariant: no two entries have the same address. RFC 7413 3, 4.1.3 and 4.2.1, RFC 8684 B. */
#include "stack_int.h"

#include <string.h>

#define OFF_TIME (600 * PLAIT_SEC)

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
    const struct tcp_fastopen *fo = t != NULL ? &t->fastopen : NULL;

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
