/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP packet over IPv4 or IPv6 in a box's hands, and edits that leave it well-formed.
 * Checksums are made right once, when the packet leaves the boxes. */
#ifndef SIM_BOX_EDIT_H
#define SIM_BOX_EDIT_H

#include <plait/types.h>

enum { SIM_PKT_MAX = 8192 };
enum {
    SIM_TCP_FIN = 1, SIM_TCP_SYN = 2, SIM_TCP_RST = 4, SIM_TCP_PSH = 8, SIM_TCP_ACK = 16,
    SIM_TCP_ECE = 64, SIM_TCP_CWR = 128,
};
enum { /* kinds of options */
    SIM_OPT_EOL = 0, SIM_OPT_NOP = 1, SIM_OPT_MSS = 2, SIM_OPT_WSCALE = 3, SIM_OPT_SACKOK = 4,
    SIM_OPT_SACK = 5, SIM_OPT_TS = 8, SIM_OPT_MPTCP = 30, SIM_OPT_TFO = 34,
};

struct sim_pkt {
    plait_time delay; /* that it has collected on its way through boxes */
    bool bad_csum;    /* leaves with a wrong TCP checksum */
    bool touched;     /* by any box */
    uint8_t ip_len;   /* of the IP header */
    uint32_t len;
    uint8_t b[SIM_PKT_MAX];
};

/* False: it is no whole TCP segment over IP, or too long. */
bool sim_pkt_load(struct sim_pkt *p, const uint8_t *bytes, uint32_t len);
uint8_t *sim_pkt_tcp(struct sim_pkt *p);
uint8_t *sim_pkt_src(struct sim_pkt *p); /* address, as long as its family's are */
uint8_t *sim_pkt_dst(struct sim_pkt *p);
uint32_t sim_pkt_addr_len(const struct sim_pkt *p);
uint8_t sim_pkt_flags(const struct sim_pkt *p);
bool sim_pkt_has(const struct sim_pkt *p, uint8_t set, uint8_t clear); /* of flags */
uint32_t sim_pkt_seq(const struct sim_pkt *p);
uint32_t sim_pkt_ack(const struct sim_pkt *p);
void sim_pkt_set_seq(struct sim_pkt *p, uint32_t v);
void sim_pkt_set_ack(struct sim_pkt *p, uint32_t v);
uint32_t sim_pkt_head_len(const struct sim_pkt *p); /* IP and TCP */
uint32_t sim_pkt_payload(const struct sim_pkt *p);
uint32_t sim_pkt_seq_len(const struct sim_pkt *p); /* with SYN and FIN */
/* Bytes are put in, or taken out where n is negative, at this offset of the payload. */
void sim_pkt_resize(struct sim_pkt *p, uint32_t at, int n);

/* The next option from *at (0: the first) on, NOPs skipped; NULL: no more. */
uint8_t *sim_pkt_option(struct sim_pkt *p, uint32_t *at);
uint8_t *sim_pkt_find(struct sim_pkt *p, uint8_t kind);
/* Overwrites those with NOPs; subtype -1: any. True: there was one. */
bool sim_pkt_strip(struct sim_pkt *p, uint8_t kind, int subtype);
/* Behind the others. False: no room. */
bool sim_pkt_append(struct sim_pkt *p, const uint8_t *opt, uint32_t len);
/* Takes the padding out, to make room. */
void sim_pkt_drop_nops(struct sim_pkt *p);
/* Takes the options of another packet in place of its own. */
void sim_pkt_options_of(struct sim_pkt *p, const struct sim_pkt *from);
/* The payload of another packet behind its own. */
void sim_pkt_add_payload(struct sim_pkt *p, const struct sim_pkt *from);
bool sim_pkt_same_flow(const struct sim_pkt *a, const struct sim_pkt *b); /* and direction */
/* A segment without payload and options, from its receiver back to its sender. */
void sim_pkt_answer(struct sim_pkt *out, const struct sim_pkt *to, uint8_t flags);
/* Lengths and checksums. */
void sim_pkt_finish(struct sim_pkt *p);

#endif
