/* SPDX-License-Identifier: Apache-2.0 */
/* What a running script has learnt: flows with their initial sequence numbers, keys and what is
 * derived from them. The encoder, the decoder and the comparison ask here; the runner alone lets
 * it learn. Digests are computed here from RFC 8684 and not by the code under test. */
#ifndef SIM_PKT_FLOW_H
#define SIM_PKT_FLOW_H

#include "pkt.h"

enum {
    SIM_PKT_FLOWS_MAX = 16,
    SIM_PKT_TS_MAX = 32,
    SIM_PKT_PORT = 8080,         /* of servers */
    SIM_PKT_CLIENT_PORT = 50000, /* of the peer, where it connects; + the number of the flow */
};

/* Payload of a flow and direction: byte with SSN ssn has data sequence number dsn (relative). */
struct sim_pkt_map {
    uint64_t dsn;
    uint32_t ssn;
};

struct sim_pkt_flow {
    struct plait_addr local, remote;
    bool used;
    bool iss_known; /* the stack's ISN was seen */
    bool isn_stale; /* its next SYN brings another one */
    uint32_t iss, irs;
    bool out_known; /* the stack sent on it */
    uint32_t nonce_local, nonce_remote;
    struct sim_pkt_map map_in, map_out;
    struct { /* timestamps of the stack: what the script calls them, and what they were */
        uint32_t script, live;
    } ts[SIM_PKT_TS_MAX];
    unsigned ts_n;
};

struct sim_pkt_world {
    const struct sim_pkt_script *script;
    uint64_t var[SIM_PKT_VARS_MAX];
    bool known[SIM_PKT_VARS_MAX];
    bool key_known[2]; /* of the stack, of the peer */
    uint64_t key[2];
    uint64_t idsn[2];
    bool ts_known; /* ts_offset: live less script */
    uint32_t ts_offset;
    uint8_t cookie_n, cookie[16]; /* of Fast Open: the stack's last one */
    unsigned flow_n;
    struct sim_pkt_flow flow[SIM_PKT_FLOWS_MAX];
    struct sim_pkt_flow *main; /* of packets without addr[...]; NULL: none yet */
};

enum { SIM_PKT_STACK = 0, SIM_PKT_PEER = 1 };

/* The flow of a packet whose ends are given, or main; NULL: there is none. */
struct sim_pkt_flow *sim_pkt_flow_find(struct sim_pkt_world *w, const struct sim_pkt_end *local,
                                       const struct sim_pkt_end *remote);
/* The flow of a packet's addresses and ports; NULL: none. */
struct sim_pkt_flow *sim_pkt_flow_of(struct sim_pkt_world *w, const struct plait_addr *local,
                                     const struct plait_addr *remote);
/* NULL: too many. */
struct sim_pkt_flow *sim_pkt_flow_new(struct sim_pkt_world *w, const struct plait_addr *local,
                                      const struct plait_addr *remote);

/* The key of this side became known. */
void sim_pkt_learn_key(struct sim_pkt_world *w, unsigned side, uint64_t key);
uint32_t sim_pkt_token(uint64_t key);
/* HMAC of RFC 8684 3.2 as `side` sends it on this flow. */
void sim_pkt_join_hmac(const struct sim_pkt_world *w, const struct sim_pkt_flow *f, unsigned side,
                       uint8_t hmac[32]);
/* HMAC of RFC 8684 3.4.1 as `side` sends it. */
uint64_t sim_pkt_addr_hmac(const struct sim_pkt_world *w, unsigned side,
                           const struct sim_pkt_add_addr *add);

/* What the stream of a side holds at a position: byte 0 has relative DSN 1. */
uint8_t sim_pkt_stream_byte(unsigned side, uint64_t pos);
void sim_pkt_stream_fill(unsigned side, uint64_t pos, uint8_t *to, size_t len);
/* The DSS checksum (RFC 8684 3.3.1) of a mapping whose bytes are the stream's. */
struct sim_pkt_mapping {
    unsigned side;
    uint64_t dsn; /* relative */
    uint32_t ssn;
    uint16_t dll;
    bool fin;
};
uint16_t sim_pkt_dss_csum(const struct sim_pkt_world *w, const struct sim_pkt_mapping *m);

/* The value of a variable, or the number itself; false: the variable has none yet. */
bool sim_pkt_key_value(const struct sim_pkt_world *w, const struct sim_pkt_value *v,
                       uint64_t *value);

#endif
