/* SPDX-License-Identifier: Apache-2.0 */
/* The list of path managers, and the one that does nothing. */
#include "pm.h"

#include "../base/name.h"

static void decide_nothing(const struct pm_view *view, struct pm_decision *out)
{
    (void)view;
    *out = (struct pm_decision){ .what = PM_NOTHING, .again = PLAIT_NEVER };
}

const struct pm_ops pm_none_ops = { .name = "none", .decide = decide_nothing };

static const struct pm_ops *const all[] = { &pm_fullmesh_ops, &pm_none_ops };

const struct pm_ops *pm_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (name_equal(all[i]->name, name))
            return all[i];
    return NULL;
}
