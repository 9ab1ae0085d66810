/* SPDX-License-Identifier: Apache-2.0 */
/* The list of schedulers: a name in the configuration becomes a policy here and nowhere else. */
#include "sched.h"

static const struct sched_ops *const all[] = { &sched_minrtt_ops };

const struct sched_ops *sched_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        size_t len = 0;

        while (all[i]->name[len] != '\0' && all[i]->name[len] == name[len])
            len++;
        if (all[i]->name[len] == name[len])
            return all[i];
    }
    return NULL;
}
