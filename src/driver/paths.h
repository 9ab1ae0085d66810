/* SPDX-License-Identifier: Apache-2.0 */
/* Which local addresses the stack should use, from what the user said and what the kernel has. */
#ifndef DRV_PATHS_H
#define DRV_PATHS_H

#include "netmon.h"

#include <plait/plait.h>

enum { DRV_PATHS_MAX = 16, DRV_ANNOUNCE_MAX = 7, DRV_LOCALS_MAX = 32 };

/* An interface that the user named. In automatic mode: what he said of one that was found. */
struct drv_path {
    char ifname[16];
    struct plait_addr addr; /* family 0: one address of each family */
    bool backup;
    bool removed; /* automatic mode: leave it out */
};

struct drv_paths {
    bool automatic;         /* every interface that fits; path[] only adds to that */
    bool listening;         /* addresses are announced; else subflows are opened from them */
    bool own;               /* each path has an address that is plait's own, not the host's */
    uint8_t family;         /* 4 or 6: this family only; 0 both */
    struct plait_addr peer; /* of a client; family 0 for a listener */
    uint32_t peer_ifindex;  /* the scope of a link-local peer, else 0 */
    struct drv_path path[DRV_PATHS_MAX];
    size_t path_n;
    struct plait_addr announce[DRV_ANNOUNCE_MAX]; /* with announce_n > 0 only these are announced */
    size_t announce_n;
};

/* Reads IFNAME[=ADDR][,backup]. False when it is not of that form. */
bool drv_path_parse(const char *text, struct drv_path *path);
/* Does everything that the user named exist? */
int drv_paths_check(const struct drv_paths *paths, const struct drv_netmon *mon,
                    struct drv_error *err);
/* The addresses wanted (id 0, gso_max as if the kernel cuts super-segments), at most max; the
 * number. Those of have that still exist stay, so that an address is not swapped for another
 * without need. */
struct drv_have {
    const struct plait_local *v;
    size_t n;
};
size_t drv_paths_want(const struct drv_paths *paths, struct drv_netmon *mon, struct drv_have have,
                      struct plait_local want[DRV_LOCALS_MAX]);
/* Changes of the running set; false when no such path is there (set_backup, remove) or there are
 * too many (add). */
bool drv_paths_add(struct drv_paths *paths, const struct drv_path *path);
bool drv_paths_set_backup(struct drv_paths *paths, const char *ifname, bool backup);
bool drv_paths_remove(struct drv_paths *paths, const char *ifname);

#endif
