/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between nodes: super-segments are cut, each packet goes by its route from link to link,
 * and what links do to it is done here. Called by sim.c for each packet that a stack sends.
 *
 * Each packet carries a real checksum, finished as a device would, so that the receiver's check is
 * part of every test. A packet on its way is a timer whose owner is the packet. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "../base/be.h"
#include "../wire/wire.h"
#include "pcap.h"
#include "shards.h"

struct packet {
    struct sim_timer timer;
    unsigned route;
    uint8_t hop; /* next link in the route */
    bool blank;  /* no content */
    struct sim_node *from;
    uint32_t len;
    uint8_t bytes[];
};

enum { ICMP_MAX = 160 };

static void arrive(struct sim *sim, struct sim_timer *t);

bool sim_net_is_packet(const struct sim_timer *t)
{
    return t->fn == arrive;
}

void sim_net_free_packet(struct sim *sim, struct sim_timer *t)
{
    (void)sim;
    free(t);
}

/* bytes NULL: it has a length and no content. */
static struct packet *packet_new(const uint8_t *bytes, uint32_t len)
{
    struct packet *p = calloc(1, sizeof *p + (bytes != NULL ? len : 0));

    if (p == NULL)
        abort();
    p->timer.exact = true;
    p->len = len;
    p->blank = bytes == NULL;
    if (bytes != NULL)
        memcpy(p->bytes, bytes, len);
    return p;
}

static struct packet *packet_copy(const struct packet *like)
{
    struct packet *p = packet_new(like->blank ? NULL : like->bytes, like->len);

    p->route = like->route;
    p->from = like->from;
    p->hop = like->hop;
    return p;
}

/* The shards of a host are one for the network. */
static bool is_same_host(const struct sim_node *a, const struct sim_node *b)
{
    return a == b || (a->shards != NULL && a->shards == b->shards);
}

/* A router says that the packet does not fit. */
static void too_big(struct sim *sim, const struct packet *p, uint32_t mtu)
{
    uint8_t bytes[ICMP_MAX];
    uint32_t len = sim_icmp_too_big(p->bytes, p->len, mtu, bytes);

    for (unsigned i = 0; i < sim->route_n; i++) {
        if (!is_same_host(sim->route[i].to, p->from))
            continue;
        struct packet *back = packet_new(bytes, len);
        back->route = i;
        back->hop = sim->route[i].hop_n;
        back->from = p->from;
        sim_timer_set(sim, &back->timer, sim->now + 1, arrive);
        return;
    }
}

/* Has left a link of a route that leads to nobody. */
static bool is_over(const struct sim *sim, const struct packet *p)
{
    const struct sim_route *route = &sim->route[p->route];

    return route->to == NULL && p->hop == route->hop_n;
}

static bool is_ect(const struct packet *p)
{
    unsigned ecn = p->bytes[0] >> 4 == 4 ? p->bytes[1] & 3 : p->bytes[1] >> 4 & 3;

    return ecn == WIRE_ECT0 || ecn == WIRE_ECT1;
}

/* Offers the packet to its next link, which decides when it is seen again, if ever. */
static void forward(struct sim *sim, struct packet *p)
{
    struct sim_link *link = &sim->link[sim->route[p->route].hop[p->hop]];
    bool ect = link->cfg.red.ecn && !p->blank && is_ect(p);
    struct sim_verdict v;

    sim_link_send_ecn(link, p->len, ect, sim->now, &v);
    if (v.fate == SIM_FATE_TOO_BIG && !link->cfg.black_hole && !p->blank)
        too_big(sim, p, link->cfg.mtu);
    if (v.mark && v.n > 0 && !p->blank && wire_mark_ce(p->bytes, p->len))
        link->marks++;
    p->hop++;
    if (is_over(sim, p)) {
        sim->route[p->route].arrived += v.n;
        v.n = 0;
    }
    if (v.n == 0) {
        free(p);
        return;
    }
    sim_timer_set(sim, &p->timer, v.at[0], arrive);
    if (v.n > 1)
        sim_timer_set(sim, &packet_copy(p)->timer, v.at[1], arrive);
}

static void arrive(struct sim *sim, struct sim_timer *t)
{
    struct packet *p = (struct packet *)(void *)t;
    const struct sim_route *route = &sim->route[p->route];
    struct sim_node *to = route->to;

    if (p->hop < route->hop_n) {
        forward(sim, p);
        return;
    }
    if (to->stack != NULL) {
        to->packets_in++;
        sim_pcap_packet(sim->pcap, to, false, p->bytes, p->len);
        if (to->shards != NULL)
            sim_shards_arrive(to->shards, p->bytes, p->len);
        else if (to->gro_window != 0)
            sim_gro_input(to, p->bytes, p->len);
        else
            sim_net_deliver(to, p->bytes, p->len, false);
    }
    free(p);
}

/* A packet enters the network, after a while. */
static void enter(struct sim *sim, struct packet *p, plait_time delay)
{
    if (delay > 0 || sim->route[p->route].hop_n == 0)
        sim_timer_set(sim, &p->timer, sim->now + delay, arrive);
    else
        forward(sim, p);
}

void sim_net_load(struct sim *sim, unsigned route, uint32_t len)
{
    struct packet *p = packet_new(NULL, len);

    p->route = route;
    enter(sim, p, 0);
}

enum plait_reason sim_net_input(struct sim_node *to, struct plait_in *in)
{
    struct plait_block *block = plait_block_get(to->stack, in->len);
    const uint8_t *bytes = in->ip;
    enum plait_reason why;

    to->supers_in++;
    sim_touch(to);
    if (block != NULL) { /* as a driver would: the stack may keep it */
        size_t size;
        uint8_t *buf = plait_block_bytes(block, &size);
        memcpy(buf, bytes, in->len);
        in->ip = buf;
        in->block = block;
    }
    why = plait_input(to->stack, in, to->sim->now);
    plait_block_put(to->stack, in->block);
    in->ip = bytes;
    in->block = NULL;
    return why;
}

void sim_net_deliver(struct sim_node *to, const uint8_t *bytes, uint32_t len, bool csum_ok)
{
    struct plait_in in = {.ip = bytes, .len = len, .csum_ok = csum_ok};

    (void)sim_net_input(to, &in);
}

/* What a router hashes, and gets the same for both directions. */
static unsigned port_sum(const struct plait_out *out)
{
    const uint8_t *tcp = out->head + out->ip_len;

    return (unsigned)be16_load(tcp) + be16_load(tcp + 2);
}

static void ask_hook(struct sim *sim, struct sim_wire *w)
{
    if (sim->hook == NULL)
        return;
    w->k = sim->hook_k++;
    sim->hook(sim->hook_ctx, sim, w);
}

/* One packet as it stands on the wire; bytes has room for SIM_SUPER_MAX. */
static void send_one(struct sim_node *from, const struct sim_route *route, uint8_t *bytes,
                     uint32_t len)
{
    struct sim *sim = from->sim;
    struct sim_wire w = {
        .from = from, .route = route, .bytes = bytes, .len = len, .cap = SIM_SUPER_MAX,
    };

    from->packets_out++;
    ask_hook(sim, &w);
    sim_pcap_packet(sim->pcap, from, true, bytes, w.len);
    if (w.drop || route == NULL)
        return;
    struct packet *p = packet_new(bytes, w.len);
    p->route = (unsigned)(route - sim->route);
    p->from = from;
    struct packet *again = w.twice && w.delay == 0 ? packet_copy(p) : NULL;
    enter(sim, p, w.delay);
    if (again != NULL)
        enter(sim, again, 0);
}

void sim_net_inject(struct sim *sim, const struct sim_route *route, const struct sim_wire *w)
{
    struct packet *p = packet_new(w->bytes, w->len);

    p->route = (unsigned)(route - sim->route);
    enter(sim, p, w->delay);
}

static uint32_t gather(const struct plait_out *out, uint8_t *to)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < out->view_n; i++) {
        memcpy(to + n, out->view[i].data, out->view[i].len);
        n += (uint32_t)out->view[i].len;
    }
    return n;
}

void sim_net_send(struct sim_node *from, const struct plait_out *out)
{
    static uint8_t payload[SIM_SUPER_MAX], packet[SIM_SUPER_MAX];
    const struct sim_route *route = 
        sim_route_find(from->sim, &out->src, &out->dst, port_sum(out));
    uint32_t len = gather(out, payload);
    unsigned n = wire_gso_count(len, out->gso_size);

    if (len != out->payload_len || len + out->head_len > SIM_SUPER_MAX) {
        sim_fail(from->sim, "a packet's payload has not the length that it tells");
        return;
    }
    from->supers_out++;
    for (unsigned i = 0; i < n; i++) {
        uint32_t skip = i * out->gso_size, part = i + 1 < n ? out->gso_size : len - skip;
        struct wire_view view = {payload + skip, part};
        if (n > 1)
            wire_gso_cut(
                &(struct wire_gso){out->head, out->head_len, out->ip_len, out->gso_size, len}, i,
                packet);
        else
            memcpy(packet, out->head, out->head_len);
        wire_finish_csum(packet, out->head_len, out->ip_len, &view, 1);
        memcpy(packet + out->head_len, payload + skip, part);
        send_one(from, route, packet, out->head_len + part);
    }
}
