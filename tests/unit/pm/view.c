/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <string.h>

struct pm_view view;
struct pm_decision d;

static struct plait_addr v4(uint8_t a, uint8_t b)
{
    return (struct plait_addr){.family = 4, .ip = {10, 0, a, b}};
}

struct pm_subflow view_subflow(uint8_t id, uint8_t local_id, uint8_t remote_id)
{
    return (struct pm_subflow){
        .id = id, .local_id = local_id, .remote_id = remote_id, .alive = true, .ready = true,
        .ours = true};
}

int view_reset(void **state)
{
    memset(&view, 0, sizeof view);
    view.now = 5 * PLAIT_SEC;
    view.may_open = view.may_announce = true;
    view.subflows_left = 7;
    view.ports = 3;
    view.demand_bytes = 64 << 10;
    view.demand_after = PLAIT_SEC;
    view.local_n = view.remote_n = 2;
    view.local[0] = (struct pm_local){.id = 0, .subflow = true, .addr = v4(1, 1)};
    view.local[1] = (struct pm_local){.id = 2, .subflow = true, .addr = v4(2, 1)};
    view.remote[0] = (struct pm_remote){.id = 0, .addr = v4(1, 2)};
    view.remote[1] = (struct pm_remote){.id = 9, .addr = v4(2, 2)};
    view.subflow_n = 1;
    view.subflow[0] = view_subflow(0, 0, 0);
    return 0;
}

void view_ask(const struct pm_ops *ops)
{
    memset(&d, 0x55, sizeof d);
    ops->decide(&view, &d);
}
