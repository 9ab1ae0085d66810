/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a link: a queue before a transmitter of some rate, then a wire with delay,
 * jitter, loss, duplicates and reordering. It holds no packets: the caller asks what becomes of
 * one and keeps it until then. So it serves the simulator and an emulator of real frames alike. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "rng.h"
#include <plait/types.h>

/* Random early detection (Floyd and Jacobson 1993), the gentle kind: from `min` bytes of averaged
 * queue on, packets are dropped by chance; at `max` with max_ppm, at twice that always. */
struct sim_red {
    uint32_t min, max; /* bytes of averaged queue; max 0: off */
    uint32_t max_ppm;  /* chance at max, millionths */
    uint8_t shift;     /* a new length counts 2^-shift in the average; 9 is the usual 0.002 */
    bool ecn;          /* up to twice max, packets of senders that can do ECN are marked instead */
};

struct sim_link_config {
    uint64_t rate;     /* bits per second; 0: no limit */
    plait_time delay;  /* propagation, microseconds */
    plait_time jitter; /* up to so much more delay, evenly spread; keeps the order of packets */
    uint32_t queue;    /* bytes that may wait or be on their way out; 0: no limit */
    uint32_t queue_packets; /* the same in packets; both limits hold; 0: no limit */
    /* Of the queue's last so many packets each is dropped with this chance, millionths: what htsim
     * calls a random queue, and uses to break the phases of flows that are all alike. 1500 bytes a
     * packet where the queue is bytes. 0: only a full queue drops */
    uint32_t tail_packets, tail_ppm;
    struct sim_red red;
    uint32_t mark;     /* bytes that wait beyond which a packet is marked CE; 0: never */
    uint32_t loss_ppm; /* of a packet, after it was transmitted; millionths */
    uint32_t duplicate_ppm;
    uint32_t reorder_ppm;     /* packets held back, so that later ones overtake them */
    plait_time reorder_delay; /* held back for 1 to so many microseconds */
    uint32_t mtu;             /* bytes of the largest packet; 0: no limit */
    bool black_hole;          /* a packet that is too large vanishes, and nobody tells */
    bool down;                /* nothing passes */
};

struct sim_link {
    struct sim_link_config cfg;
    struct sim_rng rng;
    uint64_t free_at_ns;     /* when the transmitter has sent all that waits */
    uint64_t free_at_rest;   /* and a part of a nanosecond, in units of 1 / rate */
    plait_time last_out;     /* delivery of the last packet that was not held back: keeps order */
    uint64_t packets, bytes; /* offered and not dropped before transmission */
    uint64_t drops;          /* of every kind */
    uint64_t queue_drops;    /* of these for want of room, by RED and by chance in the tail */
    uint64_t early;          /* what RED chose, to be dropped or marked */
    uint64_t marks;          /* packets that the caller marked CE: counted by him */
    /* RED: bytes << red.shift; packets since the last one that was chosen */
    uint64_t average;
    uint32_t since;
    /* with queue_packets: when each packet that waits will have left, the first one at leave_at;
     * a ring of queue_packets places */
    uint64_t *leave;
    uint32_t leave_at, leave_n, leave_cap;
};

enum sim_fate {
    SIM_FATE_PASS = 0,
    SIM_FATE_LOST,  /* by chance */
    SIM_FATE_QUEUE, /* no room in the queue, or RED */
    SIM_FATE_DOWN,
    SIM_FATE_TOO_BIG, /* larger than the MTU: deserves an ICMP error, but for a black hole */
};

struct sim_verdict {
    enum sim_fate fate;
    bool mark;        /* the caller sets CE where the packet's sender can do ECN */
    unsigned n;       /* deliveries: 0, 1 or 2 */
    plait_time at[2]; /* when; never before now */
};

void sim_link_init(struct sim_link *l, const struct sim_link_config *cfg, uint64_t seed);
/* New properties; what was sent before is not touched. Down loses what is under way only in the
 * sense that nothing new passes. */
void sim_link_change(struct sim_link *l, const struct sim_link_config *cfg);
/* A packet of so many bytes (IP header included) is offered at now, which never runs backwards. */
void sim_link_send(struct sim_link *l, uint32_t bytes, plait_time now, struct sim_verdict *v);
/* The same; ect: its sender can do ECN, so that RED asks for a mark. */
void sim_link_send_ecn(struct sim_link *l, uint32_t bytes, bool ect, plait_time now,
                       struct sim_verdict *v);
/* Gives back its memory, if queue_packets made it take some. */
void sim_link_fini(struct sim_link *l);
/* Bytes that wait or are being transmitted. */
uint64_t sim_link_backlog(const struct sim_link *l, plait_time now);

#endif
