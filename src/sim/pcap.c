/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of a simulation, so that a failed run can be looked at with the usual tools. The time
 * of a packet is virtual: microseconds since 1970 count from the beginning of the run. */
#include "pcap.h"

#include <stdio.h>
#include <stdlib.h>

#include "../wire/pcapng.h"

struct sim_pcap {
    FILE *file; /* NULL: none, somebody looks on */
    sim_pcap_tap_fn *tap;
    void *tap_ctx;
    unsigned interfaces; /* nodes described so far */
};

struct sim_pcap *sim_pcap_open(struct sim *sim, const char *path)
{
    struct sim_pcap *p = calloc(1, sizeof *p);
    uint8_t head[WIRE_PCAPNG_HEAD_MAX];

    if (p == NULL)
        return NULL;
    p->file = fopen(path, "wb");
    if (p->file == NULL) {
        free(p);
        return NULL;
    }
    fwrite(head, wire_pcapng_section(head), 1, p->file);
    sim->pcap = p;
    return p;
}

void sim_pcap_tap(struct sim *sim, sim_pcap_tap_fn *tap, void *ctx)
{
    if (sim->pcap == NULL)
        sim->pcap = calloc(1, sizeof *sim->pcap);
    if (sim->pcap == NULL)
        abort();
    sim->pcap->tap = tap;
    sim->pcap->tap_ctx = ctx;
}

bool sim_pcap_close(struct sim *sim)
{
    struct sim_pcap *p = sim->pcap;

    sim->pcap = NULL;
    if (p == NULL)
        return true;
    bool ok = p->file == NULL || ferror(p->file) == 0;
    ok = (p->file == NULL || fclose(p->file) == 0) && ok;
    free(p);
    return ok;
}

static void describe(struct sim_pcap *p, const struct sim *sim, unsigned upto)
{
    uint8_t head[WIRE_PCAPNG_HEAD_MAX];

    for (; p->interfaces <= upto; p->interfaces++) {
        const char *name = sim->node[p->interfaces]->name;
        fwrite(head, wire_pcapng_interface(WIRE_LINKTYPE_RAW, name, head), 1, p->file);
    }
}

void sim_pcap_packet(struct sim_pcap *p, const struct sim_node *node, bool out,
                     const uint8_t *bytes, uint32_t len)
{
    uint8_t head[WIRE_PCAPNG_HEAD_MAX], tail[WIRE_PCAPNG_TAIL_MAX];

    if (p != NULL && p->tap != NULL)
        p->tap(p->tap_ctx, node, out, &(struct plait_view){bytes, len});
    if (p == NULL || p->file == NULL)
        return;
    struct wire_pcapng_packet what = {
        .interface = node->id,
        .when = node->sim->now,
        .len = len,
        .direction = out ? WIRE_PCAPNG_OUT : WIRE_PCAPNG_IN,
    };
    describe(p, node->sim, node->id);
    fwrite(head, wire_pcapng_head(&what, head), 1, p->file);
    fwrite(bytes, len, 1, p->file);
    fwrite(tail, wire_pcapng_tail(&what, tail), 1, p->file);
}
