/* SPDX-License-Identifier: Apache-2.0 */
/* The file of `plait cat --cookie`. */
#ifndef TOOLS_CAT_COOKIE_H
#define TOOLS_CAT_COOKIE_H

#include <plait/plait.h>

/* One line with its newline; 0: buf is too small. */
unsigned cat_cookie_text(const struct plait_fastopen *known, char *buf, unsigned size);
/* False: it is no such line, or one of another server than out->server. */
bool cat_cookie_parse(const char *line, struct plait_fastopen *out);
/* false, and errno says why: the file cannot be read or written. One that is not there, or has
 * nothing for this server, is no mistake. */
bool cat_cookie_load(const char *file, struct plait_stack *stack, const struct plait_addr *server);
bool cat_cookie_save(const char *file, const struct plait_stack *stack,
                     const struct plait_addr *server);

#endif
