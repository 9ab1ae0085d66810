/* SPDX-License-Identifier: Apache-2.0 */
/* `plait link`: the simulator's link model on real frames between two interfaces. What its parts
 * share. */
#ifndef TOOLS_LINK_H
#define TOOLS_LINK_H

#include "base/list.h"
#include "sim/link.h"
#include <linux/virtio_net.h>
#include <plait/types.h>

/* The subcommand. Answers the exit status. */
int link_main(int argc, char **argv);

enum { LINK_AB = 0, LINK_BA = 1, LINK_DIRS = 2 };

/* ---- link_options.c -------------------------------------------------------------------------- */

struct link_options {
    const char *name[2];                   /* interfaces A and B */
    struct sim_link_config cfg[LINK_DIRS]; /* mtu stays 0: frames come as they are */
    uint64_t seed;
    plait_time down_at, up_at; /* since the start; PLAIT_NEVER: not */
    const char *control;       /* a FIFO to read commands from; NULL: stdin */
    bool help;
};

/* False: error holds a sentence. */
bool link_options_parse(struct link_options *o, int argc, char **argv, char error[160]);
/* One property, as an option or as a command: ("loss", "ba:1%"), ("down", ""). False as above. */
bool link_options_set(struct sim_link_config cfg[LINK_DIRS], const char *name, const char *value,
                      char error[160]);
extern const char link_usage[];

/* ---- link_frame.c ---------------------------------------------------------------------------- */

enum { LINK_FRAME_MAX = 14 + 65535 + 64 };

/* A frame as an AF_PACKET socket with PACKET_VNET_HDR gives and takes it. */
struct link_frame {
    struct virtio_net_hdr vnet;
    uint32_t len;
    const uint8_t *data;
};

/* The number of frames of MTU size that f stands for; 0 where it cannot be cut. */
unsigned link_frame_count(const struct link_frame *f);
/* Writes frame i of them into out (LINK_FRAME_MAX bytes); answers its length and fills vnet. */
uint32_t link_frame_cut(const struct link_frame *f, unsigned i, uint8_t *out,
                        struct virtio_net_hdr *vnet);
/* ARP and IPv6 neighbour discovery: spared from chance, so that a test loses data and not its
 * neighbour. */
bool link_frame_is_neighbour(const struct link_frame *f);

#endif
