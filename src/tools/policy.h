/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of a connection by their names, for command lines. */
#ifndef TOOLS_POLICY_H
#define TOOLS_POLICY_H

#include "args.h"

#include <plait/plait.h>

/* Each sets what it names in conn; a path is that of a shared object (plugin.h).
 * --cc NAME. */
enum args_verdict policy_cc(const char *program, const char *arg, struct plait_conn_config *conn);
/* --sched NAME. */
enum args_verdict policy_sched(const char *program, const char *arg,
                               struct plait_conn_config *conn);
/* --pm NAME[:PARAMETERS]: sets pm and what belongs to it. */
enum args_verdict policy_pm(const char *program, const char *arg, struct plait_conn_config *conn);
/* --limits SUBFLOWS[,ADDRESSES], as in `ip mptcp limits`: subflows beyond the first, and addresses
 * of the peer's that are taken. */
enum args_verdict policy_limits(const char *program, const char *arg,
                                struct plait_conn_config *conn);
/* How many ports a connection needs in addition. */
uint8_t policy_ports(const struct plait_conn_config *conn);
/* All of them on standard output, a line for each. */
void policy_help(void);

#endif
