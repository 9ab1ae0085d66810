/* SPDX-License-Identifier: Apache-2.0 */
/* One path at a time. The next one is opened when the current one is stale or gone; when it is
 * ready the other is closed, also where that has come back meanwhile: of two the younger one stays.
 * What the peer opened is the peer's to close: else two managers would undo each other's work. */
#include "pairs.h"

/* It works, or it may yet. */
static bool hopeful(const struct pm_subflow *s) { return s->alive && !s->closing && !s->stale; }

/* The youngest that is ready; -1. */
static int newest(const struct pm_view *v)
{
    int found = -1;

    for (unsigned i = 0; i < v->subflow_n; i++)
        if (hopeful(&v->subflow[i]) && v->subflow[i].ready &&
            (found < 0 || v->subflow[i].id > v->subflow[found].id))
            found = (int)i;
    return found;
}

/* What is to be closed for its sake: not what is still being opened. */
static bool close_others(const struct pm_view *v, int keep, struct pm_decision *out)
{
    for (unsigned i = 0; i < v->subflow_n; i++) {
        const struct pm_subflow *s = &v->subflow[i];
        if ((int)i == keep || s->closing || !s->ours || !(s->ready || s->stale))
            continue;
        out->what = PM_CLOSE;
        out->subflow = (uint8_t)i;
        return true;
    }
    return false;
}

static void decide(const struct pm_view *v, struct pm_decision *out)
{
    int keep = newest(v);
    bool hope = false;

    pm_nothing(out);
    if (pm_announce(v, out) || !v->may_open)
        return;
    for (unsigned i = 0; i < v->subflow_n; i++)
        hope = hope || hopeful(&v->subflow[i]);
    if (keep >= 0 && close_others(v, keep, out))
        return;
    if (!hope && v->subflows_left > 0)
        (void)pm_open(v, out);
}

const struct pm_ops pm_handover_ops = {
    .name = "handover", .decide = decide,
    .what = "one path at a time, the next when it is stale or gone",
};
