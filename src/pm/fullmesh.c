/* SPDX-License-Identifier: Apache-2.0 */
/* A subflow between each local and each remote address that can reach each other, and an
 * announcement of each local address that is marked for it.
 *
 * Called by mp/ when something changed or a time that it named has come. It answers one step at
 * a time: mp carries it out, and the next view shows the result. */
#include "pairs.h"

/*= RFC 6897 4.2.1-2, 5.3.3-5 */
static void decide(const struct pm_view *v, struct pm_decision *out)
{
    pm_nothing(out);
    if (pm_announce(v, out) || !v->may_open || v->subflows_left == 0)
        return;
    (void)pm_open(v, out);
}

const struct pm_ops pm_fullmesh_ops = {
    .name = "fullmesh", .decide = decide,
    .what = "a subflow between any two addresses that can reach each other",
};
