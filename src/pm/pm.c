/* SPDX-License-Identifier: Apache-2.0 */
/* The list of path managers, and the one that does nothing. */
#include "pairs.h"

#include "../base/name.h"

static void decide_nothing(const struct pm_view *view, struct pm_decision *out)
{
    (void)view;
    pm_nothing(out);
}

const struct pm_ops pm_none_ops = {
    .name = "none", .decide = decide_nothing,
    .what = "the first subflow alone",
};

static const struct pm_ops *const all[] = {
    &pm_fullmesh_ops, &pm_ndiffports_ops, &pm_signal_ops, &pm_ondemand_ops, &pm_handover_ops,
    &pm_none_ops,
};

enum { N = sizeof all / sizeof all[0] };

const struct pm_ops *pm_at(unsigned i) { return i < N ? all[i] : NULL; }

const struct pm_ops *pm_find(const char *name)
{
    for (unsigned i = 0; i < N; i++)
        if (name_equal(all[i]->name, name))
            return all[i];
    return NULL;
}
