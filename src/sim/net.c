/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between nodes: super-segments are cut, each packet goes by its route from link to link,
 * and what links do to it is done here. Called by sim.c for each packet that a stack sends.
 *
 * Each packet carries a real checksum, finished as a device would, so that the receiver's check is
 * part of every test; and stands there in one piece, for hooks, captures and shards. Where there is
 * none of these, and sim.offload says so, packets are headers that share a payload, and checksums
 * are left to the devices at both ends. */
#include <string.h>

#include "../base/be.h"
#include "../wire/wire.h"
#include "packet.h"
#include "pcap.h"
#include "shards.h"

enum { ICMP_MAX = 160, QUOTE_MAX = 600 };

static void arrive(struct sim *sim, struct sim_timer *t);

bool sim_net_is_packet(const struct sim_timer *t)
{
    return t->fn == arrive;
}

void sim_net_free_packet(struct sim *sim, struct sim_timer *t)
{
    sim_packet_free(sim, (struct sim_packet *)(void *)t);
}

/* In one piece, with its checksum. */
static struct sim_packet *whole_packet(struct sim *sim, const uint8_t *bytes, uint32_t len)
{
    struct sim_packet *p = sim_packet_new(sim, len);

    memcpy(p->head, bytes, len);
    return p;
}

static struct sim_arrival arrival_of(const struct sim_packet *p)
{
    return (struct sim_arrival){
        .head = p->head,
        .payload = p->payload != NULL ? p->payload->bytes + p->skip : NULL,
        .head_len = p->head_len,
        .len = p->len,
        .csum_ok = p->csum_ok,
    };
}

/* Its bytes in one piece, up to so many; what has no content is left as it is. */
static void lay_out(const struct sim_arrival *a, uint8_t *to, uint32_t max)
{
    uint32_t len = a->len < max ? a->len : max, head = a->head_len < len ? a->head_len : len;

    memcpy(to, a->head, head);
    if (a->payload != NULL)
        memcpy(to + head, a->payload, len - head);
}

/* ---- on the way ------------------------------------------------------------------------------ */

/* The shards of a host are one for the network. */
static bool is_same_host(const struct sim_node *a, const struct sim_node *b)
{
    return a == b || (a != NULL && a->shards != NULL && a->shards == b->shards);
}

/* A router says that the packet does not fit. */
static void too_big(struct sim *sim, const struct sim_packet *p, uint32_t mtu)
{
    uint8_t quote[QUOTE_MAX] = {0}, bytes[ICMP_MAX];
    struct sim_arrival a = arrival_of(p);
    uint32_t len;

    lay_out(&a, quote, QUOTE_MAX);
    len = sim_icmp_too_big(quote, p->len < QUOTE_MAX ? p->len : QUOTE_MAX, mtu, bytes);
    for (unsigned i = 0; i < sim->route_n; i++) {
        if (!is_same_host(sim->route[i].to, p->from))
            continue;
        struct sim_packet *back = whole_packet(sim, bytes, len);
        back->route = i;
        back->hop = sim->route[i].hop_n;
        back->from = p->from;
        sim_timer_set(sim, &back->timer, sim->now + 1, arrive);
        return;
    }
}

static bool is_ect(const struct sim_packet *p)
{
    unsigned ecn = p->head[0] >> 4 == 4 ? p->head[1] & 3 : p->head[1] >> 4 & 3;

    return ecn == WIRE_ECT0 || ecn == WIRE_ECT1;
}

/* What else becomes of it, where it has content. */
static void mark(struct sim *sim, struct sim_link *link, struct sim_packet *p,
                 const struct sim_verdict *v)
{
    if (p->head_len == 0)
        return;
    if (v->fate == SIM_FATE_TOO_BIG && !link->cfg.black_hole)
        too_big(sim, p, link->cfg.mtu);
    if (v->mark && v->n > 0 && wire_mark_ce(p->head, p->len))
        link->marks++;
}

/* Offers the packet to its next link, which decides when it is seen again, if ever. */
static void forward(struct sim *sim, struct sim_packet *p)
{
    struct sim_route *route = &sim->route[p->route];
    struct sim_link *link = &sim->link[route->hop[p->hop]];
    bool ect = link->cfg.red.ecn && p->head_len > 0 && is_ect(p);
    struct sim_verdict v;

    sim_link_send_ecn(link, p->len, ect, sim->now, &v);
    if (v.mark || v.fate == SIM_FATE_TOO_BIG)
        mark(sim, link, p, &v);
    p->hop++;
    if (route->to == NULL && p->hop == route->hop_n) {
        route->arrived += v.n;
        v.n = 0;
    }
    if (v.n == 0) {
        sim_packet_free(sim, p);
        return;
    }
    sim_timer_set(sim, &p->timer, v.at[0], arrive);
    if (v.n > 1)
        sim_timer_set(sim, &sim_packet_copy(sim, p)->timer, v.at[1], arrive);
}

static void capture(struct sim *sim, const struct sim_node *to, const struct sim_arrival *a)
{
    static uint8_t bytes[SIM_SUPER_MAX];

    if (sim->pcap == NULL)
        return;
    lay_out(a, bytes, sizeof bytes);
    sim_pcap_packet(sim->pcap, to, false, bytes, a->len);
}

static void arrive(struct sim *sim, struct sim_timer *t)
{
    struct sim_packet *p = (struct sim_packet *)(void *)t;
    const struct sim_route *route = &sim->route[p->route];
    struct sim_node *to = route->to;

    if (p->hop < route->hop_n) {
        forward(sim, p);
        return;
    }
    if (to->stack != NULL) {
        struct sim_arrival a = arrival_of(p);
        to->packets_in++;
        capture(sim, to, &a);
        if (to->shards != NULL)
            sim_shards_arrive(to->shards, p->head, p->len);
        else if (to->gro_window != 0)
            sim_gro_input(to, &a);
        else
            sim_net_hand_over(to, &a);
    }
    sim_packet_free(sim, p);
}

/* A packet enters the network, after a while. */
static void enter(struct sim *sim, struct sim_packet *p, plait_time delay)
{
    if (delay > 0 || sim->route[p->route].hop_n == 0)
        sim_timer_set(sim, &p->timer, sim->now + delay, arrive);
    else
        forward(sim, p);
}

void sim_net_load(struct sim *sim, unsigned route, uint32_t len)
{
    struct sim_packet *p = sim_packet_new(sim, 0);

    p->len = len;
    p->route = route;
    enter(sim, p, 0);
}

void sim_net_inject(struct sim *sim, const struct sim_route *route, const struct sim_wire *w)
{
    struct sim_packet *p = whole_packet(sim, w->bytes, w->len);

    p->route = (unsigned)(route - sim->route);
    enter(sim, p, w->delay);
}

/* ---- arrival --------------------------------------------------------------------------------- */

/* Gives it to the stack, in a block of which it may keep, as a driver would. */
static enum plait_reason give(struct sim_node *to, const struct sim_arrival *a,
                              struct plait_in *in)
{
    static uint8_t spare[SIM_SUPER_MAX]; /* where the stack has no memory to lend */
    struct plait_block *block = plait_block_get(to->stack, a->len);
    uint8_t *bytes = spare;
    enum plait_reason why;
    size_t size;

    to->supers_in++;
    sim_touch(to);
    if (block != NULL)
        bytes = plait_block_bytes(block, &size);
    lay_out(a, bytes, a->len);
    in->ip = bytes;
    in->block = block;
    why = plait_input(to->stack, in, to->sim->now);
    plait_block_put(to->stack, in->block);
    return why;
}

enum plait_reason sim_net_input(struct sim_node *to, struct plait_in *in)
{
    const uint8_t *bytes = in->ip;
    uint32_t len = (uint32_t)in->len;
    enum plait_reason why;

    why = give(to, &(struct sim_arrival){.head = bytes, .head_len = len, .len = len}, in);
    in->ip = bytes;
    in->block = NULL;
    return why;
}

void sim_net_hand_over(struct sim_node *to, const struct sim_arrival *a)
{
    struct plait_in in = {.len = a->len, .csum_ok = a->csum_ok};

    (void)give(to, a, &in);
}

void sim_net_deliver(struct sim_node *to, const uint8_t *bytes, uint32_t len, bool csum_ok)
{
    sim_net_hand_over(
        to, &(struct sim_arrival){.head = bytes, .head_len = len, .len = len, .csum_ok = csum_ok});
}

/* ---- departure ------------------------------------------------------------------------------- */

/* What a router hashes, and gets the same for both directions. */
static unsigned port_sum(const struct plait_out *out)
{
    const uint8_t *tcp = out->head + out->ip_len;

    return (unsigned)be16_load(tcp) + be16_load(tcp + 2);
}

/* Zeros where nobody wrote any content, so that whoever looks sees the same each time. */
static uint32_t gather(const struct sim *sim, const struct plait_out *out, uint8_t *to)
{
    uint32_t n = 0;

    if (sim->blank) {
        memset(to, 0, out->payload_len);
        return out->payload_len;
    }
    for (unsigned i = 0; i < out->view_n; i++) {
        memcpy(to + n, out->view[i].data, out->view[i].len);
        n += (uint32_t)out->view[i].len;
    }
    return n;
}

/* The headers of packet i of n. */
static void cut(const struct plait_out *out, unsigned i, unsigned n, uint8_t *head)
{
    if (n > 1)
        wire_gso_cut(&(struct wire_gso){out->head, out->head_len, out->ip_len, out->gso_size,
                                        out->payload_len},
                     i, head);
    else
        memcpy(head, out->head, out->head_len);
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
    struct sim_packet *p = whole_packet(sim, bytes, w.len);
    p->route = (unsigned)(route - sim->route);
    p->from = from;
    struct sim_packet *again = w.twice && w.delay == 0 ? sim_packet_copy(sim, p) : NULL;
    enter(sim, p, w.delay);
    if (again != NULL)
        enter(sim, again, 0);
}

/* Each in one piece. */
static void send_whole(struct sim_node *from, const struct plait_out *out,
                       const struct sim_route *route)
{
    static uint8_t payload[SIM_SUPER_MAX], packet[SIM_SUPER_MAX];
    uint32_t len = gather(from->sim, out, payload);
    unsigned n = wire_gso_count(len, out->gso_size);

    for (unsigned i = 0; i < n; i++) {
        uint32_t skip = i * out->gso_size, part = i + 1 < n ? out->gso_size : len - skip;
        struct wire_view view = {payload + skip, part};
        cut(out, i, n, packet);
        wire_finish_csum(packet, out->head_len, out->ip_len, &view, 1);
        memcpy(packet + out->head_len, payload + skip, part);
        send_one(from, route, packet, out->head_len + part);
    }
}

/* As headers that share a payload, or have none. */
static void send_parts(struct sim_node *from, const struct plait_out *out,
                       const struct sim_route *route)
{
    struct sim *sim = from->sim;
    uint32_t len = out->payload_len;
    unsigned n = wire_gso_count(len, out->gso_size);
    struct sim_payload *payload = NULL;

    from->packets_out += n;
    if (route == NULL)
        return;
    if (len > 0 && !sim->blank) {
        payload = sim_payload_new(len);
        gather(sim, out, payload->bytes);
    }
    for (unsigned i = 0; i < n; i++) {
        struct sim_packet *p = sim_packet_new(sim, out->head_len);
        p->skip = i * out->gso_size;
        p->len += i + 1 < n ? out->gso_size : len - p->skip;
        p->csum_ok = true;
        p->from = from;
        p->route = (unsigned)(route - sim->route);
        if (payload != NULL)
            sim_payload_share(p, payload);
        cut(out, i, n, p->head);
        enter(sim, p, 0);
    }
    if (payload != NULL)
        sim_payload_drop(payload);
}

static bool is_sound(const struct plait_out *out)
{
    size_t len = 0;

    for (unsigned i = 0; i < out->view_n; i++)
        len += out->view[i].len;
    return len == out->payload_len && len + out->head_len <= SIM_SUPER_MAX;
}

/* Somebody wants to see it in one piece, with its checksum. */
static bool is_watched(const struct sim *sim, const struct sim_route *route)
{
    bool shards = route != NULL && route->to != NULL && route->to->shards != NULL;

    return (!sim->offload && !sim->blank) || sim->hook != NULL || sim->pcap != NULL || shards;
}

void sim_net_send(struct sim_node *from, const struct plait_out *out)
{
    struct sim *sim = from->sim;
    const struct sim_route *route = sim_route_find(sim, &out->src, &out->dst, port_sum(out));

    if (!is_sound(out)) {
        sim_fail(sim, "a packet's payload has not the length that it tells");
        return;
    }
    from->supers_out++;
    if (is_watched(sim, route))
        send_whole(from, out, route);
    else
        send_parts(from, out, route);
}
