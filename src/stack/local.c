/* SPDX-License-Identifier: Apache-2.0 */
/* The local addresses of a stack: one table, shared by all connections, which are told of each
 * change. Called by the owner of the stack when its interfaces change. RFC 8684 3.4.
 *
 * Invariants: ids and addresses are unique; every entry passed usable(). */
#include "stack_int.h"

enum {
    FLAGS_ALL = PLAIT_LOCAL_SUBFLOW | PLAIT_LOCAL_SIGNAL | PLAIT_LOCAL_BACKUP | PLAIT_LOCAL_DOWN,
    MTU_MIN_4 = 576,
    MTU_MIN_6 = 1280,
};

static bool usable(const struct plait_local *l)
{
    if (l->id == 0 || (l->flags & ~FLAGS_ALL) != 0 || !addr_is_unicast(&l->addr))
        return false;
    return l->mtu >= (l->addr.family == 4 ? MTU_MIN_4 : MTU_MIN_6);
}

static struct plait_local *find_id(struct plait_stack *s, uint8_t id)
{
    for (unsigned i = 0; i < s->locals.n; i++)
        if (s->locals.v[i].id == id)
            return &s->locals.v[i];
    return NULL;
}

const struct plait_local *stack_local_for_family(const struct plait_stack *s, uint8_t family)
{
    const struct plait_local *found = NULL;

    for (unsigned i = 0; i < s->locals.n; i++) {
        const struct plait_local *l = &s->locals.v[i];
        if (l->addr.family != family)
            continue;
        if ((l->flags & PLAIT_LOCAL_DOWN) == 0)
            return l;
        if (found == NULL)
            found = l;
    }
    return found;
}

typedef void tell_fn(struct mp_conn *c, const struct plait_local *l, plait_time now);

static void tell_all(struct plait_stack *s, tell_fn *tell, const struct plait_local *l)
{
    struct list *next;

    for (struct list *at = s->conns.next; at != &s->conns; at = next) {
        struct plait_conn *c = LIST_OWNER(at, struct plait_conn, all);
        next = at->next;
        tell(c->mp, l, s->now);
        stack_touch(c, s->now);
    }
}

/*= RFC 8684 3.4.1
 * The Address ID MUST uniquely identify the address for the sender of the option (within the scope
 * of the connection); the mechanism for allocating such IDs is implementation specific. */
/*= RFC 6897 5.3.2-2, 5.3.3-1, 5.3.3-8 */
/* No other addresses are ever used. */
int plait_local_add(struct plait_stack *s, const struct plait_local *local, plait_time now)
{
    stack_begin(s, now);
    if (!usable(local))
        return PLAIT_EINVAL;
    if (find_id(s, local->id) != NULL || mp_local_find(&s->locals, &local->addr) != NULL)
        return PLAIT_EADDRINUSE;
    if (s->locals.n == MP_LOCALS_MAX)
        return PLAIT_ELIMIT;
    s->locals.v[s->locals.n++] = *local;
    tell_all(s, mp_local_added, local);
    stack_end(s);
    return 0;
}

/*= RFC 8684 3.4.1
 * A host wishing to replace an existing Address ID MUST first remove the existing one (Section
 * 3.4.2). */
int plait_local_change(struct plait_stack *s, const struct plait_local *local, plait_time now)
{
    struct plait_local *l = find_id(s, local->id);

    stack_begin(s, now);
    if (l == NULL)
        return PLAIT_ENOENT;
    if (!usable(local) || !addr_same_ip(&local->addr, &l->addr))
        return PLAIT_EINVAL;
    *l = *local;
    tell_all(s, mp_local_changed, local);
    stack_end(s);
    return 0;
}

/*= RFC 6897 5.3.3-6 */
int plait_local_del(struct plait_stack *s, uint8_t id, plait_time now)
{
    struct plait_local *l = find_id(s, id);

    stack_begin(s, now);
    if (l == NULL)
        return PLAIT_ENOENT;
    struct plait_local gone = *l;
    struct plait_local *end = &s->locals.v[--s->locals.n];
    for (; l < end; l++)
        l[0] = l[1];
    tell_all(s, mp_local_removed, &gone);
    stack_end(s);
    return 0;
}
