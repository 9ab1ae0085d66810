/* SPDX-License-Identifier: Apache-2.0 */
/* The words for errors and reasons. The tables follow <plait/types.h>. */
#include <assert.h>
#include <plait/types.h>

static const char *const error_text[] = {
    [0] = "success",
    [-PLAIT_EAGAIN] = "try again later",
    [-PLAIT_ENOMEM] = "out of memory",
    [-PLAIT_EINVAL] = "invalid argument",
    [-PLAIT_EADDRINUSE] = "address and port already in use",
    [-PLAIT_EADDRNOTAVAIL] = "no local address fits the peer",
    [-PLAIT_ECONNREFUSED] = "connection refused by the peer",
    [-PLAIT_ECONNRESET] = "connection reset by the peer",
    [-PLAIT_ECONNABORTED] = "connection aborted",
    [-PLAIT_ETIMEDOUT] = "connection timed out",
    [-PLAIT_ENOTCONN] = "not connected",
    [-PLAIT_EPIPE] = "sending side is shut down",
    [-PLAIT_ENOTMPTCP] = "the peer does not speak Multipath TCP",
    [-PLAIT_ELIMIT] = "a configured limit is reached",
    [-PLAIT_ENOENT] = "no such address, connection or name",
    [-PLAIT_EPROTO] = "the peer broke the protocol",
    [-PLAIT_EUNREACH] = "the peer cannot be reached",
};

static_assert(sizeof error_text / sizeof error_text[0] == -PLAIT_EUNREACH + 1,
              "every error has its text");

const char *plait_strerror(int err)
{
    if (err > 0 || err < PLAIT_EUNREACH)
        return "unknown error";
    return error_text[-err];
}

#define REASON_NAME(name, text) #name,
static const char *const reason_name[PLAIT_REASON_COUNT] = { PLAIT_REASONS(REASON_NAME) };

#define REASON_TEXT(name, text) text,
static const char *const reason_text[PLAIT_REASON_COUNT] = { PLAIT_REASONS(REASON_TEXT) };

const char *plait_reason_name(enum plait_reason reason)
{
    return (unsigned)reason < PLAIT_REASON_COUNT ? reason_name[reason] : "?";
}

const char *plait_reason_text(enum plait_reason reason)
{
    return (unsigned)reason < PLAIT_REASON_COUNT ? reason_text[reason] : "?";
}
