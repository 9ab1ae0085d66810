/* SPDX-License-Identifier: Apache-2.0 */
/* Congestion controls, schedulers and path managers on a command line: which there are, what they
 * do, and how many subflows they may have. The lists are those of the layers themselves. Called by
 * cat_options.c and perf_options.c. */
#include "policy.h"

#include "cc/cc.h"
#include "plugin.h"
#include "pm/pm.h"
#include "sched/sched.h"

#include <stdio.h>
#include <string.h>

enum { LIST_TEXT = 256 };

/* The name of each row of a list, NULL behind the last. */
typedef const char *name_fn(unsigned i);

static const char *cc_name(unsigned i) { return cc_at(i) != NULL ? cc_at(i)->name : NULL; }
static const char *sched_name(unsigned i) { return sched_at(i) != NULL ? sched_at(i)->name : NULL; }
static const char *pm_name(unsigned i) { return pm_at(i) != NULL ? pm_at(i)->name : NULL; }

/* kind as the option is called, and for people. */
static enum args_verdict bad_name(const char *program, const char *const kind[2], const char *arg,
                                  name_fn *name)
{
    char names[LIST_TEXT];
    size_t used = 0;

    for (unsigned i = 0; name(i) != NULL && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", name(i));
    return args_bad(program, "--%s %s: plait has no such %s; there are: %s", kind[0], arg, kind[1],
                    names);
}

enum args_verdict policy_cc(const char *program, const char *arg, struct plait_conn_config *conn)
{
    const struct cc_ops *ops = cc_find(arg);

    if (plugin_is_path(arg))
        return plugin_load(program, "cc", arg, conn);
    if (ops != NULL) {
        conn->cc = ops->name;
        return ARGS_OK;
    }
    return bad_name(program, (const char *const[]){"cc", "congestion control"}, arg, cc_name);
}

enum args_verdict policy_sched(const char *program, const char *arg,
                               struct plait_conn_config *conn)
{
    const struct sched_ops *ops = sched_find(arg);

    if (plugin_is_path(arg))
        return plugin_load(program, "sched", arg, conn);
    if (ops != NULL) {
        conn->sched = ops->name;
        return ARGS_OK;
    }
    return bad_name(program, (const char *const[]){"sched", "scheduler"}, arg, sched_name);
}

/* ---- path managers -------------------------------------------------------------------------- */

enum { PORTS_MAX = 32, WORD_MAX = 16 };

/* The first len bytes of arg name it. */
static const struct pm_ops *find_pm(const char *arg, size_t len)
{
    char name[WORD_MAX];

    if (len >= sizeof name)
        return NULL;
    memcpy(name, arg, len);
    name[len] = '\0';
    return pm_find(name);
}

/* "3": subflows in all. */
static bool take_ports(const char *text, struct plait_conn_config *conn)
{
    uint64_t n;
    const char *end = args_digits(text, 3, &n);

    if (!end || *end != '\0' || n < 1 || n > PORTS_MAX)
        return false;
    conn->ports = (uint8_t)n;
    if (conn->subflows_max < n)
        conn->subflows_max = (uint8_t)n;
    return true;
}

/* "1M", ",2s" or "1M,2s". */
static bool take_demand(const char *text, struct plait_conn_config *conn)
{
    const char *comma = strchr(text, ',');
    size_t len = comma ? (size_t)(comma - text) : strlen(text);
    char amount[WORD_MAX];

    if (len >= sizeof amount || (len == 0 && !comma))
        return false;
    memcpy(amount, text, len);
    amount[len] = '\0';
    conn->demand_bytes = UINT64_MAX;
    conn->demand_after = PLAIT_NEVER;
    if (len > 0 && !args_amount(amount, &conn->demand_bytes))
        return false;
    return !comma || args_duration(comma + 1, &conn->demand_after);
}

enum args_verdict policy_pm(const char *program, const char *arg, struct plait_conn_config *conn)
{
    size_t len = strcspn(arg, ":");
    const struct pm_ops *ops = find_pm(arg, len);
    const char *more = arg + len + 1;

    if (plugin_is_path(arg))
        return plugin_load(program, "pm", arg, conn);
    if (ops == NULL)
        return bad_name(program, (const char *const[]){"pm", "path manager"}, arg, pm_name);
    conn->pm = ops->name;
    if (arg[len] == '\0')
        return ARGS_OK;
    if (ops == &pm_ndiffports_ops)
        return take_ports(more, conn)
                   ? ARGS_OK
                   : args_bad(program, "--pm %s: it has to be ndiffports:N, N from 1 to %d", arg,
                              PORTS_MAX);
    if (ops == &pm_ondemand_ops)
        return take_demand(more, conn)
                   ? ARGS_OK
                   : args_bad(program,
                              "--pm %s: it has to be on-demand:BYTES, on-demand:,TIME or "
                              "on-demand:BYTES,TIME, as in on-demand:1M,2s", arg);
    return args_bad(program, "--pm %s: %s has no parameters", arg, ops->name);
}

uint8_t policy_ports(const struct plait_conn_config *conn)
{
    bool other = pm_find(conn->pm) == &pm_ndiffports_ops;

    return other ? (uint8_t)(conn->ports - 1) : 0;
}

enum args_verdict policy_limits(const char *program, const char *arg,
                                struct plait_conn_config *conn)
{
    uint64_t subflows, addrs = conn->addrs_max;
    const char *end = args_digits(arg, 3, &subflows);

    if (end && *end == ',')
        end = args_digits(end + 1, 3, &addrs);
    if (!end || *end != '\0' || subflows > PM_SUBFLOWS_MAX - 1 || addrs > PM_ADDRS_MAX)
        return args_bad(program,
                        "--limits %s: it has to be SUBFLOWS or SUBFLOWS,ADDRESSES, up to %d and %d",
                        arg, PM_SUBFLOWS_MAX - 1, PM_ADDRS_MAX);
    conn->subflows_max = (uint8_t)(subflows + 1);
    conn->addrs_max = (uint8_t)addrs;
    return ARGS_OK;
}

void policy_help(void)
{
    (void)printf("\nCongestion controls (--cc), the first is the default; ./FILE.so is yours:\n");
    for (unsigned i = 0; cc_at(i) != NULL; i++)
        (void)printf("  %-15s %s\n", cc_at(i)->name, cc_at(i)->what);
    (void)printf("\nSchedulers (--sched), the first is the default:\n");
    for (unsigned i = 0; sched_at(i) != NULL; i++)
        (void)printf("  %-15s %s\n", sched_at(i)->name, sched_at(i)->what);
    (void)printf("\nPath managers (--pm), the first is the default:\n");
    for (unsigned i = 0; pm_at(i) != NULL; i++)
        (void)printf("  %-15s %s\n", pm_at(i)->name, pm_at(i)->what);
}
