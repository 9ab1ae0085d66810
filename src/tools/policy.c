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

static void cc_names(char *text, size_t size)
{
    size_t used = 0;

    for (unsigned i = 0; cc_at(i) != NULL && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", cc_at(i)->name);
}

enum args_verdict policy_cc(const char *program, const char *arg, struct plait_conn_config *conn)
{
    const struct cc_ops *ops = cc_find(arg);
    char names[LIST_TEXT];

    if (plugin_is_path(arg))
        return plugin_load(program, "cc", arg, conn);
    if (ops != NULL) {
        conn->cc = ops->name;
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

enum args_verdict policy_sched(const char *program, const char *arg,
                               struct plait_conn_config *conn)
{
    const struct sched_ops *ops = sched_find(arg);
    char names[LIST_TEXT];

    if (plugin_is_path(arg))
        return plugin_load(program, "sched", arg, conn);
    if (ops != NULL) {
        conn->sched = ops->name;
        return ARGS_OK;
    }
    sched_names(names, sizeof names);
    return args_bad(program, "--sched %s: there is no such scheduler; there are: %s", arg, names);
}

/* ---- path managers -------------------------------------------------------------------------- */

enum { PORTS_MAX = 32, WORD_MAX = 16 };

static enum args_verdict bad_pm(const char *program, const char *arg)
{
    char names[LIST_TEXT];
    size_t used = 0;

    for (unsigned i = 0; pm_at(i) != NULL && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 pm_at(i)->name);
    return args_bad(program, "--pm %s: there is no such path manager; there are: %s", arg, names);
}

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
        return bad_pm(program, arg);
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
