/* SPDX-License-Identifier: Apache-2.0 */
/* Congestion controls and schedulers on a command line: which there are, and what they do. The
 * lists are those of the layers themselves. Called by cat_options.c and perf_options.c. */
#include "policy.h"

#include "cc/cc.h"
#include "sched/sched.h"

#include <stdio.h>

enum { LIST_TEXT = 256 };

static void cc_names(char *text, size_t size)
{
    size_t used = 0;

    for (unsigned i = 0; cc_at(i) != NULL && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", cc_at(i)->name);
}

enum args_verdict policy_cc(const char *program, const char *arg, const char **out)
{
    const struct cc_ops *ops = cc_find(arg);
    char names[LIST_TEXT];

    if (ops != NULL) {
        *out = ops->name;
        return ARGS_OK;
    }
    cc_names(names, sizeof names);
    return args_bad(program, "--cc %s: plait has no such congestion control; there are: %s", arg,
                    names);
}

static void sched_names(char *text, size_t size)
{
    size_t used = 0;

    for (unsigned i = 0; sched_at(i) != NULL && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 sched_at(i)->name);
}

enum args_verdict policy_sched(const char *program, const char *arg, const char **out)
{
    const struct sched_ops *ops = sched_find(arg);
    char names[LIST_TEXT];

    if (ops != NULL) {
        *out = ops->name;
        return ARGS_OK;
    }
    sched_names(names, sizeof names);
    return args_bad(program, "--sched %s: there is no such scheduler; there are: %s", arg, names);
}

void policy_help(void)
{
    (void)printf("\nCongestion controls (--cc), the first is the default:\n");
    for (unsigned i = 0; cc_at(i) != NULL; i++)
        (void)printf("  %-15s %s\n", cc_at(i)->name, cc_at(i)->what);
    (void)printf("\nSchedulers (--sched), the first is the default:\n");
    for (unsigned i = 0; sched_at(i) != NULL; i++)
        (void)printf("  %-15s %s\n", sched_at(i)->name, sched_at(i)->what);
}
