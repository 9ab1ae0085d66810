/* SPDX-License-Identifier: Apache-2.0 */
/* `plait demo-sim`, which scripts/demo calls where no network namespaces are allowed: the demo's
 * two hosts and two paths in the simulator. */
#ifndef TOOLS_DEMO_SIM_H
#define TOOLS_DEMO_SIM_H

/* The subcommand. Answers the exit status: 0 only if each way every byte arrived and both paths
 * carried data. */
int demo_sim_main(int argc, char **argv);

#endif
