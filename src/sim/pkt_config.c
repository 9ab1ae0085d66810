/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines of a script, --name=value: what the stack is configured with and what the runner
 * obeys. Called by the parser. The names are those of plait_config, and packetdrill's where it has
 * one. Times are in microseconds. */
#include "pkt_parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum field_kind { BOOL, U8, U16, U32, U64 };

#define FIELD(kind, name, member)                          \
    {                                                      \
        name, kind, offsetof(struct sim_pkt_setup, member) \
    }

static_assert(sizeof(enum plait_ecn) == sizeof(uint32_t), "ecn is set as a number");

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t at;
} fields[] = {
    FIELD(U64, "tolerance_usecs", tolerance),
    FIELD(U64, "tcp_ts_tick_usecs", ts_tick),
    FIELD(U32, "peer_isn", peer_isn),
    FIELD(U64, "seed", seed),
    FIELD(U16, "mtu", mtu),
    FIELD(U32, "conns_max", config.conns_max),
    FIELD(U32, "half_open_max", config.half_open_max),
    FIELD(U32, "fastopen_max", config.fastopen_max),
    FIELD(U64, "mem_max", config.mem_max),
    FIELD(U64, "mem_kept", config.mem_kept),
    FIELD(U64, "rto_min", config.rto_min),
    FIELD(U64, "ack_delay", config.ack_delay),
    FIELD(U64, "time_wait", config.time_wait),
    FIELD(U64, "last_subflow_wait", config.last_subflow_wait),
    FIELD(U32, "peers_max", config.peers_max),
    FIELD(U64, "peer_wait", config.peer_wait),
    FIELD(U64, "peer_wait_max", config.peer_wait_max),
    FIELD(BOOL, "mptcp", config.conn.mptcp),
    FIELD(U8, "offer_versions", config.conn.offer_versions),
    FIELD(U8, "accept_versions", config.conn.accept_versions),
    FIELD(BOOL, "allow_join_initial", config.conn.allow_join_initial),
    FIELD(BOOL, "require_mptcp", config.conn.require_mptcp),
    FIELD(BOOL, "checksum", config.conn.checksum),
    FIELD(BOOL, "nodelay", config.conn.nodelay),
    FIELD(BOOL, "fastopen", config.conn.fastopen),
    FIELD(U32, "ecn", config.conn.ecn),
    FIELD(BOOL, "server_joins", config.conn.server_joins),
    FIELD(U8, "ports", config.conn.ports),
    FIELD(U64, "demand_bytes", config.conn.demand_bytes),
    FIELD(U64, "demand_after", config.conn.demand_after),
    FIELD(U8, "subflows_max", config.conn.subflows_max),
    FIELD(U8, "addrs_max", config.conn.addrs_max),
    FIELD(U32, "sndbuf_max", config.conn.sndbuf_max),
    FIELD(U32, "rcvbuf_max", config.conn.rcvbuf_max),
    FIELD(U32, "rcvbuf_init", config.conn.rcvbuf_init),
    FIELD(U64, "user_timeout", config.conn.user_timeout),
    FIELD(U64, "keepalive_idle", config.conn.keepalive_idle),
    FIELD(U64, "keepalive_interval", config.conn.keepalive_interval),
    FIELD(U8, "keepalive_probes", config.conn.keepalive_probes),
    FIELD(U8, "syn_retries", config.conn.syn_retries),
    FIELD(U8, "mp_syn_retries", config.conn.mp_syn_retries),
    FIELD(U8, "subflow_retries", config.conn.subflow_retries),
};

void sim_pkt_config_defaults(struct sim_pkt_setup *setup)
{
    *setup = (struct sim_pkt_setup){
        .seed = 1, .mtu = 1500, .local_n = 1, .local_flags = {PLAIT_LOCAL_SUBFLOW}};
    plait_config_init(&setup->config);
    setup->config.check_invariants = true;
    /* no more than a SYN/ACK can offer, so that no window update follows */
    setup->config.conn.rcvbuf_init = 65535;
    (void)snprintf(setup->cc, sizeof setup->cc, "%s", setup->config.conn.cc);
    (void)snprintf(setup->sched, sizeof setup->sched, "%s", setup->config.conn.sched);
    (void)snprintf(setup->pm, sizeof setup->pm, "none");
}

static bool store(void *at, enum field_kind kind, uint64_t v)
{
    switch (kind) {
    case BOOL:
        *(bool *)at = v != 0;
        return v <= 1;
    case U8:
        *(uint8_t *)at = (uint8_t)v;
        return v <= UINT8_MAX;
    case U16:
        *(uint16_t *)at = (uint16_t)v;
        return v <= UINT16_MAX;
    case U32:
        *(uint32_t *)at = (uint32_t)v;
        return v <= UINT32_MAX;
    default:
        *(uint64_t *)at = v;
        return v <= (uint64_t)1 << 50; /* sums of times do not wrap */
    }
}

static const char *set_number(struct sim_pkt_setup *setup, const struct field *f, const char *value)
{
    char *end;
    unsigned long long v = strtoull(value, &end, 0);

    if (*value < '0' || *value > '9' || *end != '\0')
        return "a number behind the option's '='";
    if (!store((char *)setup + f->at, f->kind, v))
        return "an option whose number is in range";
    return NULL;
}

/* SUBFLOW|SIGNAL|BACKUP|DOWN, or nothing */
static const char *set_local(struct sim_pkt_setup *setup, const char *value)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } known[] = {{"SUBFLOW", PLAIT_LOCAL_SUBFLOW},
                 {"SIGNAL", PLAIT_LOCAL_SIGNAL},
                 {"BACKUP", PLAIT_LOCAL_BACKUP},
                 {"DOWN", PLAIT_LOCAL_DOWN}};
    uint8_t flags = 0;

    if (setup->local_n == SIM_PKT_ADDRS_MAX)
        return "at most three --local lines";
    while (*value != '\0') {
        size_t n = strcspn(value, "|");
        unsigned i = 0;
        while (i < 4 && (strlen(known[i].name) != n || strncmp(known[i].name, value, n) != 0))
            i++;
        if (i == 4)
            return "--local=SUBFLOW, SIGNAL, BACKUP or DOWN, joined by |";
        flags |= known[i].flag;
        value += n + (value[n] == '|');
    }
    setup->local_flags[setup->local_n++] = flags;
    return NULL;
}

static const char *set_policy(char *to, const char *value)
{
    if (strlen(value) >= SIM_PKT_NAME_MAX)
        return "the name of a policy";
    (void)snprintf(to, SIM_PKT_NAME_MAX, "%s", value);
    return NULL;
}

const char *sim_pkt_config_set(struct sim_pkt_setup *setup, const char *name, const char *value)
{
    if (strcmp(name, "ip_version") == 0) {
        setup->ipv6 = strcmp(value, "ipv6") == 0;
        return setup->ipv6 || strcmp(value, "ipv4") == 0 ? NULL : "--ip_version=ipv4 or ipv6";
    }
    if (strcmp(name, "local") == 0)
        return set_local(setup, value);
    if (strcmp(name, "cc") == 0)
        return set_policy(setup->cc, value);
    if (strcmp(name, "sched") == 0)
        return set_policy(setup->sched, value);
    if (strcmp(name, "pm") == 0)
        return set_policy(setup->pm, value);
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, name) == 0)
            return set_number(setup, &fields[i], value);
    return "an option that there is (see pkt.md)";
}
