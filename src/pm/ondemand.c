/* SPDX-License-Identifier: Apache-2.0 */
/* The full mesh, once it is worth it: when so many bytes have gone or come, or the connection is so
 * old. What is short stays on its first path, and spares a handshake and the other interface's
 * battery. Announcements do not wait; nor does a connection that has lost its only subflow. */
#include "pairs.h"

static bool has_subflow(const struct pm_view *v)
{
    for (unsigned i = 0; i < v->subflow_n; i++)
        if (v->subflow[i].alive)
            return true;
    return false;
}

static void decide(const struct pm_view *v, struct pm_decision *out)
{
    pm_nothing(out);
    if (pm_announce(v, out) || !v->may_open || v->subflows_left == 0)
        return;
    if (!has_subflow(v) || pm_is_worth_it(v, out))
        (void)pm_open(v, out);
}

const struct pm_ops pm_ondemand_ops = {
    .name = "on-demand", .decide = decide,
    .what = "fullmesh after so many bytes, or so much time",
};
