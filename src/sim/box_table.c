/* SPDX-License-Identifier: Apache-2.0 */
/* The table of middleboxes: what each does, who saw such a box, and the traits that decide what can
 * become of a connection behind it. Boxes that take options away are made from the list of options
 * (box_opts.c): each option, at each stage of a connection, and in one direction. */
#include <stdio.h>
#include <string.h>

#include "box_int.h"

enum {
    HANDSHAKE = SIM_BOX_NO_SYN | SIM_BOX_NO_JOIN,
    WHOLE = HANDSHAKE | SIM_BOX_NO_DSS | SIM_BOX_NO_ADDR,
};
#define TURNS SIM_BOX_TURNS

static const struct sim_box_row written[] = {
    {
        .name = "nat",
        .does = "other addresses and ports",
        .seen = "home routers (RFC 3022, RFC 8041 3.1)",
        .pairs = true,
    },
    {
        .name = "nat:remap",
        .does = "the same, and another port after 0.5 s of rest",
        .seen = "NATs with short timeouts (RFC 5382)",
        .traits = SIM_BOX_FORGETS | SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "isn",
        .does = "other sequence numbers, both ways",
        .seen = "firewalls (RFC 8684 6)",
        .pairs = true,
    },
    {
        .name = "isn:sack",
        .does = "the same, SACK blocks left as they were; loses every 20th data packet",
        .seen = "firewalls that know no SACK",
        .traits = SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "strip:mptcp:from=3",
        .does = "takes MPTCP from the third packet of a direction and later ones",
        .seen = "rerouting (RFC 8684 3.7)",
        .traits = SIM_BOX_SOME_DSS | SIM_BOX_NO_ADDR,
    },
    {
        .name = "strip:mptcp:from=8",
        .does = "takes MPTCP from the eighth packet of a direction and later ones",
        .seen = "rerouting (RFC 8684 3.7)",
        .traits = SIM_BOX_SOME_DSS,
        .pairs = true,
    },
    {
        .name = "strip:mp_dss:from=8",
        .does = "takes DSS from the eighth packet of a direction and later ones",
        .seen = "rerouting (RFC 8684 3.7)",
        .traits = SIM_BOX_SOME_DSS,
    },
    {
        .name = "eol",
        .does = "writes an end of options over MPTCP behind the SYNs",
        .seen = "seen once (RFC 8041 3.1)",
        .traits = SIM_BOX_NO_ACK3 | SIM_BOX_NO_JOIN | SIM_BOX_NO_DSS | SIM_BOX_NO_ADDR,
        .pairs = true,
    },
    {
        .name = "unknown:drop",
        .does = "drops packets with MPTCP options",
        .seen = "firewalls (RFC 8684 6)",
        .traits = WHOLE | SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "echo",
        .does = "adds the SYN's unknown options to the SYN/ACK",
        .seen = "load balancers",
        .pairs = true,
    },
    {
        .name = "echo:replace",
        .does = "the same, in place of the server's MPTCP",
        .seen = "load balancers",
        .traits = HANDSHAKE,
    },
    {
        .name = "ecn:bleach",
        .does = "clears the ECN field",
        .seen = "routers that take it for a part of the TOS",
        .pairs = true,
    },
    {
        .name = "ecn:mark",
        .does = "marks each packet that could be: congestion experienced",
        .seen = "routers that take it for a part of the TOS",
    },
    {
        .name = "ecn:syn",
        .does = "clears the request for ECN on SYNs",
        .seen = "firewalls (RFC 3168 6.1.1.1)",
    },
    {
        .name = "ecn:drop",
        .does = "drops SYNs that ask for ECN",
        .seen = "firewalls (RFC 3168 6.1.1.1)",
        .pairs = true,
    },
    {
        .name = "split:all",
        .does = "cuts segments in two, options on both",
        .seen = "network cards (RFC 8684 6)",
        .pairs = true,
    },
    {
        .name = "split:first",
        .does = "cuts segments in two, MPTCP on the first",
        .seen = "proxies (RFC 8041 3.1)",
        .traits = SIM_BOX_SOME_DSS,
        .pairs = true,
    },
    {
        .name = "split:last",
        .does = "cuts segments in two, MPTCP on the last",
        .seen = "proxies (RFC 8041 3.1)",
        .traits = SIM_BOX_SOME_DSS,
        .pairs = true,
    },
    {
        .name = "split:last/up",
        .does = "the same, only from the client",
        .seen = "proxies (RFC 8041 3.1)",
        .traits = SIM_BOX_SOME_DSS,
    },
    {
        .name = "split:last/down",
        .does = "the same, only from the server",
        .seen = "proxies (RFC 8041 3.1)",
        .traits = SIM_BOX_SOME_DSS,
    },
    {
        .name = "merge:first",
        .does = "joins two segments, with the options of the first",
        .seen = "network cards, proxies (RFC 8684 6)",
        .traits = SIM_BOX_SOME_DSS,
        .pairs = true,
    },
    {
        .name = "merge:last",
        .does = "joins two segments, with the options of the last",
        .seen = "network cards, proxies (RFC 8684 6)",
        .traits = SIM_BOX_SOME_DSS,
        .pairs = true,
    },
    {
        .name = "reseg:repeat",
        .does = "cuts segments in two that overlap, the mapping on both",
        .seen = "proxies",
        .pairs = true,
    },
    {
        .name = "reseg:drop",
        .does = "the same, every third packet without its mapping",
        .seen = "proxies",
        .traits = SIM_BOX_SOME_DSS,
        .pairs = true,
    },
    {
        .name = "rewrite",
        .does = "changes one byte of the fifth data packet, each way",
        .seen = "application gateways (RFC 8041 3.1)",
        .traits = TURNS,
        .pairs = true,
    },
    {
        .name = "rewrite/up",
        .does = "the same, only from the client",
        .seen = "application gateways (RFC 8041 3.1)",
        .traits = TURNS,
    },
    {
        .name = "rewrite/down",
        .does = "the same, only from the server",
        .seen = "application gateways (RFC 8041 3.1)",
        .traits = TURNS,
    },
    {
        .name = "rewrite:grow",
        .does = "puts three bytes in, each way, and shifts the numbers",
        .seen = "FTP gateways in NATs (RFC 8041 3.1)",
        .traits = SIM_BOX_GROWS,
        .pairs = true,
    },
    {
        .name = "rewrite:shrink",
        .does = "takes three bytes out, each way, and shifts the numbers",
        .seen = "FTP gateways in NATs (RFC 8041 3.1)",
        .traits = SIM_BOX_SHRINKS,
        .pairs = true,
    },
    {
        .name = "rtx:before",
        .does = "sends every sixth data packet with another byte, then as it was",
        .seen = "attackers, broken caches",
        .traits = TURNS,
        .pairs = true,
    },
    {
        .name = "rtx:after",
        .does = "sends every sixth data packet again, with another byte",
        .seen = "attackers, broken caches",
        .traits = TURNS,
        .pairs = true,
    },
    {
        .name = "ack",
        .does = "acknowledges data itself",
        .seen = "performance proxies (RFC 3135, RFC 8684 6)",
        .traits = SIM_BOX_ACKS,
        .pairs = true,
    },
    {
        .name = "ack/up",
        .does = "the same, only the client's",
        .seen = "performance proxies (RFC 3135)",
        .traits = SIM_BOX_ACKS,
    },
    {
        .name = "ack/down",
        .does = "the same, only the server's",
        .seen = "performance proxies (RFC 3135)",
        .traits = SIM_BOX_ACKS,
    },
    {
        .name = "ack:rtx",
        .does = "acknowledges data itself; what it lost it sends later",
        .seen = "performance proxies (RFC 3135)",
        .traits = SIM_BOX_ACKS,
        .pairs = true,
    },
    {
        .name = "ack:lose",
        .does = "acknowledges data itself and loses every seventh data packet",
        .seen = "performance proxies that crash",
        .traits = SIM_BOX_ACKS | SIM_BOX_LOSES,
        .pairs = true,
    },
    {
        .name = "clamp",
        .does = "narrows windows to 4096 bytes",
        .seen = "traffic shapers (RFC 8684 6)",
        .traits = SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "synproxy",
        .does = "answers SYNs itself, without options, then asks the server",
        .seen = "protection against floods (RFC 4987 3.8)",
        .traits = WHOLE | SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "firewall:drop",
        .does = "forgets flows after 0.5 s of rest, and drops what it does not know",
        .seen = "firewalls with short timeouts (RFC 5382)",
        .traits = SIM_BOX_FORGETS | SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "firewall:rst",
        .does = "forgets flows after 0.5 s of rest, and resets what it does not know",
        .seen = "firewalls with short timeouts (RFC 5382)",
        .traits = SIM_BOX_FORGETS | SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "csum",
        .does = "makes the TCP checksum of every tenth packet wrong",
        .seen = "broken hardware",
        .traits = SIM_BOX_DROPS,
        .pairs = true,
    },
    {
        .name = "reorder",
        .does = "holds every fourth packet back for 3 ms",
        .seen = "load sharing over links",
        .traits = SIM_BOX_REORDERS,
        .pairs = true,
    },
};
enum { WRITTEN = sizeof written / sizeof written[0] };

/* ---- options taken away --------------------------------------------------------------------- */

static const struct stage {
    const char *name, *tells;
    unsigned of; /* SIM_STAGE_*; 0: all of them */
} stages[] = {
    {"", "everything", 0},
    {"/up", "everything that the client sends", 0},
    {"/down", "everything that the server sends", 0},
    {":syn", "the SYN", SIM_STAGE_SYN},
    {":synack", "the SYN/ACK", SIM_STAGE_SYNACK},
    {":ack3", "the third ACK", SIM_STAGE_ACK3},
    {":later", "what follows the third ACK", SIM_STAGE_LATER},
    {":later/up", "what the client sends after it", SIM_STAGE_LATER},
    {":later/down", "what the server sends after the handshake", SIM_STAGE_LATER},
};
enum { STAGES = sizeof stages / sizeof stages[0] };

/* An option that occurs at one stage alone is not told apart by stage. */
static bool occurs(const struct sim_box_option *o, const struct stage *s)
{
    bool two_ways = (o->stage & SIM_STAGE_LATER) != 0;
    bool one_stage = (o->stage & (o->stage - 1)) == 0;

    if (s->of == 0)
        return s->name[0] == '\0' || two_ways;
    return !one_stage && (o->stage & s->of) != 0;
}

static bool strips(unsigned stage, unsigned which)
{
    return stages[stage].of == 0 || stages[stage].of == which;
}

/* Follows from which packets are stripped of which option, by the tables of RFC 8684 3.1 to 3.4
 * alone. */
static unsigned strip_traits(const struct sim_box_option *o, unsigned stage)
{
    bool any = o->subtype < 0, up = strcmp(stages[stage].name, "/up") == 0;
    bool down = strcmp(stages[stage].name, "/down") == 0;
    bool syns = (strips(stage, SIM_STAGE_SYN) && !down) || (strips(stage, SIM_STAGE_SYNACK) && !up);
    bool ack3 = strips(stage, SIM_STAGE_ACK3) && !down, later = strips(stage, SIM_STAGE_LATER);
    unsigned traits = 0;

    if (o->kind != SIM_OPT_MPTCP)
        return 0;
    if (syns && (any || o->subtype == 0))
        traits |= SIM_BOX_NO_SYN;
    if (ack3 && (any || o->subtype == 0))
        traits |= SIM_BOX_NO_ACK3;
    if ((syns || ack3) && (any || o->subtype == 1))
        traits |= SIM_BOX_NO_JOIN;
    if (later && (any || o->subtype == 2))
        traits |= SIM_BOX_NO_DSS;
    if (later && o->subtype == 0) /* the mapping of the client's first data */
        traits |= SIM_BOX_SOME_DSS;
    if (later && (any || o->subtype == 3))
        traits |= SIM_BOX_NO_ADDR;
    return traits;
}

/* The k-th of the boxes that strip; false: there are not so many. */
static bool strip_row(unsigned k, struct sim_box_row *row)
{
    const struct sim_box_option *o;

    for (unsigned i = 0; (o = sim_box_option(i)) != NULL; i++)
        for (unsigned s = 0; s < STAGES; s++) {
            if (!occurs(o, &stages[s]) || k-- > 0)
                continue;
            snprintf(row->name, sizeof row->name, "strip:%s%s", o->name, stages[s].name);
            snprintf(row->does, sizeof row->does, "takes %s from %s", o->tells, stages[s].tells);
            row->seen = o->kind == SIM_OPT_MPTCP && o->subtype >= 0
                            ? "none (RFC 8684 6 does not expect them)"
                            : "firewalls, normalizers (RFC 8684 6)";
            row->traits = strip_traits(o, s);
            /* MP_CAPABLE with data is the client's, and so is a third ACK with a DSS. */
            row->rare = o->stage == SIM_STAGE_LATER || o->kind == SIM_OPT_TFO ||
                        (o->subtype == 0 && strcmp(stages[s].name, ":later/down") == 0) ||
                        (o->subtype == 2 && stages[s].of == SIM_STAGE_ACK3);
            row->pairs = (stages[s].of == 0 && stages[s].name[0] == '\0' && !row->rare) ||
                         (o->subtype < 0 && o->kind == SIM_OPT_MPTCP);
            return true;
        }
    return false;
}

void sim_box_row(unsigned i, struct sim_box_row *row)
{
    *row = (struct sim_box_row){0};
    if (i < WRITTEN)
        *row = written[i];
    else
        strip_row(i - WRITTEN, row);
}

unsigned sim_box_rows(void)
{
    struct sim_box_row row;
    unsigned n = 0;

    while (strip_row(n, &row))
        n++;
    return WRITTEN + n;
}
