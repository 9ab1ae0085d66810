/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between hosts and will not leave packets alone (RFC 8684 section 6, RFC 8041 section
 * 3.1): a table of boxes, and a chain of them that a world's packets go through.
 *
 * boxes = sim_boxes_new(sim); sim_boxes_add(boxes, "strip:mp_dss:synack", &at); ... the run ...
 * sim_boxes_free(boxes); sim_free(sim);
 *
 * A box has a name of up to three parts, KIND:WHAT:WHEN, as the table tells them. It stands in both
 * directions of one path, before the first link; "/up" or "/down" behind the name keep it to one.
 * Boxes of one path are passed in the order in which they were added, coming back in the opposite
 * one. What is not TCP passes untouched. */
#ifndef SIM_MIDDLEBOX_H
#define SIM_MIDDLEBOX_H

#include "sim.h"

/* How a connection through a box may end. */
enum sim_box_end {
    SIM_BOX_MPTCP = 1, /* every byte, by MPTCP */
    SIM_BOX_PLAIN = 2, /* every byte, by plain TCP */
    SIM_BOX_ERROR = 4, /* an error and a reason at both ends */
    SIM_BOX_WRONG = 8, /* bytes that the box has made: no checksum covers them */
};

/* Where a box may stand: on path 1, path 2 or both of a connection that has two, and in the way of
 * plain TCP on one path. */
enum sim_box_place {
    SIM_BOX_PATH_1, SIM_BOX_PATH_2, SIM_BOX_BOTH, SIM_BOX_TCP, SIM_BOX_PLACES,
};

/* A row of the table. */
struct sim_box_row {
    const char *name;
    bool rare;        /* has nothing to act on in an ordinary transfer */
    bool pairs;       /* its kind's representative where boxes are combined */
    const char *does; /* what it does */
    /* sets of sim_box_end that are permitted: without and with DSS checksums */
    uint8_t ends[2][SIM_BOX_PLACES];
    const char *why; /* where an end is permitted that is neither MPTCP nor plain TCP */
};
extern const struct sim_box_row sim_box_table[];
extern const unsigned sim_box_table_n;

struct sim_boxes;
struct sim_box_at {
    unsigned up, down; /* numbers of the links, client to server and back */
};

/* Takes the world's hook. */
struct sim_boxes *sim_boxes_new(struct sim *sim);
/* False: there is no such box, or too many. */
bool sim_boxes_add(struct sim_boxes *boxes, const char *name, const struct sim_box_at *at);
/* Packets that a box changed, made or dropped. */
uint64_t sim_boxes_touched(const struct sim_boxes *boxes);
/* Before the world's end. */
void sim_boxes_free(struct sim_boxes *boxes);

#endif
