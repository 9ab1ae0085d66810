/* SPDX-License-Identifier: Apache-2.0 */
/* The list of schedulers: a name in the configuration becomes a policy here and nowhere else. */
#include "sched.h"

#include "../base/name.h"

static const struct sched_ops *const all[] = {
    &sched_minrtt_ops, &sched_minrtt_plain_ops, &sched_minrtt_penalty_ops, &sched_linger_ops,
    &sched_roundrobin_ops, &sched_redundant_ops, &sched_blest_ops, &sched_ecf_ops,
    &sched_handover_ops, &sched_latency_ops,
};

enum { N = sizeof all / sizeof all[0] };

const struct sched_ops *sched_at(unsigned i) { return i < N ? all[i] : NULL; }

const struct sched_ops *sched_find(const char *name)
{
    for (unsigned i = 0; i < N; i++)
        if (name_equal(all[i]->name, name))
            return all[i];
    return NULL;
}
