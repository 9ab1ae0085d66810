/* SPDX-License-Identifier: Apache-2.0 */
/* The list of schedulers: a name in the configuration becomes a policy here and nowhere else. */
#include "sched.h"

#include "../base/name.h"

static const struct sched_ops *const all[] = { &sched_minrtt_ops };

const struct sched_ops *sched_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (name_equal(all[i]->name, name))
            return all[i];
    return NULL;
}
