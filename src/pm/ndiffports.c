/* SPDX-License-Identifier: Apache-2.0 */
/* Several subflows between the two addresses of the first one, from different ports: where routers
 * spread flows over equal paths by a hash of ports, each has a chance of a path of its own (Raiciu
 * et al., SIGCOMM 2011). Nothing is announced, and other addresses are not used. RFC 8684 3.9.1
 * prefers the ports of the first subflow, which would be that one again. */
#include "pairs.h"

static bool find(const struct pm_view *v, struct pm_decision *out)
{
    bool local = false, remote = false;

    for (uint8_t i = 0; i < v->local_n; i++)
        if (v->local[i].id == 0) {
            out->local = i;
            local = true;
        }
    for (uint8_t i = 0; i < v->remote_n; i++)
        if (v->remote[i].id == 0) {
            out->remote = i;
            remote = true;
        }
    return local && remote;
}

static void decide(const struct pm_view *v, struct pm_decision *out)
{
    unsigned have = 0;

    pm_nothing(out);
    for (unsigned i = 0; i < v->subflow_n; i++)
        have += v->subflow[i].alive && v->subflow[i].local_id == 0 && v->subflow[i].remote_id == 0;
    if (!v->may_open || v->subflows_left == 0 || have >= v->ports || !find(v, out) ||
        !pm_may_open_pair(v, &v->local[out->local], &v->remote[out->remote], out))
        return;
    out->what = PM_OPEN;
    out->other_port = true;
}

const struct pm_ops pm_ndiffports_ops = {
    .name = "ndiffports", .decide = decide,
    .what = "several subflows between the first two addresses, by other ports",
};
