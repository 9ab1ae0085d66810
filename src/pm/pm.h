/* SPDX-License-Identifier: Apache-2.0 */
/* Path managers: which subflows to open and which addresses to announce. A view comes in, a
 * decision goes out. */
#ifndef PM_PM_H
#define PM_PM_H

#include "../base/plugin.h"
#include <plait/types.h>

enum { PM_ADDRS_MAX = 32, PM_SUBFLOWS_MAX = 32 };

struct pm_local {
    uint8_t id;               /* in this connection: 0 for the address of the first subflow */
    bool subflow, signal, backup, down;
    bool announced;           /* ADD_ADDR was sent */
    uint32_t ifindex;         /* its interface; 0: not known */
    struct plait_addr addr;   /* port: to announce, 0 none */
};
struct pm_remote {
    uint8_t id;               /* 0 for the address of the first subflow */
    bool refuses;             /* C flag: no further subflow to it (RFC 8684 3.1) */
    struct plait_addr addr;   /* with the port to connect to */
};
struct pm_subflow {
    uint8_t id;               /* in order of birth */
    uint8_t local_id, remote_id;
    bool alive;               /* it stands for its pair */
    bool ready;               /* it may carry data */
    bool stale;               /* seems dead, or timed out */
    bool closing;
    bool backup;              /* one side asked to spare it */
    bool ours;                /* this side opened it */
};
/* A pair that failed and may not be tried before `until` (PLAIT_NEVER: not in this connection). */
struct pm_barred { uint8_t local_id, remote_id; plait_time until; };

struct pm_view {
    plait_time now;
    /* this side opens subflows (client, or server_joins) and a DSS was seen (MPC-16) */
    bool may_open;
    bool may_announce;
    uint8_t subflows_left;    /* how many more the limit allows */
    uint8_t ports;            /* ndiffports: subflows on one pair */
    uint64_t demand_bytes;    /* what is only worth it for more than a short exchange waits for */
    plait_time demand_after;  /* so many bytes, or so long */
    uint64_t moved;           /* bytes of the stream that went and came */
    plait_time age;           /* since the connection is established */
    uint8_t local_n, remote_n, subflow_n, barred_n;
    struct pm_local local[PM_ADDRS_MAX];
    struct pm_remote remote[PM_ADDRS_MAX];
    struct pm_subflow subflow[PM_SUBFLOWS_MAX];
    struct pm_barred barred[PM_SUBFLOWS_MAX];
};

enum pm_what { PM_NOTHING = 0, PM_OPEN, PM_ANNOUNCE, PM_CLOSE };
struct pm_decision {
    enum pm_what what;
    uint8_t local, remote;    /* indices into the view */
    uint8_t subflow;          /* to close: index into the view */
    bool other_port;          /* open from another local port than the first subflow's */
    bool backup;              /* open to be used when no other is left */
    uint64_t again_moved;     /* with PM_NOTHING: ask again when so many bytes moved; 0: never */
    /* with PM_NOTHING: when to ask again, PLAIT_NEVER: when something changed */
    plait_time again;
};

struct pm_ops {
    const char *name;
    const char *what;         /* one line for people */
    void (*decide)(const struct pm_view *view, struct pm_decision *out);
};

extern const struct pm_ops pm_fullmesh_ops, pm_ndiffports_ops, pm_signal_ops, pm_ondemand_ops,
    pm_handover_ops, pm_none_ops;
const struct pm_ops *pm_find(const char *name);
/* All of them, one after the other; NULL behind the last. */
const struct pm_ops *pm_at(unsigned i);

/* For a shared object (--pm ./FILE.so): these are its ops. */
#define PM_PLUGIN(its_ops)                                                                         \
    extern const struct plugin plait_pm PLUGIN_API;                                                \
    const struct plugin plait_pm = { PM_PLUGIN_SIZES, &(its_ops) }
#define PM_PLUGIN_SIZES                                                                            \
    { sizeof(struct pm_view), sizeof(struct pm_decision), sizeof(struct pm_ops) }

#endif
