/* SPDX-License-Identifier: Apache-2.0 */
/* Policies from shared objects: `--cc ./mine.so`. */
#ifndef TOOLS_PLUGIN_H
#define TOOLS_PLUGIN_H

#include "args.h"

#include <plait/plait.h>

/* Is it a path, and no name? */
bool plugin_is_path(const char *arg);
/* Loads it into the own_cc, own_sched or own_pm of conn; kind: "cc", "sched" or "pm", as the option
 * is called. It stays loaded. */
enum args_verdict plugin_load(const char *program, const char *kind, const char *path,
                              struct plait_conn_config *conn);

#endif
