/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SIM_CMD_H
#define TOOLS_SIM_CMD_H

/* `plait sim`: argv[0] is "sim"; the exit status. */
int sim_cmd_main(int argc, char **argv);

#endif
