/* SPDX-License-Identifier: Apache-2.0 */
/* Announces and opens nothing: what a server does that leaves the opening to its clients, whatever
 * they announce in turn. RFC 8684 3.4.1. */
#include "pairs.h"

static void decide(const struct pm_view *v, struct pm_decision *out)
{
    pm_nothing(out);
    (void)pm_announce(v, out);
}

const struct pm_ops pm_signal_ops = {
    .name = "signal", .decide = decide,
    .what = "announces addresses, and opens nothing",
};
