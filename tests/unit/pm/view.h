/* SPDX-License-Identifier: Apache-2.0 */
/* A view to fill in, for the tests of path managers. */
#ifndef PM_TEST_VIEW_H
#define PM_TEST_VIEW_H

#include "cm.h"
#include "pm/pairs.h"

extern struct pm_view view;
extern struct pm_decision d;

/* Two addresses here, ids 0 and 2, and two there, ids 0 and 9; the first pair is in use. */
int view_reset(void **state);
void view_ask(const struct pm_ops *ops);
/* A subflow that is ready. */
struct pm_subflow view_subflow(uint8_t id, uint8_t local_id, uint8_t remote_id);

#endif
