/* SPDX-License-Identifier: Apache-2.0 */
/* A connection behind middleboxes: how it is run and judged, and which ends are right. */
#ifndef BOX_CASE_H
#define BOX_CASE_H

#include "sim/middlebox.h"

/* On path 1, path 2 or both of a connection that has two, or in the way of plain TCP. */
enum box_place { BOX_PATH_1, BOX_PATH_2, BOX_BOTH, BOX_TCP, BOX_PLACES };
enum box_close { BOX_CLOSE_AT_ONCE, BOX_CLOSE_CLIENT, BOX_CLOSE_SERVER, BOX_CLOSES };

/* How it ended, the best first. */
enum box_end {
    BOX_MPTCP = 1, /* every byte, by MPTCP */
    BOX_PLAIN = 2, /* every byte, by plain TCP */
    BOX_EDITED = 4, /* every byte, but for those that the box wrote in its way */
    BOX_ERROR = 8, /* an error and a reason at both ends */
    BOX_WRONG = 16, /* other bytes: there was nothing to tell them from the right ones */
    BOX_HANG = 32, /* never right */
};

struct box_case {
    struct sim_box_row box[2]; /* the second may have no name */
    enum box_place place;
    bool csum;            /* DSS checksums */
    uint8_t family;       /* 4 or 6 */
    uint8_t version;      /* of MPTCP */
    bool late;            /* the second path comes up after the first data */
    bool fastopen;        /* the server's cookie is known, data goes along with the SYN */
    enum box_close close; /* who ends first */
};

struct box_result {
    enum box_end end;
    uint64_t touched;
    char note[160];
};

struct box_result box_run(const struct box_case *c);
/* The set of box_end that are right. By the traits of the boxes and the RFC, not by the stack. */
unsigned box_law(const struct box_case *c);
/* The name of the case, as `scenario_boxes --run` takes it. */
void box_tell(const struct box_case *c, char *to, size_t size);
const char *box_end_name(enum box_end end);

#endif
