/* SPDX-License-Identifier: Apache-2.0 */
/* `plait cat`: netcat over Multipath TCP. */
#ifndef TOOLS_CAT_H
#define TOOLS_CAT_H

/* The subcommand; argv[0] is "cat". The exit status. */
int cat_main(int argc, char **argv);

#endif
