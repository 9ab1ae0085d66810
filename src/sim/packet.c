/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of packets. Called by net.c.
 *
 * Headers alone, and packets as short as that, have a fixed size, three lines of the cache, and
 * are used again, the last one first; longer ones are malloc's. While sim.poison says that nobody
 * shall rely on stale memory, all are, so that sanitizers see each one's end. */
#include "packet.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 64, SHORT = 3 * LINE, CHUNK = 64 /* packets */ };
enum { SHORT_HEAD = SHORT - offsetof(struct sim_packet, head) };

_Static_assert((int)SHORT_HEAD >= (int)PLAIT_HEAD_MAX, "headers fit a short packet");

/* Memory that is taken in one piece. */
struct sim_chunk {
    struct sim_chunk *next;
    uint8_t *bytes;
};

static void grow(struct sim *sim)
{
    struct sim_chunk *c = malloc(sizeof *c);

    if (c == NULL)
        abort();
    c->bytes = aligned_alloc(LINE, (size_t)SHORT * CHUNK);
    if (c->bytes == NULL)
        abort();
    c->next = sim->chunks;
    sim->chunks = c;
    for (unsigned i = 0; i < CHUNK; i++) {
        struct sim_packet *p = (struct sim_packet *)(void *)(c->bytes + (size_t)SHORT * i);
        p->timer.ctx = sim->spare;
        sim->spare = p;
    }
}

struct sim_packet *sim_packet_new(struct sim *sim, uint32_t head_len)
{
    struct sim_packet *p;

    if (head_len > SHORT_HEAD || sim->poison) {
        p = malloc(sizeof *p + head_len);
        if (p == NULL)
            abort();
        *p = (struct sim_packet){.timer = {.exact = true}, .len = head_len, .head_len = head_len};
        p->own = true;
        return p;
    }
    if (sim->spare == NULL)
        grow(sim);
    p = sim->spare;
    sim->spare = p->timer.ctx;
    *p = (struct sim_packet){.timer = {.exact = true}, .len = head_len, .head_len = head_len};
    return p;
}

struct sim_packet *sim_packet_copy(struct sim *sim, const struct sim_packet *like)
{
    struct sim_packet *p = sim_packet_new(sim, like->head_len);

    memcpy(p->head, like->head, like->head_len);
    p->from = like->from;
    p->route = like->route;
    p->hop = like->hop;
    p->len = like->len;
    p->csum_ok = like->csum_ok;
    p->skip = like->skip;
    if (like->payload != NULL)
        sim_payload_share(p, like->payload);
    return p;
}

void sim_packet_free(struct sim *sim, struct sim_packet *p)
{
    if (p->payload != NULL)
        sim_payload_drop(p->payload);
    if (p->own) {
        free(p);
        return;
    }
    p->timer.ctx = sim->spare;
    sim->spare = p;
}

struct sim_payload *sim_payload_new(uint32_t len)
{
    struct sim_payload *payload = malloc(sizeof *payload + len);

    if (payload == NULL)
        abort();
    payload->users = 1;
    return payload;
}

void sim_payload_share(struct sim_packet *p, struct sim_payload *payload)
{
    p->payload = payload;
    payload->users++;
}

void sim_payload_drop(struct sim_payload *payload)
{
    if (--payload->users == 0)
        free(payload);
}

void sim_packets_free(struct sim *sim)
{
    while (sim->chunks != NULL) {
        struct sim_chunk *c = sim->chunks;
        sim->chunks = c->next;
        free(c->bytes);
        free(c);
    }
}
