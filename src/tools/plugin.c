/* SPDX-License-Identifier: Apache-2.0 */
/* Policies from shared objects, which find the functions of this program by themselves. Called by
 * policy.c and sim_cmd.c. An object runs with our rights, like a program that one starts: it is
 * opened where a path was given, and nowhere else. */
#include "plugin.h"

#include "cc/cc.h"
#include "pm/pm.h"
#include "sched/sched.h"

#include <dlfcn.h>
#include <string.h>

/* What an object has to have for each kind. */
static const struct form {
    const char *kind, *symbol, *macro;
    uint32_t size[3];
} forms[] = {
    {"cc", "plait_cc", "CC_PLUGIN", CC_PLUGIN_SIZES},
    {"sched", "plait_sched", "SCHED_PLUGIN", SCHED_PLUGIN_SIZES},
    {"pm", "plait_pm", "PM_PLUGIN", PM_PLUGIN_SIZES},
};

bool plugin_is_path(const char *arg)
{
    return strchr(arg, '/') != NULL;
}

static const struct form *form_of(const char *kind)
{
    const struct form *f = forms;

    while (strcmp(f->kind, kind) != 0)
        f++;
    return f;
}

/* Is all there of an algorithm that goes by samples of the rate? */
static bool by_rate(const struct cc_ops *cc)
{
    return cc->own_size >= sizeof(struct cc_own) && cc->on_sample != NULL && cc->on_lost != NULL &&
           cc->on_mark != NULL && cc->on_undo != NULL;
}

static bool complete(const struct form *f, const void *ops)
{
    const struct cc_ops *cc = ops;
    const struct sched_ops *sched = ops;
    const struct pm_ops *pm = ops;

    if (ops == NULL)
        return false;
    if (strcmp(f->kind, "sched") == 0)
        return sched->name != NULL && sched->pick != NULL;
    if (strcmp(f->kind, "pm") == 0)
        return pm->name != NULL && pm->decide != NULL;
    return cc->name != NULL && cc->init != NULL && cc->on_ack != NULL &&
           cc->on_congestion != NULL && cc->on_rto != NULL && cc->on_recovered != NULL &&
           cc->on_idle != NULL && (cc->own_size == 0 || by_rate(cc));
}

static void set(const struct form *f, const void *ops, struct plait_conn_config *conn)
{
    if (strcmp(f->kind, "sched") == 0)
        conn->own_sched = ops;
    else if (strcmp(f->kind, "pm") == 0)
        conn->own_pm = ops;
    else
        conn->own_cc = ops;
}

enum args_verdict plugin_load(const char *program, const char *kind, const char *path,
                              struct plait_conn_config *conn)
{
    const struct form *f = form_of(kind);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct plugin *p;

    if (object == NULL)
        return args_bad(program, "--%s %s: it cannot be loaded: %s", kind, path, dlerror());
    p = dlsym(object, f->symbol);
    if (p == NULL)
        return args_bad(program, "--%s %s: there is no %s in it; %s() defines that", kind, path,
                        f->symbol, f->macro);
    if (memcmp(p->size, f->size, sizeof p->size) != 0)
        return args_bad(program, "--%s %s: it was built for another version of plait; "
                        "build it again with the headers of this one", kind, path);
    if (!complete(f, p->ops))
        return args_bad(program, "--%s %s: it leaves out a function, or its name", kind, path);
    set(f, p->ops, conn);
    return ARGS_OK;
}
