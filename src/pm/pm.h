/* SPDX-License-Identifier: Apache-2.0 */
/* Path managers: which subflows to open and which addresses to announce. A view comes in, a
 * decision goes out. */
#ifndef PM_PM_H
#define PM_PM_H

#include <plait/types.h>

enum { PM_ADDRS_MAX = 32, PM_SUBFLOWS_MAX = 32 };

struct pm_local {
    uint8_t id;               /* in this connection: 0 for the address of the first subflow */
    bool subflow, signal, backup, down;
    bool announced;           /* ADD_ADDR was sent */
    struct plait_addr addr;   /* port: to announce, 0 none */
};
struct pm_remote {
    uint8_t id;               /* 0 for the address of the first subflow */
    bool refuses;             /* C flag: no further subflow to it (RFC 8684 3.1) */
    struct plait_addr addr;   /* with the port to connect to */
};
struct pm_subflow { uint8_t local_id, remote_id; bool alive; };
/* A pair that failed and may not be tried before `until` (PLAIT_NEVER: not in this connection). */
struct pm_barred { uint8_t local_id, remote_id; plait_time until; };

struct pm_view {
    plait_time now;
    /* this side opens subflows (client, or server_joins) and a DSS was seen (MPC-16) */
    bool may_open;
    bool may_announce;
    uint8_t subflows_left;    /* how many more the limit allows */
    uint8_t local_n, remote_n, subflow_n, barred_n;
    struct pm_local local[PM_ADDRS_MAX];
    struct pm_remote remote[PM_ADDRS_MAX];
    struct pm_subflow subflow[PM_SUBFLOWS_MAX];
    struct pm_barred barred[PM_SUBFLOWS_MAX];
};

enum pm_what { PM_NOTHING = 0, PM_OPEN, PM_ANNOUNCE };
struct pm_decision {
    enum pm_what what;
    uint8_t local, remote;    /* indices into the view */
    /* with PM_NOTHING: when to ask again, PLAIT_NEVER: when something changed */
    plait_time again;
};

struct pm_ops {
    const char *name;
    void (*decide)(const struct pm_view *view, struct pm_decision *out);
};

extern const struct pm_ops pm_fullmesh_ops, pm_none_ops;
const struct pm_ops *pm_find(const char *name);

#endif
