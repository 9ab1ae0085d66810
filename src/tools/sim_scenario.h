/* SPDX-License-Identifier: Apache-2.0 */
/* `plait sim FILE.sim`. */
#ifndef TOOLS_SIM_SCENARIO_H
#define TOOLS_SIM_SCENARIO_H

/* argv[0] is "sim"; the exit status. */
int sim_scenario_main(int argc, char **argv);
/* Is one of the arguments a scenario, by its name? */
int sim_scenario_named(int argc, char **argv);

#endif
