/* SPDX-License-Identifier: Apache-2.0 */
/* Receive offload: packets of one subflow that follow each other are joined into a super-segment,
 * as a kernel does before it hands them to a packet socket. Called by net.c on arrival.
 *
 * Joined are packets with payload whose headers differ in sequence number and lengths alone (ECN
 * bits and options are identical), for at most gro_window microseconds and 64 KB; a shorter packet
 * or one with PSH is the last of its run. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "../base/be.h"
#include "../wire/wire.h"

struct sim_gro {
    struct sim_timer timer;
    uint32_t len, head_len, ip_len;
    uint32_t size; /* payload of the first packet */
    uint32_t next_seq;
    uint8_t bytes[SIM_SUPER_MAX];
};

enum { SUPER_LEN_MAX = 65000 };

static uint32_t ip_len_of(const uint8_t *p)
{
    return p[0] >> 4 == 4 ? (p[0] & 15u) * 4 : 40;
}

static uint8_t ecn_of(const uint8_t *p)
{
    return p[0] >> 4 == 4 ? p[1] & 3 : p[1] >> 4 & 3;
}

/* Only plain TCP data that parses: everything else goes straight up. */
static bool joinable(const uint8_t *p, uint32_t len)
{
    struct wire_packet w;

    if (wire_parse(p, len, false, &w) != PLAIT_REASON_NONE || w.kind != WIRE_KIND_TCP)
        return false;
    return w.seg.len > 0 && (w.seg.flags & ~WIRE_PSH) == WIRE_ACK;
}

static bool follows(const struct sim_gro *g, const uint8_t *p, uint32_t len)
{
    const uint8_t *a = g->bytes + g->ip_len, *b = p + g->ip_len;
    uint32_t addr_at = g->bytes[0] >> 4 == 4 ? 12 : 8;

    if (g->len == 0 || g->bytes[0] != p[0] || ip_len_of(p) != g->ip_len || len <= g->head_len)
        return false;
    if (len - g->head_len > g->size || g->len + len > SUPER_LEN_MAX)
        return false;
    if (ecn_of(g->bytes) != ecn_of(p)) /* a mark would be lost, or spread to its neighbours */
        return false;
    if (memcmp(g->bytes + addr_at, p + addr_at, g->ip_len - addr_at) != 0 || memcmp(a, b, 4) != 0)
        return false;
    if (be32_load(b + 4) != g->next_seq || memcmp(a + 8, b + 8, 5) != 0 ||
        memcmp(a + 14, b + 14, 2) != 0)
        return false;
    return memcmp(a + 20, b + 20, g->head_len - g->ip_len - 20) == 0;
}

static void set_lengths(struct sim_gro *g)
{
    if (g->bytes[0] >> 4 == 4) {
        be16_store(g->bytes + 2, (uint16_t)g->len);
        be16_store(g->bytes + 10, 0);
        uint32_t sum = 0;
        for (uint32_t i = 0; i < g->ip_len; i += 2)
            sum += be16_load(g->bytes + i);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        be16_store(g->bytes + 10, (uint16_t)~sum);
    } else {
        be16_store(g->bytes + 4, (uint16_t)(g->len - g->ip_len));
    }
}

static void flush(struct sim_node *n)
{
    struct sim_gro *g = n->gro;

    sim_timer_stop(n->sim, &g->timer);
    if (g->len == 0)
        return;
    set_lengths(g);
    uint32_t len = g->len;
    g->len = 0;
    sim_net_deliver(n, g->bytes, len, true);
}

static void window_over(struct sim *sim, struct sim_timer *t)
{
    (void)sim;
    flush(t->ctx);
}

static void begin(struct sim_node *n, const uint8_t *p, uint32_t len)
{
    struct sim_gro *g = n->gro;

    g->ip_len = ip_len_of(p);
    g->head_len = g->ip_len + (p[g->ip_len + 12] >> 4) * 4u;
    g->size = len - g->head_len;
    g->len = len;
    g->next_seq = be32_load(p + g->ip_len + 4) + g->size;
    memcpy(g->bytes, p, len);
    g->timer.ctx = n;
    sim_timer_set(n->sim, &g->timer, n->sim->now + n->gro_window, window_over);
}

static void append(struct sim_gro *g, const uint8_t *p, uint32_t len)
{
    memcpy(g->bytes + g->len, p + g->head_len, len - g->head_len);
    g->len += len - g->head_len;
    g->next_seq += len - g->head_len;
    g->bytes[g->ip_len + 13] |= p[g->ip_len + 13] & WIRE_PSH;
}

void sim_gro_input(struct sim_node *n, const uint8_t *p, uint32_t len)
{
    if (n->gro == NULL)
        n->gro = calloc(1, sizeof *n->gro);
    if (n->gro == NULL)
        abort();
    struct sim_gro *g = n->gro;
    if (!joinable(p, len)) {
        flush(n);
        sim_net_deliver(n, p, len, false);
        return;
    }
    uint32_t part = 0;
    if (follows(g, p, len)) {
        part = len - g->head_len;
        append(g, p, len);
    } else {
        flush(n);
        begin(n, p, len);
        part = g->size;
    }
    if (part < g->size || (g->bytes[g->ip_len + 13] & WIRE_PSH) != 0)
        flush(n);
}

void sim_gro_free(struct sim_node *n)
{
    if (n->gro != NULL)
        sim_timer_stop(n->sim, &n->gro->timer);
    free(n->gro);
    n->gro = NULL;
}
