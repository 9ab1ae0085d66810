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

/* What a box does to the packets of a path, as far as it may matter for what becomes of a
 * connection. Whoever wants to know whether an outcome is right derives it from these. */
enum sim_box_trait {
    SIM_BOX_NO_SYN = 1 << 0,   /* MP_CAPABLE does not pass the handshake of a first subflow */
    SIM_BOX_NO_ACK3 = 1 << 1,  /* it passes the SYNs, and not the third ACK */
    SIM_BOX_NO_JOIN = 1 << 2,  /* MP_JOIN does not pass */
    SIM_BOX_NO_DSS = 1 << 3,   /* DSS does not pass, one way at least */
    SIM_BOX_SOME_DSS = 1 << 4, /* some of them, or only the first, pass */
    SIM_BOX_NO_ADDR = 1 << 5,  /* ADD_ADDR does not pass */
    SIM_BOX_ACKS = 1 << 6,     /* it acknowledges data in the receiver's name */
    SIM_BOX_LOSES = 1 << 7,    /* and loses some of it */
    SIM_BOX_FORGETS = 1 << 8,  /* a flow that rests passes no more */
    SIM_BOX_TURNS = 1 << 9,    /* bytes of the payload become others */
    SIM_BOX_GROWS = 1 << 10,   /* payload is put in */
    SIM_BOX_SHRINKS = 1 << 11, /* or taken out */
    SIM_BOX_DROPS = 1 << 12,   /* it loses packets, or the receiver does for what it did to them */
    SIM_BOX_REORDERS = 1 << 13, /* packets overtake others */
};
enum { SIM_BOX_EDITS = SIM_BOX_TURNS | SIM_BOX_GROWS | SIM_BOX_SHRINKS };

/* A row of the table. */
struct sim_box_row {
    char name[40];
    char does[96];
    const char *seen; /* where such boxes stand in the real world, or who saw them */
    unsigned traits;  /* set of sim_box_trait */
    bool rare;        /* has nothing to act on in an ordinary transfer */
    bool pairs;       /* its kind's representative in the table of pairs */
};
unsigned sim_box_rows(void);
void sim_box_row(unsigned i, struct sim_box_row *row);

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
