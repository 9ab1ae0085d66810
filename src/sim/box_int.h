/* SPDX-License-Identifier: Apache-2.0 */
/* What the boxes share: the chain hands a box each packet with its flow, and takes back what the
 * box makes of it. For middlebox.c and box_*.c alone. */
#ifndef SIM_BOX_INT_H
#define SIM_BOX_INT_H

#include "box_edit.h"
#include "middlebox.h"

enum { SIM_BOX_FLOWS = 32, SIM_BOX_PARTS = 3, SIM_BOX_NAME_MAX = 40, SIM_BOXES_MAX = 8 };
enum sim_box_dir { SIM_UP, SIM_DOWN };

struct sim_box_key { /* as seen at the client's side */
    uint8_t client[16], server[16], client_port[2], server_port[2];
};

/* What a box knows of one connection; up is the direction of its first packet seen upwards. */
struct sim_box_flow {
    bool used;
    struct sim_box_key key;
    plait_time last, idle; /* newest packet of either direction, and the rest before it */
    uint64_t later_n[2];   /* packets by direction, those with SYN left out, the present one in */
    uint64_t data_n[2];    /* of these, with payload */
    /* numbers */
    uint32_t isn[2], top[2]; /* first, and the end of what was seen */
    bool fresh;              /* the present packet begins behind all that was seen before */
    bool known[2];           /* a SYN told isn */
    uint8_t wscale[2];
    bool scaled[2];
    uint32_t last_ack[2]; /* newest of each direction */
    uint16_t last_wnd[2];
    uint32_t tsval[2];
    bool ts[2];
    /* what single kinds remember */
    uint32_t shift[2]; /* added to sequence numbers of that direction */
    uint32_t cut_at[2];
    bool cut[2], gone;
    uint16_t port;
    uint8_t stage;
    uint8_t syn_opt[40];
    uint32_t syn_opt_len;
};

struct sim_box;
typedef void sim_box_fn(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d,
                        struct sim_pkt *p);

struct sim_box {
    struct sim_boxes *boxes;
    unsigned index;
    struct sim_box_at at;
    char text[SIM_BOX_NAME_MAX];
    const char *part[SIM_BOX_PARTS]; /* into text; "" where missing */
    bool acts[2];                    /* in this direction */
    sim_box_fn *fn;
    struct sim_box_flow flow[SIM_BOX_FLOWS];
    uint16_t ports; /* given out by a NAT */
    /* a packet that waits for its successor */
    struct sim_timer timer;
    bool holds;
    enum sim_box_dir held_dir;
    struct sim_pkt held;
};

/* The packet goes on in its direction, to the next box or out. */
void sim_box_pass(struct sim_box *b, enum sim_box_dir d, struct sim_pkt *p);
bool sim_box_is(const struct sim_box *b, unsigned part, const char *word);
struct sim *sim_box_world(const struct sim_box *b);
void sim_box_touch(struct sim_box *b); /* counts a deed */
static inline enum sim_box_dir sim_box_back(enum sim_box_dir d)
{
    return d == SIM_UP ? SIM_DOWN : SIM_UP;
}

/* box_opts.c */
sim_box_fn sim_box_strip, sim_box_echo, sim_box_eol, sim_box_ecn;
/* Can it be stripped, and when. */
bool sim_box_strip_known(const struct sim_box *b);
struct sim_box_option {
    const char *name, *tells;
    uint8_t kind;
    int subtype;    /* of MPTCP; -1: whatever */
    unsigned stage; /* set of SIM_STAGE_* in which it occurs */
};
enum { SIM_STAGE_SYN = 1, SIM_STAGE_SYNACK = 2, SIM_STAGE_ACK3 = 4, SIM_STAGE_LATER = 8 };
const struct sim_box_option *sim_box_option(unsigned i); /* NULL: no more */
/* box_seq.c */
sim_box_fn sim_box_nat, sim_box_isn, sim_box_rewrite, sim_box_synproxy;
/* The flow that a packet from the server belongs to; a NAT's has another address there. */
struct sim_box_flow *sim_box_nat_flow(struct sim_box *b, struct sim_pkt *p);
void sim_box_nat_routes(struct sim_box *b);
/* box_cut.c */
sim_box_fn sim_box_split, sim_box_merge, sim_box_reseg, sim_box_rtx;
void sim_box_merge_stop(struct sim_box *b);
/* box_drop.c */
sim_box_fn sim_box_ack, sim_box_clamp, sim_box_firewall, sim_box_csum, sim_box_unknown,
    sim_box_reorder;

#endif
