/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes that take options away or send them back. Called by the chain (middlebox.c). */
#include <stdlib.h>
#include <string.h>

#include "box_int.h"

enum {
    S = SIM_STAGE_SYN, SA = SIM_STAGE_SYNACK, A3 = SIM_STAGE_ACK3, L = SIM_STAGE_LATER,
};
static const struct sim_box_option options[] = {
    {"mss", "MSS", SIM_OPT_MSS, -1, S | SA},
    {"wscale", "window scale", SIM_OPT_WSCALE, -1, S | SA},
    {"sackok", "SACK-permitted", SIM_OPT_SACKOK, -1, S | SA},
    {"sack", "SACK blocks", SIM_OPT_SACK, -1, L},
    {"ts", "timestamps", SIM_OPT_TS, -1, S | SA | A3 | L},
    {"tfo", "Fast Open's cookie", SIM_OPT_TFO, -1, S | SA},
    {"mptcp", "all of MPTCP", SIM_OPT_MPTCP, -1, S | SA | A3 | L},
    {"mp_capable", "MP_CAPABLE", SIM_OPT_MPTCP, 0, S | SA | A3 | L},
    {"mp_join", "MP_JOIN", SIM_OPT_MPTCP, 1, S | SA | A3},
    {"mp_dss", "DSS", SIM_OPT_MPTCP, 2, A3 | L},
    {"add_addr", "ADD_ADDR", SIM_OPT_MPTCP, 3, L},
    {"remove_addr", "REMOVE_ADDR", SIM_OPT_MPTCP, 4, L},
    {"mp_prio", "MP_PRIO", SIM_OPT_MPTCP, 5, L},
    {"mp_fail", "MP_FAIL", SIM_OPT_MPTCP, 6, L},
    {"mp_fastclose", "MP_FASTCLOSE", SIM_OPT_MPTCP, 7, L},
    {"mp_tcprst", "MP_TCPRST", SIM_OPT_MPTCP, 8, L},
};
enum { OPTIONS = sizeof options / sizeof options[0] };

const struct sim_box_option *sim_box_option(unsigned i)
{
    return i < OPTIONS ? &options[i] : NULL;
}

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

/* ---- the strangest box (RFC 8041 3.1) ------------------------------------------------------- */

/* It lets MPTCP pass on SYNs and later writes an end of options in its place, which hides what
 * follows, too. */
void sim_box_eol(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    uint8_t *opt = sim_pkt_find(p, SIM_OPT_MPTCP);

    (void)f;
    if (b->acts[d] && opt != NULL && !sim_pkt_has(p, SIM_TCP_SYN, 0)) {
        memset(opt, SIM_OPT_EOL, opt[1]);
        p->touched = true;
        sim_box_touch(b);
    }
    sim_box_pass(b, d, p);
}

/* ---- ECN ------------------------------------------------------------------------------------ */

/* False: the packet is dropped. */
static bool ecn_act(struct sim_box *b, struct sim_pkt *p)
{
    uint8_t *flags = &sim_pkt_tcp(p)[13];

    if (sim_box_is(b, 1, "bleach") || sim_box_is(b, 1, "mark")) {
        uint8_t mask = p->b[0] >> 4 == 4 ? 3 : 0x30, old = p->b[1];
        bool mark = sim_box_is(b, 1, "mark");
        p->b[1] = (uint8_t)(mark && (old & mask) != 0 ? old | mask : old & ~mask);
        p->touched |= p->b[1] != old;
        if (p->b[1] != old)
            sim_box_touch(b);
    } else if (sim_pkt_has(p, SIM_TCP_SYN, 0) && (*flags & (SIM_TCP_ECE | SIM_TCP_CWR)) != 0) {
        sim_box_touch(b);
        if (sim_box_is(b, 1, "drop"))
            return false;
        *flags &= (uint8_t)~(SIM_TCP_ECE | SIM_TCP_CWR);
        p->touched = true;
    }
    return true;
}

void sim_box_ecn(struct sim_box *b, struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    (void)f;
    if (!b->acts[d] || ecn_act(b, p))
        sim_box_pass(b, d, p);
}
