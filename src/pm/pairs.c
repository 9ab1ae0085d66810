/* SPDX-License-Identifier: Apache-2.0 */
/* Which pair of addresses to open next, and which address to announce. Called by the path managers.
 *
 * Announcements come first: they cost one ACK, and the peer needs a round trip to act on them. The
 * pair of the first subflow is a pair like any other: where it died it is opened again (break
 * before make). The other address family of an interface that has a subflow is as a rule the same
 * path once more. It waits until the connection is worth it: a short exchange would be half
 * announcements and handshakes. And it is a backup: two subflows in use would take the share of two
 * on the link that they have in common, and gain nothing. Where only the backup is left the other
 * one, when it comes again, is none. RFC 8684 3.2, 3.3.8, 3.4 and 3.9. */
#include "pairs.h"

#include "../base/addr.h"

#include <limits.h>

void pm_nothing(struct pm_decision *out)
{
    *out = (struct pm_decision){ .what = PM_NOTHING, .again = PLAIT_NEVER };
}

bool pm_is_worth_it(const struct pm_view *v, struct pm_decision *out)
{
    if (v->moved >= v->demand_bytes || v->age >= v->demand_after)
        return true;
    if (v->demand_after != PLAIT_NEVER && v->now + (v->demand_after - v->age) < out->again)
        out->again = v->now + (v->demand_after - v->age);
    out->again_moved = v->demand_bytes;
    return false;
}

static const struct pm_local *local_of(const struct pm_view *v, uint8_t id)
{
    for (unsigned i = 0; i < v->local_n; i++)
        if (v->local[i].id == id)
            return &v->local[i];
    return NULL;
}

/* How many subflows live on the same interface, with an address of the other family; with in_use,
 * how many of them that are no backups. */
static unsigned of_other_family(const struct pm_view *v, const struct pm_local *l, bool in_use)
{
    unsigned n = 0;

    for (unsigned i = 0; l->ifindex != 0 && i < v->subflow_n; i++) {
        const struct pm_local *used = local_of(v, v->subflow[i].local_id);
        if (v->subflow[i].alive && used != NULL && used->ifindex == l->ifindex &&
            used->addr.family != l->addr.family)
            n += !in_use || !v->subflow[i].backup ? 1 : 0;
    }
    return n;
}

static bool is_other_family(const struct pm_view *v, const struct pm_local *l)
{
    return of_other_family(v, l, false) > 0;
}

/* Packets of one kind of address never reach the other kind. */
static bool can_reach(const struct plait_addr *local, const struct plait_addr *remote)
{
    return local->family == remote->family &&
           addr_is_loopback(local) == addr_is_loopback(remote) &&
           addr_is_linklocal(local) == addr_is_linklocal(remote);
}

static bool in_use(const struct pm_view *v, uint8_t local_id, uint8_t remote_id)
{
    for (unsigned i = 0; i < v->subflow_n; i++)
        if (v->subflow[i].alive && v->subflow[i].local_id == local_id &&
            v->subflow[i].remote_id == remote_id)
            return true;
    return false;
}

/* Until when the pair may not be tried; 0: it may. */
static plait_time barred_until(const struct pm_view *v, uint8_t local_id, uint8_t remote_id)
{
    for (unsigned i = 0; i < v->barred_n; i++)
        if (v->barred[i].local_id == local_id && v->barred[i].remote_id == remote_id &&
            v->barred[i].until > v->now)
            return v->barred[i].until;
    return 0;
}

bool pm_announce(const struct pm_view *v, struct pm_decision *out)
{
    for (uint8_t i = 0; v->may_announce && i < v->local_n; i++) {
        const struct pm_local *l = &v->local[i];
        /* Id 0 without a port of its own says nothing new: the peer knows the first subflow. */
        bool known = l->id == 0 && l->addr.port == 0;

        if (l->signal && !l->announced && !l->down && !known &&
            (!is_other_family(v, l) || pm_is_worth_it(v, out))) {
            *out = (struct pm_decision){ .what = PM_ANNOUNCE, .local = i, .again = PLAIT_NEVER };
            return true;
        }
    }
    return false;
}

/* The address of the first subflow is one that the application chose. */
static bool may_start_from(const struct pm_local *l)
{
    return (l->subflow || l->id == 0) && !l->down;
}

bool pm_may_open_pair(const struct pm_view *v, const struct pm_local *l, const struct pm_remote *r,
                      struct pm_decision *out)
{
    plait_time until;

    /*= RFC 8684 3.1
     * the receiver MUST NOT try to open any additional subflows toward this address and port */
    if (r->refuses || !may_start_from(l) || !can_reach(&l->addr, &r->addr))
        return false;
    until = barred_until(v, l->id, r->id);
    if (until > 0 && until < out->again)
        out->again = until;
    return until == 0;
}

static unsigned common_prefix(const struct plait_addr *a, const struct plait_addr *b)
{
    unsigned n = 0;

    while (n < 8 * addr_ip_len(a) && ((a->ip[n / 8] ^ b->ip[n / 8]) & (0x80 >> n % 8)) == 0)
        n++;
    return n;
}

/* How little a pair promises. Addresses that no subflow uses yet come first, because they are other
 * paths; of those the pair with the longest common prefix, because that one is likely to have a
 * route (RFC 6724 5, rule 9). */
static unsigned demerit(const struct pm_view *v, const struct pm_local *l,
                        const struct pm_remote *r)
{
    unsigned uses = 0;

    for (unsigned i = 0; i < v->subflow_n; i++)
        if (v->subflow[i].alive)
            uses += (v->subflow[i].local_id == l->id ? 1u : 0u) +
                    (v->subflow[i].remote_id == r->id ? 1u : 0u);
    return uses * 256 + (128 - common_prefix(&l->addr, &r->addr));
}

bool pm_open(const struct pm_view *v, struct pm_decision *out)
{
    unsigned best = UINT_MAX;

    for (uint8_t r = 0; r < v->remote_n; r++)
        for (uint8_t l = 0; l < v->local_n; l++) {
            unsigned d;
            if (in_use(v, v->local[l].id, v->remote[r].id) ||
                !pm_may_open_pair(v, &v->local[l], &v->remote[r], out) ||
                (is_other_family(v, &v->local[l]) && !pm_is_worth_it(v, out)))
                continue;
            d = demerit(v, &v->local[l], &v->remote[r]);
            if (d < best) {
                best = d;
                out->what = PM_OPEN;
                out->local = l;
                out->remote = r;
                out->backup = of_other_family(v, &v->local[l], true) > 0;
            }
        }
    if (out->what == PM_OPEN)
        out->again = PLAIT_NEVER;
    return out->what == PM_OPEN;
}
