/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of names: calls, subjects of checks, errors, reasons, states. Called by the parser, which
 * refuses a misspelt one, and by the runner. */
#include "pkt_names.h"

#include "../mp/mp.h"

#include <assert.h>
#include <string.h>

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

static bool among(const char *const *list, const char *text, size_t len)
{
    for (; *list != NULL; list++)
        if (same(*list, text, len))
            return true;
    return false;
}

uint32_t sim_pkt_flag(const char *name)
{
    if (strcmp(name, "SUBFLOW") == 0)
        return PLAIT_LOCAL_SUBFLOW;
    if (strcmp(name, "SIGNAL") == 0)
        return PLAIT_LOCAL_SIGNAL;
    if (strcmp(name, "BACKUP") == 0)
        return PLAIT_LOCAL_BACKUP;
    return strcmp(name, "DOWN") == 0 ? PLAIT_LOCAL_DOWN : 0;
}

bool sim_pkt_call_known(const char *name, size_t len)
{
    static const char *const known[] = {
        "socket", "bind",      "listen",       "accept",    "connect",    "read",       "recv",
        "write",  "send",      "shutdown",     "close",     "setsockopt", "getsockopt", "fcntl",
        "abort",  "local_add", "local_change", "local_del", "set_backup", "forget_isn", "sendto",
        NULL};

    return among(known, name, len);
}

bool sim_pkt_subject_known(const char *name, size_t len)
{
    static const char *const known[] = {"counter",
                                        "state",
                                        "mp_state",
                                        "reason",
                                        "error",
                                        "fallback",
                                        "established",
                                        "multipath",
                                        "checksum",
                                        "version",
                                        "subflows",
                                        "subflows_total",
                                        "conns",
                                        "time_wait",
                                        "half_open",
                                        "listeners",
                                        "mem_used",
                                        "packets_dropped",
                                        "bytes_sent",
                                        "bytes_acked",
                                        "bytes_received",
                                        "bytes_reinjected",
                                        "bytes_duplicate",
                                        "syn_sent",
                                        "syn_received",
                                        "send_queued",
                                        "recv_queued",
                                        "sndbuf",
                                        "rcvbuf",
                                        "cwnd",
                                        "ssthresh",
                                        "in_flight",
                                        "mss",
                                        "srtt",
                                        "rttvar",
                                        "min_rtt",
                                        "rto",
                                        "local_id",
                                        "remote_id",
                                        "backup_local",
                                        "backup_remote",
                                        "bytes_retransmitted",
                                        "local_mss",
                                        NULL};

    return among(known, name, len);
}

const char *sim_pkt_errno_name(int64_t err)
{
    static const char *const name[] = {
        "NONE",         "EAGAIN",     "ENOMEM",       "EINVAL",    "EADDRINUSE", "EADDRNOTAVAIL",
        "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "ETIMEDOUT", "ENOTCONN",   "EPIPE",
        "ENOTMPTCP",    "ELIMIT",     "ENOENT",       "EPROTO",    "EUNREACH"};
    static_assert(sizeof name / sizeof *name == -PLAIT_EUNREACH + 1, "every error has its name");

    return err > 0 || err < PLAIT_EUNREACH ? "?" : name[-err];
}

static bool error_known(const char *word, size_t len)
{
    for (int err = 0; err >= PLAIT_EUNREACH; err--)
        if (same(sim_pkt_errno_name(err), word, len))
            return true;
    return false;
}

enum plait_reason sim_pkt_reason(const char *name, size_t len)
{
    unsigned r = 0;

    while (r < PLAIT_REASON_COUNT && !same(plait_reason_name((enum plait_reason)r), name, len))
        r++;
    return (enum plait_reason)r;
}

bool sim_pkt_same_state(const char *state, const char *word, size_t len)
{
    if (strlen(state) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (state[i] != word[i] && !(state[i] == '-' && word[i] == '_'))
            return false;
    return true;
}

static bool state_known(bool mp, const char *word, size_t len)
{
    for (unsigned i = 0; i <= (mp ? (unsigned)MP_ST_FASTCLOSE_WAIT : (unsigned)TCP_ST_TIME_WAIT);
         i++) {
        const char *name = mp ? mp_state_name((enum mp_state)i) : tcp_state_name((enum tcp_state)i);
        if (sim_pkt_same_state(name, word, len))
            return true;
    }
    return false;
}

bool sim_pkt_word_known(const char *subject, const char *word, size_t len)
{
    if (strcmp(subject, "counter") == 0 || strcmp(subject, "reason") == 0 ||
        strcmp(subject, "fallback") == 0)
        return sim_pkt_reason(word, len) != PLAIT_REASON_COUNT;
    if (strcmp(subject, "state") == 0 || strcmp(subject, "mp_state") == 0)
        return state_known(subject[0] == 'm', word, len);
    return strcmp(subject, "error") == 0 && error_known(word, len);
}
