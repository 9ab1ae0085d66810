/* SPDX-License-Identifier: Apache-2.0 */
/* `plait perf`: how fast a Multipath TCP connection is. */
#ifndef TOOLS_PERF_H
#define TOOLS_PERF_H

/* The subcommand; argv[0] is "perf". The exit status. */
int perf_main(int argc, char **argv);

#endif
