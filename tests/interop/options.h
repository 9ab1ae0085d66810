/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of kpeer. */
#ifndef INTEROP_OPTIONS_H
#define INTEROP_OPTIONS_H

#include "kpeer.h"

enum mode { MODE_TRANSFER, MODE_GENERATE, MODE_VERIFY };

/* Ends the program with status 2 and a sentence where the command line makes no sense. */
enum mode options_parse(struct options *o, int argc, char **argv);

#endif
