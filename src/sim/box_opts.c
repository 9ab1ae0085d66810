/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes that take options away or send them back. Called by the chain (middlebox.c). */
#include <stdlib.h>
#include <string.h>

#include "box_int.h"

static const struct {
    const char *name;
    uint8_t kind;
    int subtype; /* of MPTCP; -1: whatever */
} options[] = {
    {"mss", SIM_OPT_MSS, -1},           {"wscale", SIM_OPT_WSCALE, -1},
    {"sackok", SIM_OPT_SACKOK, -1},     {"sack", SIM_OPT_SACK, -1},
    {"ts", SIM_OPT_TS, -1},             {"mptcp", SIM_OPT_MPTCP, -1},
    {"mp_capable", SIM_OPT_MPTCP, 0},   {"mp_join", SIM_OPT_MPTCP, 1},
    {"mp_dss", SIM_OPT_MPTCP, 2},       {"add_addr", SIM_OPT_MPTCP, 3},
    {"remove_addr", SIM_OPT_MPTCP, 4},  {"mp_prio", SIM_OPT_MPTCP, 5},
    {"mp_fail", SIM_OPT_MPTCP, 6},      {"mp_fastclose", SIM_OPT_MPTCP, 7},
    {"mp_tcprst", SIM_OPT_MPTCP, 8},
};
enum { OPTIONS = sizeof options / sizeof options[0] };

static unsigned find_option(const struct sim_box *b)
{
    unsigned i = 0;

    while (i < OPTIONS && !sim_box_is(b, 1, options[i].name))
        i++;
    return i;
}

bool sim_box_strip_known(const struct sim_box *b)
{
    static const char *const when[] = {"", "syn", "synack", "ack3", "later"};
    const char *w = b->part[2];
    char *end;

    if (find_option(b) == OPTIONS)
        return false;
    for (unsigned i = 0; i < sizeof when / sizeof when[0]; i++)
        if (strcmp(w, when[i]) == 0)
            return true;
    return strncmp(w, "from=", 5) == 0 && w[5] != '\0' && (strtoul(w + 5, &end, 10), *end == '\0');
}

/* Is this packet one of those that the box's third part means? */
static bool due(const struct sim_box *b, const struct sim_box_flow *f, enum sim_box_dir d,
                const struct sim_pkt *p)
{
    const char *w = b->part[2];
    bool third = d == SIM_UP && f->later_n[d] == 1;

    if (w[0] == '\0')
        return true;
    if (sim_pkt_has(p, SIM_TCP_SYN, 0))
        return strcmp(w, sim_pkt_has(p, SIM_TCP_ACK, 0) ? "synack" : "syn") == 0;
    if (strcmp(w, "ack3") == 0)
        return third;
    if (strcmp(w, "later") == 0)
        return !third;
    return w[0] == 'f' && f->later_n[d] >= strtoul(w + 5, NULL, 10);
}

void sim_box_strip(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    unsigned i = find_option(b);

    if (b->acts[d] && due(b, f, d, p) && sim_pkt_strip(p, options[i].kind, options[i].subtype)) {
        p->touched = true;
        sim_box_touch(b);
    }
    sim_box_pass(b, d, p);
}

/* ---- echo ----------------------------------------------------------------------------------- */

static bool unknown(uint8_t kind)
{
    return kind != SIM_OPT_MSS && kind != SIM_OPT_WSCALE && kind != SIM_OPT_SACKOK &&
           kind != SIM_OPT_SACK && kind != SIM_OPT_TS;
}

static void keep_unknown(struct sim_box_flow *f, struct sim_pkt *p)
{
    uint32_t at = 0;
    uint8_t *opt;

    f->syn_opt_len = 0;
    while ((opt = sim_pkt_option(p, &at)) != NULL) {
        if (!unknown(opt[0]) || f->syn_opt_len + opt[1] > sizeof f->syn_opt)
            continue;
        memcpy(f->syn_opt + f->syn_opt_len, opt, opt[1]);
        f->syn_opt_len += opt[1];
    }
}

void sim_box_echo(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    if (sim_pkt_has(p, SIM_TCP_SYN, SIM_TCP_ACK))
        keep_unknown(f, p);
    if (sim_pkt_has(p, SIM_TCP_SYN | SIM_TCP_ACK, 0) && f->syn_opt_len > 0) {
        if (sim_box_is(b, 1, "replace"))
            sim_pkt_strip(p, SIM_OPT_MPTCP, -1);
        sim_pkt_drop_nops(p);
        sim_pkt_append(p, f->syn_opt, f->syn_opt_len);
        p->touched = true;
        sim_box_touch(b);
    }
    sim_box_pass(b, d, p);
}
