/* SPDX-License-Identifier: Apache-2.0 */
/* A make-believe world in virtual time: nodes that run a stack each, links between them, and
 * routes. A run is decided by its seed and its configuration, bit for bit; nothing waits for a
 * real clock.
 *
 * sim = sim_new(seed); a = sim_node_new(sim, "a", &config); ... link = sim_link_add(sim,
 * &link_config); sim_route_add(sim, &src, &dst, &link, 1); plait_connect(a->stack, ...);
 * sim_run_until(sim, 60 * PLAIT_SEC);
 *
 * The nodes' stacks may be called between steps and from callbacks, always with sim->now. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "../base/heap.h"
#include "link.h"
#include "rng.h"
#include "wheel.h"
#include <plait/plait.h>

enum { SIM_HOPS_MAX = 8 };
enum { SIM_SUPER_MAX = 65536 + 256 }; /* bytes of the largest packet, before it is cut */

struct sim;
struct sim_pcap;
struct sim_cbr;
struct sim_packet;
struct sim_chunk;

/* ---- things that happen at a time -------------------------------------------------------------
 */

struct sim_timer;
typedef void sim_timer_fn(struct sim *sim, struct sim_timer *t);

/* Embedded in its owner, who finds himself from it. */
struct sim_timer {
    struct sim_wheel_node node;
    sim_timer_fn *fn;
    void *ctx; /* the owner's */
    /* fn says by sim_touch() whose stacks it called; false: every node is asked afterwards */
    bool exact;
};

/* Calls fn at that time (not before now); a timer that runs is moved. */
void sim_timer_set(struct sim *sim, struct sim_timer *t, plait_time at, sim_timer_fn *fn);
void sim_timer_stop(struct sim *sim, struct sim_timer *t);
bool sim_timer_runs(const struct sim_timer *t);

/* ---- nodes -------------------------------------------------------------------------------------
 */

struct sim_gro;
struct sim_shards;
struct sim_node {
    struct sim *sim;
    unsigned id;
    const char *name;
    struct plait_stack *stack;
    struct plait_env env;
    struct heap_node due; /* in sim.deadlines */
    struct sim_rng rng;   /* what the stack draws */
    /* memory */
    uint64_t live, live_bytes; /* allocations given out and not back */
    uint64_t alloc_n;          /* calls of alloc, ever */
    uint64_t alloc_failed_n; /* of these got nothing */
    int64_t fail_in;           /* allocations until one fails; -1: never */
    uint64_t fail_n;           /* so many fail then; 0: all */
    uint32_t fail_ppm;         /* of allocations that fail, millionths */
    struct sim_rng fail_rng;
    /* news; may be NULL */
    void (*on_event)(struct sim_node *node, const struct plait_event *ev);
    void (*on_trace)(struct sim_node *node, const struct plait_trace *ev);
    void *ctx;
    /* receiving: packets are joined for so long as a device would, 0: not at all */
    plait_time gro_window;
    unsigned gro_flows;   /* so many subflows at a time; 0: 1; not to be changed after the first */
    struct sim_gro **gro; /* gro_n of them, NULL where nothing came yet */
    unsigned gro_n;
    struct sim_shards *shards; /* its stack is one of these (shards.h); NULL: it is alone */
    uint64_t packets_out, packets_in; /* on the wire, after cutting and before joining */
    uint64_t supers_out, supers_in;   /* of those that were cut or joined: packets of the stack */
};

/* ---- the world
 * ----------------------------------------------------------------------------------- */

struct sim_route {
    struct plait_addr src, dst; /* not to be changed once it was added */
    struct sim_node *to; /* NULL: nobody; what comes to its end is counted */
    uint8_t hop_n;
    uint16_t hop[SIM_HOPS_MAX]; /* links in order */
    /* One of several between these addresses: the ports decide, the same both ways where the routes
     * back were added in the same order. Without it the first one takes all. */
    bool ecmp;
    uint64_t arrived; /* packets to nobody that left the last link */
};

/* A packet at its first link, for a hook to look at, change, or decide about. */
struct sim_wire {
    struct sim_node *from;
    const struct sim_route *route; /* NULL: it leads nowhere */
    uint64_t k;     /* how many packets the hook saw before this one */
    uint8_t *bytes; /* from the IP header on; may be rewritten, up to cap bytes */
    uint32_t len, cap;
    bool drop;
    bool twice;       /* send it two times */
    plait_time delay; /* hold it back for so long before the first link */
};
typedef void sim_hook_fn(void *ctx, struct sim *sim, struct sim_wire *w);

/* The routes between two addresses, by number, in the order in which they were added. */
struct sim_fork {
    struct plait_addr src, dst;
    unsigned n, cap;
    unsigned *route;
};

/* Links, routes and nodes are known by their numbers. They move in memory when one is added, so
 * pointers to them do not last; those to nodes do. */
struct sim {
    plait_time now;
    struct plait_env env; /* the simulator's own memory */
    struct sim_rng rng;
    struct sim_wheel queue; /* sim_timer.node */
    struct heap deadlines;  /* sim_node.due: when its stack wants to be called */
    uint64_t *touched;      /* a bit for each node whose stack may have something to say */
    unsigned node_n, link_n, route_n, fork_n;
    unsigned node_cap, link_cap, route_cap, fork_cap; /* room in the arrays */
    struct sim_node **node;
    struct sim_link *link;
    struct sim_route *route;
    struct sim_fork *fork;
    unsigned *fork_at; /* a hash of two addresses leads to 1 + the number of a fork; 0: none */
    unsigned fork_at_n; /* a power of two */
    sim_hook_fn *hook;
    void *hook_ctx;
    uint64_t hook_k;
    struct sim_pcap *pcap; /* NULL: none */
    struct sim_cbr *cbr;   /* sources of cross traffic, the youngest first */
    struct sim_packet *spare; /* packets to be used again, linked by timer.ctx */
    struct sim_chunk *chunks; /* and their memory */
    uint64_t steps;
    /* TCP checksums are left to the devices of both ends, so nobody computes them; but for hooks
     * and captures. Default false */
    bool offload;
    /* The same, and packets have no content: for experiments, where nobody looks at it. Not with
     * DSS checksums, or boxes that look at payload. Default false */
    bool blank;
    /* Memory that a node gets or gives back is filled with rubbish. Default true */
    bool poison;
    uint32_t replan_ppm; /* plans that are made twice and compared before their commit */
    const char *failure; /* the first thing that went wrong in the world itself; NULL: nothing */
};

struct sim *sim_new(uint64_t seed);
/* Stacks that still live are freed; packets under way vanish. */
void sim_free(struct sim *sim);

/* NULL where the stack refuses the configuration. name must outlive the node. */
struct sim_node *sim_node_new(struct sim *sim, const char *name, const struct plait_config *config);
/* Frees its stack; what it had allocated and not freed is left in node->live. */
void sim_node_stop(struct sim_node *node);

unsigned sim_link_add(struct sim *sim, const struct sim_link_config *cfg);
/* Packets from src to dst take these links to the node. src of family 0: no stack's packets, see
 * sim_net_load(). */
void sim_route_add(struct sim *sim, struct sim_node *to, const struct sim_route *route);
/* The way of a packet between these addresses; ports: the sum of both. NULL: it leads nowhere. */
const struct sim_route *sim_route_find(const struct sim *sim, const struct plait_addr *src,
                                       const struct plait_addr *dst, unsigned ports);

/* One thing happens: a deadline, a delivery or a timer; then everybody says what is to be said.
 * False: nothing will ever happen again, or the world failed. Its cost grows with the nodes, since
 * any stack may have been called since the last step; that of sim_run_until() does not. */
bool sim_step(struct sim *sim);
/* Steps until the time comes; now is `at` afterwards (if it did not fail). In between, only stacks
 * that were touched are asked: those that got a packet or the time, and those that their own
 * callbacks or timers called. */
bool sim_run_until(struct sim *sim, plait_time at);
/* Lets everybody say what they have to say now: after calls into the stacks from outside. */
void sim_pump(struct sim *sim);
/* This node's stack was called, by another node's callback, a hook or a timer. */
void sim_touch(struct sim_node *node);

/* ---- for the parts of the simulator
 * --------------------------------------------------------------- */

void sim_fail(struct sim *sim, const char *what);
/* Room for one more in an array of *cap elements of so many bytes; the array, which may have
 * moved. Doubles, and gives up the program where there is no memory. */
void *sim_room(void *array, unsigned n, unsigned *cap, size_t size);
/* route.c */
void sim_routes_free(struct sim *sim);
/* net.c: a packet of a stack, which was planned and will be committed, enters the network. */
void sim_net_send(struct sim_node *from, const struct plait_out *out);
/* A packet of somebody in between starts on this route: bytes, len and delay of w. */
void sim_net_inject(struct sim *sim, const struct sim_route *route, const struct sim_wire *w);
/* A packet without content, of so many bytes, starts on a route that leads to nobody. */
void sim_net_load(struct sim *sim, unsigned route, uint32_t len);
/* A packet at its node: headers at least, and the rest, which may have no content (NULL). */
struct sim_arrival {
    const uint8_t *head, *payload;
    uint32_t head_len, len; /* bytes at head, and in all */
    bool csum_ok;           /* nobody has to look at its checksums */
};
void sim_net_hand_over(struct sim_node *to, const struct sim_arrival *a);
/* One in one piece. */
void sim_net_deliver(struct sim_node *to, const uint8_t *bytes, uint32_t len, bool csum_ok);
/* The same with all that plait_input() takes but for the block, and its answer. */
enum plait_reason sim_net_input(struct sim_node *to, struct plait_in *in);
void sim_net_free_packet(struct sim *sim, struct sim_timer *t);
bool sim_net_is_packet(const struct sim_timer *t);
/* cbr.c */
void sim_cbr_free_all(struct sim *sim);
/* gro.c */
void sim_gro_input(struct sim_node *to, const struct sim_arrival *a);
void sim_gro_free(struct sim_node *node);
/* icmp.c: a packet-too-big for these bytes into out (at least 128); its length. */
uint32_t sim_icmp_too_big(const uint8_t *bytes, uint32_t len, uint32_t mtu, uint8_t *out);

#endif
