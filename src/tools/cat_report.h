/* SPDX-License-Identifier: Apache-2.0 */
/* What `plait cat` tells: lines for people, JSON for programs. */
#ifndef TOOLS_CAT_REPORT_H
#define TOOLS_CAT_REPORT_H

#include "driver/host.h"
#include <net/if.h>
#include <plait/plait.h>
#include <stdint.h>

/* The interfaces that subflows use or used: a name stays known when address and interface are gone.
 */
struct cat_links {
    const struct drv_host *host;           /* NULL while it is being made */
    char name[UINT8_MAX + 1][IF_NAMESIZE]; /* by the subflow's id; empty: not known yet */
};

/* One line for one piece of news; nothing where `verbose` is too low for it. start is the time of
 * zero. */
struct cat_teller {
    unsigned verbose;
    plait_time start;
    struct cat_links links;
};
void cat_tell(struct cat_teller *teller, const struct plait_trace *ev);

/* One line of JSON about the connection (NULL: none was made). full: counters of stack and driver
 * too. */
struct cat_report {
    struct drv_host *host;
    struct cat_links *links;
    const struct plait_conn *conn;
    plait_time start;
    bool full;
};
bool cat_report_write(const struct cat_report *report, int fd);
/* Its members "connection" and "subflows"; links NULL: interfaces have no names. */
struct json;
void cat_report_conn(struct json *j, struct cat_links *links, const struct plait_conn *conn);

#endif
