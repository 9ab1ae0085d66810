/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes <-> structs, for IPv4, IPv6, TCP with its options, MPTCP options (RFC 8684 3 and 7.1) and
 * the ICMP errors that matter. No state, no allocation. Parsers never read outside what they were
 * given; what they cannot make sense of they leave out and count. */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <plait/types.h>

enum { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_PSH = 8, WIRE_ACK = 16, WIRE_URG = 32,
       WIRE_ECE = 64, WIRE_CWR = 128 };

/* The two ECN bits of the IP header (RFC 3168 5). */
enum { WIRE_NOT_ECT = 0, WIRE_ECT1 = 1, WIRE_ECT0 = 2, WIRE_CE = 3 };

enum { WIRE_OPTS_MAX = 40, WIRE_SACK_MAX = 4 };

/* Plain TCP options. */
struct wire_tcpopts {
    bool has_mss, has_wscale, sack_permitted, has_ts;
    uint16_t mss;
    uint8_t wscale;      /* as it stands in the option; the receiver clamps to 14 */
    uint32_t tsval, tsecr;
    uint8_t sack_n;      /* blocks, in the order of the option */
    struct { uint32_t lo, hi; } sack[WIRE_SACK_MAX];
    bool has_tfo;
    uint8_t tfo_len;     /* cookie bytes, 0: a request */
    uint8_t tfo[16];
};

/* MPTCP subtypes (RFC 8684 7.2); bit (1u << subtype) of wire_mp.present: one was parsed. */
enum wire_mp_subtype {
    WIRE_MP_CAPABLE = 0, WIRE_MP_JOIN = 1, WIRE_MP_DSS = 2, WIRE_MP_ADD_ADDR = 3,
    WIRE_MP_REMOVE_ADDR = 4, WIRE_MP_PRIO = 5, WIRE_MP_FAIL = 6, WIRE_MP_FASTCLOSE = 7,
    WIRE_MP_TCPRST = 8,
};

/* MP_CAPABLE flag bits, A to H from the left. */
enum { WIRE_CAP_A = 0x80, WIRE_CAP_B = 0x40, WIRE_CAP_C = 0x20, WIRE_CAP_H = 0x01 };

struct wire_mp_capable {
    uint8_t version, flags;
    uint8_t len;         /* the option's length: 4, 12, 20, 22 or 24 */
    uint64_t key_sender, key_receiver; /* valid from len 12, 20 */
    uint16_t dll;        /* data-level length, len 22 and 24 */
    uint16_t csum;       /* len 24; value as on the wire, host order */
};

struct wire_mp_join {
    uint8_t len;         /* 12 SYN, 16 SYN/ACK, 24 ACK */
    bool backup;         /* SYN, SYN/ACK */
    uint8_t addr_id;     /* SYN, SYN/ACK */
    uint32_t token;      /* SYN */
    uint32_t nonce;      /* SYN, SYN/ACK */
    uint8_t hmac[20];    /* SYN/ACK: the first 8 bytes; ACK: all 20 */
};

struct wire_mp_dss {
    bool has_ack, ack64, has_map, dsn64, data_fin, has_csum;
    uint64_t ack;        /* low 32 bits only unless ack64 */
    uint64_t dsn;        /* low 32 bits only unless dsn64 */
    uint32_t ssn;        /* subflow sequence number relative to the SYN */
    uint16_t dll;
    uint16_t csum;
};

struct wire_mp_add_addr {
    bool echo, has_hmac;
    bool v0;                /* the form of RFC 6824: IPVer where the flags are, no HMAC, no echo */
    uint8_t id;
    struct plait_addr addr; /* port 0: none given */
    uint8_t hmac[8];
};

enum { WIRE_MP_REMOVE_MAX = 17 };
struct wire_mp_remove { uint8_t n; uint8_t id[WIRE_MP_REMOVE_MAX]; };

/* One of each subtype; the first that parses wins, later ones of the same subtype are ignored. */
struct wire_mp {
    uint16_t present;    /* bits of enum wire_mp_subtype */
    bool any;            /* an option of kind 30 was seen, even one that did not parse */
    struct wire_mp_capable capable;
    struct wire_mp_join join;
    struct wire_mp_dss dss;
    struct wire_mp_add_addr add_addr;
    struct wire_mp_remove remove;
    bool prio_backup, prio_has_id; /* an address id: RFC 6824 alone */
    uint8_t prio_id;
    uint64_t fail_dsn;
    uint64_t fastclose_key;
    struct { bool transient; uint8_t reason; } rst;
};

static inline bool wire_mp_has(const struct wire_mp *mp, enum wire_mp_subtype t)
{
    return (mp->present & (1u << t)) != 0;
}

/* One received segment. data points into the packet. */
struct wire_seg {
    struct plait_addr src, dst;
    uint32_t seq, ack;
    uint16_t wnd;        /* the header's field, not scaled */
    uint8_t flags;       /* WIRE_FIN ... */
    uint8_t ecn;         /* the two ECN bits of the IP header */
    uint16_t urg;
    const uint8_t *data;
    uint32_t len;        /* payload bytes */
    struct wire_tcpopts opt;
    struct wire_mp mp;
    uint8_t bad_options; /* TCP options that were malformed */
    uint8_t bad_mp;      /* MPTCP options that were malformed or unknown */
};

enum wire_kind { WIRE_KIND_TCP, WIRE_KIND_ICMP };

/* An ICMP error about a TCP segment that this host sent. */
struct wire_icmp {
    enum {
        WIRE_ICMP_UNREACHABLE, WIRE_ICMP_TOO_BIG, WIRE_ICMP_TIME_EXCEEDED, WIRE_ICMP_OTHER
    } what;
    uint8_t type, code;
    uint32_t mtu;        /* TOO_BIG: next-hop MTU, 0 when an old router gave none */
    struct plait_addr from;     /* who says so */
    struct plait_addr src, dst; /* of the quoted segment: src is this host */
    uint32_t seq;        /* of the quoted segment */
};

struct wire_packet {
    enum wire_kind kind;
    struct wire_seg seg;
    struct wire_icmp icmp;
};

/* Parses an IP packet. Checks the IPv4 header checksum and, unless csum_ok, the TCP or ICMP
 * checksum. A packet longer than its IP total length is cut to that. An IPv6 payload length or IPv4
 * total length of 0 means a super-segment that fills len (GRO). PLAIT_REASON_NONE or why it was
 * refused. */
enum plait_reason wire_parse(const uint8_t *ip, size_t len, bool csum_ok, struct wire_packet *out);

/* The options area alone (both kinds), for tests and fuzzers. tcp_flags and payload length decide
 * how MP_CAPABLE and MP_JOIN are read (OPT-07). */
void wire_parse_options(const uint8_t *p, size_t len, struct wire_seg *seg);

/* ---- emit ------------------------------------------------------------------------------- */

/* Sizes on the wire of options, without padding. */
unsigned wire_dss_len(const struct wire_mp_dss *dss);
unsigned wire_add_addr_len(const struct wire_mp_add_addr *add);
/* Bytes that all MPTCP options in mp take; with wire_tcpopts_len() at most 40, they fit. */
unsigned wire_mp_len(const struct wire_mp *mp);
/* Bytes that the plain options take, each padded as emitted (timestamps 12, SACK 4 + 8n, MSS 4,
 * ...); a multiple of 4. */
unsigned wire_tcpopts_len(const struct wire_tcpopts *opt, bool syn);

/* Writes IP and TCP header with options into head; the checksum field gets the folded pseudo-header
 * sum for payload_len bytes. Each kind of option is padded with NOPs in front to a multiple of 4,
 * or only their end where they would not fit otherwise. Answers bytes written; 0 when options do
 * not fit 40 bytes. ip_len receives the IP header's length. IPv4 ID 0 with DF set. */
struct wire_emit {
    const struct plait_addr *src, *dst;
    uint32_t seq, ack;
    uint16_t wnd;
    uint8_t flags;
    uint8_t ecn;                     /* ECN bits for the IP header */
    const struct wire_tcpopts *opt;  /* NULL: none */
    const struct wire_mp *mp;        /* NULL: none */
    uint32_t payload_len;
};
unsigned wire_emit_headers(const struct wire_emit *how, uint8_t head[100], uint8_t *ip_len);

/* Completes the checksum that wire_emit_headers() left as a pseudo-header sum. */
struct wire_view { const uint8_t *data; size_t len; };
void wire_finish_csum(uint8_t *head, unsigned head_len, unsigned ip_len,
                      const struct wire_view *views, unsigned n);

struct wire_gso {
    const uint8_t *big;          /* the super-segment's headers */
    unsigned head_len, ip_len;   /* bytes of both, and of the IP header alone */
    uint32_t gso_size;           /* payload bytes of each packet but the last */
    uint32_t payload_len;        /* of the whole */
};
/* Cuts a super-segment: writes packet i's headers (of gso_size payload each) into head from the big
 * one: seq, lengths, IPv4 ID and checksum, flags (FIN and PSH only on the last, CWR only on the
 * first). payload_len is of the whole. The number of packets is wire_gso_count(). */
unsigned wire_gso_count(uint32_t payload_len, uint32_t gso_size);
void wire_gso_cut(const struct wire_gso *gso, unsigned i, uint8_t *head);

/* Packets being joined, the reverse. */
struct wire_gro {
    uint8_t *bytes;              /* the caller's memory, of cap bytes; at most 65535 are used */
    uint32_t cap;
    uint32_t len;                /* of what is joined so far; 0: nothing */
    uint32_t head_len, ip_len;
    uint32_t size;               /* payload of the first packet */
    uint32_t next_seq;
    bool full;                   /* the last packet ended the run */
};
/* Begins with an IP packet; false where it is none that is joined with others. */
bool wire_gro_begin(struct wire_gro *gro, const uint8_t *ip, uint32_t len, bool csum_ok);
/* Would wire_gro_add() take it, if its checksum is right? */
bool wire_gro_follows(const struct wire_gro *gro, const uint8_t *ip, uint32_t len);
bool wire_gro_add(struct wire_gro *gro, const uint8_t *ip, uint32_t len, bool csum_ok);
/* The same, where the payload stands elsewhere than behind the headers, or nowhere (NULL: those
 * bytes are left as they are), and whoever calls answers for the checksums. */
bool wire_gro_begin_parts(struct wire_gro *gro, const uint8_t *head, const uint8_t *payload,
                          uint32_t len);
bool wire_gro_add_parts(struct wire_gro *gro, const uint8_t *head, const uint8_t *payload,
                        uint32_t len);
/* The super-segment in bytes, with its lengths and IP checksum; its TCP checksum means nothing. How
 * many bytes; 0: nothing was joined. */
uint32_t wire_gro_end(struct wire_gro *gro);

/* What a router with a full queue does (RFC 3168 5): CE in an IP packet whose sender can do ECN.
 * False: it cannot, the packet is as it was. */
bool wire_mark_ce(uint8_t *ip, size_t len);

/* An MTU's payload room for IP version: MSS as announced (mtu - IP - 20). */
uint16_t wire_mss_of_mtu(uint32_t mtu, uint8_t family);

/* ---- print: one line for people, packetdrill's way. Always terminated; the length it wanted. */
size_t wire_print_seg(const struct wire_seg *seg, char *out, size_t size);

#endif
