/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts in packetdrill's spelling: what a script says, and running it. doc/pkt.md tells the
 * dialect; `plait sim run` and the tests in tests/pkt are the users.
 *
 * A script is parsed whole (sim_pkt_parse) and then run (sim_pkt_run) against one stack in virtual
 * time. Packets exist in one form only, struct sim_pkt_seg: the parser makes it from text, the
 * decoder from the bytes that the stack sent, and the printer makes text of either, so that what
 * was expected and what came can be compared and shown in the same spelling. */
#ifndef SIM_PKT_H
#define SIM_PKT_H

#include <plait/plait.h>
#include <stdio.h>

enum {
    SIM_PKT_TEXT_MAX = 1 << 20, /* bytes of a script */
    SIM_PKT_EVENTS_MAX = 4096,
    SIM_PKT_OPTS_MAX = 24, /* options of a packet, NOPs included */
    SIM_PKT_VARS_MAX = 16, /* key variables of a script */
    SIM_PKT_NAME_MAX = 32, /* bytes of a name, with its end */
    SIM_PKT_SACK_MAX = 5,  /* one more than fits is what a hostile peer may send */
    SIM_PKT_IDS_MAX = 17,  /* of REMOVE_ADDR */
    SIM_PKT_RAW_MAX = 40,  /* bytes of an option in hexadecimal */
    SIM_PKT_ARGS_MAX = 6,  /* of a call */
    SIM_PKT_PAYLOAD_MAX = 65000,
    SIM_PKT_ADDRS_MAX = 4, /* local0 .. local3, remote0 .. remote3 */
    SIM_PKT_ERROR_MAX = 2048,
    SIM_PKT_LINE_MAX = 800, /* bytes of a packet in print */
};

/* A place in a script, and what was wrong there. */
struct sim_pkt_error {
    uint32_t line, column; /* from 1; 0: not at a place */
    char text[SIM_PKT_ERROR_MAX];
};

/* ---- packets -------------------------------------------------------------------------------- */

enum sim_pkt_opt_kind {
    SIM_PKT_NOP = 0,
    SIM_PKT_EOL,
    SIM_PKT_MSS,
    SIM_PKT_WSCALE,
    SIM_PKT_SACKOK,
    SIM_PKT_SACK,
    SIM_PKT_TS,
    SIM_PKT_FO,
    SIM_PKT_CAPABLE,
    SIM_PKT_JOIN_SYN,
    SIM_PKT_JOIN_SYN_ACK,
    SIM_PKT_JOIN_ACK,
    SIM_PKT_DSS,
    SIM_PKT_ADD_ADDR,
    SIM_PKT_REMOVE_ADDR,
    SIM_PKT_PRIO,
    SIM_PKT_FAIL,
    SIM_PKT_FASTCLOSE,
    SIM_PKT_RST,
    SIM_PKT_RAW,
};

/* How a value is given. */
enum sim_pkt_how {
    SIM_PKT_NONE = 0, /* not at all */
    SIM_PKT_VALUE,    /* the number */
    SIM_PKT_ANY,      /* `*`: whatever comes; only of packets that the stack sends */
    SIM_PKT_AUTO,     /* what it has to be: the runner computes it */
    SIM_PKT_BAD,      /* anything but that */
    SIM_PKT_VAR,      /* the variable var */
    SIM_PKT_SET,      /* the variable var, which becomes value */
};

struct sim_pkt_value {
    uint8_t how; /* enum sim_pkt_how */
    uint8_t var;
    uint64_t value;
};

struct sim_pkt_capable {
    uint8_t version, flags;      /* WIRE_CAP_* and the other letters */
    struct sim_pkt_value key[2]; /* sender's, receiver's; NONE from the right */
    bool has_dll;
    uint16_t dll;
    struct sim_pkt_value csum;
};

struct sim_pkt_join {
    bool backup;
    uint8_t id;
    struct sim_pkt_value token; /* VAR: of this key */
    struct sim_pkt_value nonce; /* NONE: the flow's own */
    struct sim_pkt_value hmac;  /* AUTO, BAD, ANY; VALUE: its first eight bytes */
};

/* Data sequence numbers are relative to the IDSN of their key: the first byte has 1. */
struct sim_pkt_dss {
    bool has_ack, ack8, has_map, dsn8, fin;
    struct sim_pkt_value ack; /* VALUE or ANY */
    uint64_t dsn;
    uint32_t ssn;
    uint16_t dll;
    struct sim_pkt_value csum;
    uint8_t reserved; /* bits that RFC 8684 wants to be 0 */
};

struct sim_pkt_add_addr {
    bool echo;
    uint8_t id, reserved;
    struct plait_addr addr;
    struct sim_pkt_value hmac; /* NONE, AUTO, BAD, ANY; VALUE */
};

struct sim_pkt_opt {
    uint8_t kind; /* enum sim_pkt_opt_kind */
    bool flag;    /* PRIO: backup; RST: transient */
    uint8_t n;    /* SACK blocks, REMOVE_ADDR ids, bytes of RAW and of FO's cookie */
    uint16_t mss;
    uint8_t number;                /* WSCALE shift, RST reason */
    struct sim_pkt_value val, ecr; /* TS; val: FASTCLOSE's key, FAIL's relative DSN */
    struct {
        uint32_t lo, hi;
    } sack[SIM_PKT_SACK_MAX];
    union {
        struct sim_pkt_capable capable;
        struct sim_pkt_join join;
        struct sim_pkt_dss dss;
        struct sim_pkt_add_addr add;
        uint8_t bytes[SIM_PKT_RAW_MAX]; /* RAW, FO, ids of REMOVE_ADDR */
    };
};

/* An address in a packet's prefix: none of it given means the flow's. */
struct sim_pkt_end {
    bool given, remote;
    uint8_t index;
    uint16_t port; /* 0: not given */
};

/* Both directions; sequence numbers are relative to the sender's ISN. */
struct sim_pkt_seg {
    bool out; /* sent by the stack */
    struct sim_pkt_end from, to;
    struct sim_pkt_value ecn; /* the two bits of the IP header */
    uint8_t flags;            /* WIRE_* */
    uint32_t seq, len;
    bool has_ack;
    uint32_t ack;
    struct sim_pkt_value wnd; /* NONE on packets of the stack: not looked at */
    uint16_t urg;
    bool any_opts; /* `<...>`: not looked at */
    uint8_t opt_n;
    struct sim_pkt_opt opt[SIM_PKT_OPTS_MAX];
};

/* An ICMP error about a segment of the stack. */
struct sim_pkt_icmp {
    struct sim_pkt_end from, to; /* as in the quoted segment: from is the stack's */
    uint32_t seq, len;           /* of the quoted segment */
    uint8_t type, code;
    uint32_t mtu;
};

/* ---- calls and checks ------------------------------------------------------------------------ */

enum sim_pkt_arg_kind {
    SIM_PKT_ARG_DOTS,
    SIM_PKT_ARG_NUMBER,
    SIM_PKT_ARG_NAME, /* the first of names that are joined by | */
    SIM_PKT_ARG_STRING,
    SIM_PKT_ARG_LIST, /* [1] or {onoff=1, linger=0}: number is the first, second the next */
};

struct sim_pkt_arg {
    uint8_t kind; /* enum sim_pkt_arg_kind */
    int64_t number, second;
    char text[SIM_PKT_NAME_MAX];
    uint32_t flags; /* NAME: bits of the known ones among them */
};

struct sim_pkt_call {
    char name[SIM_PKT_NAME_MAX];
    uint8_t arg_n;
    struct sim_pkt_arg arg[SIM_PKT_ARGS_MAX];
    bool any_result; /* none was written */
    int64_t result;
    char error[SIM_PKT_NAME_MAX]; /* "EAGAIN"; empty: none */
};

enum sim_pkt_op { SIM_PKT_EQ, SIM_PKT_NE, SIM_PKT_LT, SIM_PKT_LE, SIM_PKT_GT, SIM_PKT_GE };

/* check(subject op number) or check(subject WORD) */
struct sim_pkt_check {
    bool has_fd, has_subflow;
    int64_t fd;
    uint8_t subflow;
    char subject[SIM_PKT_NAME_MAX];
    char word[SIM_PKT_NAME_MAX]; /* of a counter, a state or a reason; empty: none */
    bool has_number;
    uint8_t op; /* enum sim_pkt_op */
    int64_t number;
};

/* ---- scripts --------------------------------------------------------------------------------- */

enum sim_pkt_event_kind {
    SIM_PKT_EVENT_SEG,
    SIM_PKT_EVENT_ICMP,
    SIM_PKT_EVENT_CALL,
    SIM_PKT_EVENT_CHECK,
};

enum sim_pkt_when { SIM_PKT_ABSOLUTE, SIM_PKT_RELATIVE, SIM_PKT_WHENEVER };

struct sim_pkt_event {
    uint32_t line, column;
    uint8_t kind;      /* enum sim_pkt_event_kind */
    uint8_t when;      /* enum sim_pkt_when */
    plait_time lo, hi; /* equal without a range */
    union {
        struct sim_pkt_seg seg;
        struct sim_pkt_icmp icmp;
        struct sim_pkt_call call;
        struct sim_pkt_check check;
    };
};

/* What header lines decide beside plait's own configuration. */
struct sim_pkt_setup {
    bool ipv6;
    plait_time tolerance;
    uint32_t peer_isn;
    plait_time ts_tick; /* 0: TS val is not compared */
    uint64_t seed;
    uint16_t mtu;
    uint8_t local_n;                        /* addresses that the stack begins with */
    uint8_t local_flags[SIM_PKT_ADDRS_MAX]; /* PLAIT_LOCAL_* */
    struct plait_config config;
    char cc[SIM_PKT_NAME_MAX], sched[SIM_PKT_NAME_MAX], pm[SIM_PKT_NAME_MAX];
};

struct sim_pkt_script {
    struct sim_pkt_setup setup;
    unsigned var_n;
    char var[SIM_PKT_VARS_MAX][SIM_PKT_NAME_MAX];
    unsigned event_n, event_cap;
    struct sim_pkt_event *event;
};

/* NULL: *error tells where and why. text needs no end mark and may hold anything. */
struct sim_pkt_script *sim_pkt_parse(const char *text, size_t len, struct sim_pkt_error *error);
void sim_pkt_free(struct sim_pkt_script *script);

/* The addresses behind local0 .. and remote0 .., port 0. */
struct plait_addr sim_pkt_addr(bool ipv6, bool remote, unsigned index);

struct sim_pkt_options {
    const char *pcap; /* a file to write; NULL: none */
    FILE *verbose;    /* each event as it happens; NULL: none */
    /* In place of those that the script names; NULL: these. */
    const struct cc_ops *own_cc;
    const struct sched_ops *own_sched;
    const struct pm_ops *own_pm;
};

struct sim_pkt_report {
    plait_time took;  /* virtual time */
    unsigned packets; /* in both directions */
    struct sim_pkt_error error;
};

/* True: everything came as the script says. */
bool sim_pkt_run(const struct sim_pkt_script *script, const struct sim_pkt_options *options,
                 struct sim_pkt_report *report);

#endif
