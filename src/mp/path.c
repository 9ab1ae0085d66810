/* SPDX-License-Identifier: Apache-2.0 */
/* The path manager's window on the connection: the view it decides from, what becomes of its
 * decisions, and the pairs of addresses that failed.
 *
 * Called by the stack at the end of each step (mp_pm_next), by subflow.c and addr.c when
 * something changed. The policy is asked only then, or at the time that it named.
 *
 * A pair that failed is barred: for one second and twice as long each time, up to a minute, where
 * the path went silent or the peer's reset was transient; for the connection's life where the peer
 * refused. A pair that comes up and fails again has not started over, unless it was well for a
 * minute. RFC 8684 3.1, 3.6,
 * 3.9.3. */
#include "mp_int.h"

#include "../base/addr.h"

#define BAR_FIRST (1 * PLAIT_SEC)
#define BAR_MAX (60 * PLAIT_SEC)

void mp_path_changed(struct mp_conn *c) { c->pm_dirty = true; }

/* ---- pairs that failed ---------------------------------------------------------------------- */

static struct mp_bar *find_bar(struct mp_conn *c, uint8_t local_id, uint8_t remote_id)
{
    for (unsigned i = 0; i < c->bars.n; i++)
        if (mp_bar_at(c, i)->local_id == local_id && mp_bar_at(c, i)->remote_id == remote_id)
            return mp_bar_at(c, i);
    return NULL;
}

/* A free place, or that of the bar that ends first; NULL: there is none, and no memory. */
static struct mp_bar *new_bar(struct mp_conn *c)
{
    struct mp_bar *first = vec_push(&c->bars, &c->ctx->env);

    if (first != NULL || c->bars.n == 0)
        return first;
    first = mp_bar_at(c, 0);
    for (unsigned i = 1; i < c->bars.n; i++)
        if (mp_bar_at(c, i)->until < first->until)
            first = mp_bar_at(c, i);
    return first;
}

void mp_path_bar(struct mp_conn *c, uint8_t local_id, uint8_t remote_id, bool for_ever,
                 plait_time now)
{
    struct mp_bar *bar = find_bar(c, local_id, remote_id);
    plait_time wait = BAR_FIRST;

    if (bar == NULL) {
        bar = new_bar(c);
        if (bar == NULL) { /* then no pair is opened for a while */
            c->join_after = mp_later(c->join_after, now + BAR_FIRST);
            mp_path_changed(c);
            return;
        }
        *bar = (struct mp_bar){ .local_id = local_id, .remote_id = remote_id };
    }
    if (bar->until != PLAIT_NEVER && now >= bar->until + BAR_MAX)
        bar->fails = 0;
    for (unsigned i = 0; i < bar->fails && wait < BAR_MAX; i++)
        wait *= 2;
    if (bar->fails < UINT8_MAX)
        bar->fails++;
    bar->until = for_ever ? PLAIT_NEVER : now + mp_earlier(wait, BAR_MAX);
    mp_path_changed(c);
}

static void drop_bars(struct mp_conn *c, int local_id, int remote_id)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->bars.n; i++)
        if ((local_id >= 0 && mp_bar_at(c, i)->local_id != local_id) ||
            (remote_id >= 0 && mp_bar_at(c, i)->remote_id != remote_id))
            *mp_bar_at(c, n++) = *mp_bar_at(c, i);
    vec_truncate(&c->bars, n, &c->ctx->env);
}

void mp_path_proven(struct mp_conn *c, uint8_t local_id, uint8_t remote_id)
{
    const struct mp_bar *bar = find_bar(c, local_id, remote_id);

    if (bar != NULL && bar->until == PLAIT_NEVER)
        drop_bars(c, local_id, remote_id);
}

void mp_path_unbar_remote(struct mp_conn *c, uint8_t remote_id) { drop_bars(c, -1, remote_id); }

void mp_path_unbar_local(struct mp_conn *c, uint8_t local_id) { drop_bars(c, local_id, -1); }

/* ---- the view ------------------------------------------------------------------------------- */

static bool is_announced(const struct mp_conn *c, uint8_t id)
{
    for (unsigned i = 0; i < c->announced.n; i++)
        if (mp_announced_at(c, i)->id == id)
            return true;
    return false;
}

static void view_locals(const struct mp_conn *c, struct pm_view *v)
{
    for (unsigned i = 0; i < c->locals->n && v->local_n < PM_ADDRS_MAX; i++) {
        const struct plait_local *l = &c->locals->v[i];
        uint8_t id = addr_same_ip(&l->addr, &c->first_local) ? 0 : l->id;
        v->local[v->local_n++] = (struct pm_local){
            .id = id, .subflow = (l->flags & PLAIT_LOCAL_SUBFLOW) != 0,
            .signal = (l->flags & PLAIT_LOCAL_SIGNAL) != 0,
            .backup = (l->flags & PLAIT_LOCAL_BACKUP) != 0,
            .down = (l->flags & PLAIT_LOCAL_DOWN) != 0, .announced = is_announced(c, id),
            .ifindex = l->ifindex, .addr = l->addr,
        };
    }
}

/*= RFC 8684 3.4.1
 * If the port number is different, the receiving host SHOULD try to set up a new subflow to this
 * new address/port combination. */
/* So a subflow of ours to another port does not stand for the pair. */
static bool goes_elsewhere(const struct mp_conn *c, const struct mp_subflow *s)
{
    for (unsigned i = 0; i < c->remotes.n; i++)
        if (mp_remote_at(c, i)->id == s->remote_id)
            return s->initiator && mp_remote_at(c, i)->addr.port != s->tcb.remote.port;
    return false;
}

static bool is_down(const struct mp_conn *c, uint8_t local_id)
{
    for (unsigned i = 0; i < c->locals->n; i++) {
        const struct plait_local *l = &c->locals->v[i];
        if (mp_addr_local_id(c, &l->addr) == local_id)
            return (l->flags & PLAIT_LOCAL_DOWN) != 0;
    }
    return false;
}

static void view_subflows(const struct mp_conn *c, struct pm_view *v)
{
    MP_EACH(s, c)
        if (s->phase != MP_PHASE_DOWN && s->tcb.state != TCP_ST_TIME_WAIT &&
            v->subflow_n < PM_SUBFLOWS_MAX)
            v->subflow[v->subflow_n++] = (struct pm_subflow){
                .id = s->id, .local_id = s->local_id, .remote_id = s->remote_id,
                .alive = !goes_elsewhere(c, s), .ready = mp_subflow_usable(s),
                .stale = s->stale || s->tcb.loss.rto_n > 0 || is_down(c, s->local_id),
                .closing = s->closing, .ours = s->initiator,
                .backup = s->backup_local || s->backup_remote,
            };
}

/*= RFC 8684 3.1
 * Note that new subflows MUST NOT be established (using the process documented in Section 3.2)
 * until a DSS option has been successfully received across the path */
static bool may_open(const struct mp_conn *c, plait_time now)
{
    return (!c->passive || c->cfg->server_joins) && now >= c->join_after && c->dss_in &&
           mp_is_open_for_join(c);
}

/* Bytes of the stream that were sent, and that the application read. */
static uint64_t moved(const struct mp_conn *c) { return c->snd_nxt + c->rx.next; }

static void make_view(const struct mp_conn *c, plait_time now, struct pm_view *v)
{
    uint32_t alive = mp_alive_n(c);

    v->now = now;
    v->may_open = may_open(c, now);
    v->may_announce = mp_is_open_for_join(c) && (c->dss_in || c->passive);
    v->subflows_left = alive < c->cfg->subflows_max && c->sub_n < MP_SUBFLOWS_MAX
                           ? (uint8_t)(c->cfg->subflows_max - alive) : 0;
    v->ports = c->cfg->ports;
    v->demand_bytes = c->cfg->demand_bytes;
    v->demand_after = c->cfg->demand_after;
    v->moved = moved(c);
    v->age = now - c->up_at;
    v->local_n = v->remote_n = v->subflow_n = v->barred_n = 0;
    view_locals(c, v);
    view_subflows(c, v);
    for (unsigned i = 0; i < c->remotes.n; i++) {
        const struct mp_remote *r = mp_remote_at(c, i);
        v->remote[v->remote_n++] = (struct pm_remote){ r->id, r->refuses, r->addr };
    }
    for (unsigned i = 0; i < c->bars.n; i++) {
        const struct mp_bar *b = mp_bar_at(c, i);
        v->barred[v->barred_n++] = (struct pm_barred){ b->local_id, b->remote_id, b->until };
    }
}

/* One that does not answer would take its time for a FIN, and keep its pair of addresses. */
static void close_subflow(struct mp_conn *c, uint8_t id, plait_time now)
{
    struct mp_subflow *found = NULL;

    MP_EACH(s, c)
        if (s->id == id)
            found = s;
    if (found == NULL)
        return;
    if (found->stale || found->tcb.loss.rto_n > 0)
        mp_subflow_abort(found, PLAIT_REASON_RETRIES, now);
    else
        mp_subflow_close(found, now);
}

bool mp_pm_next(struct mp_conn *c, plait_time now, struct mp_wish *wish)
{
    struct pm_view view;
    struct pm_decision d;

    if (!c->pm_dirty && now < c->pm_at && moved(c) < c->pm_moved)
        return false;
    for (unsigned i = 0; i < PM_ADDRS_MAX + 1 && mp_is_open_for_join(c); i++) {
        make_view(c, now, &view);
        c->cfg->pm->decide(&view, &d);
        if (d.what == PM_ANNOUNCE) {
            if (mp_addr_announce(c, view.local[d.local].id, &view.local[d.local].addr))
                continue;
            c->pm_dirty = false; /* no memory: later */
            c->pm_at = now + BAR_FIRST;
            c->pm_moved = UINT64_MAX;
            return false;
        }
        if (d.what == PM_CLOSE) {
            close_subflow(c, view.subflow[d.subflow].id, now);
            continue;
        }
        c->pm_dirty = d.what == PM_OPEN;
        c->pm_moved = d.again_moved > 0 ? d.again_moved : UINT64_MAX;
        c->pm_at = d.again > now ? d.again : now + 1;
        if (now < c->join_after)
            c->pm_at = mp_earlier(c->pm_at, c->join_after);
        if (d.what != PM_OPEN)
            return false;
        *wish = (struct mp_wish){ .local = view.local[d.local].addr,
                                  .remote = view.remote[d.remote].addr,
                                  .other_port = d.other_port,
                                  .backup = d.backup };
        wish->local.port = 0;
        return true;
    }
    c->pm_dirty = false;
    c->pm_moved = UINT64_MAX;
    c->pm_at = PLAIT_NEVER;
    return false;
}
