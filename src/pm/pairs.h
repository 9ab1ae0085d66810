/* SPDX-License-Identifier: Apache-2.0 */
/* What path managers have in common: pairs of addresses, and announcements. */
#ifndef PM_PAIRS_H
#define PM_PAIRS_H

#include "pm.h"

/* Nothing to do until something changes. */
void pm_nothing(struct pm_decision *out);
/* Has the connection shown that it is more than a short exchange? Else out says when to look again.
 */
bool pm_is_worth_it(const struct pm_view *v, struct pm_decision *out);
/* An announcement that is due. */
bool pm_announce(const struct pm_view *v, struct pm_decision *out);
/* The pair of addresses that promises most, of those that no subflow uses; where all have to wait,
 * out->again says until when. */
bool pm_open(const struct pm_view *v, struct pm_decision *out);
/* May the pair be opened now, whether it is in use or not? Else, where it only has to wait,
 * out->again says until when. */
bool pm_may_open_pair(const struct pm_view *v, const struct pm_local *l, const struct pm_remote *r,
                      struct pm_decision *out);

#endif
