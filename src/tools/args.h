/* SPDX-License-Identifier: Apache-2.0 */
/* What the command lines of plait's programs have in common. */
#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

#include "driver/host.h"
#include <plait/types.h>

/* DONE: help was printed. BAD: the mistake was told on stderr. */
enum args_verdict { ARGS_OK, ARGS_DONE, ARGS_BAD };

enum { ARGS_SPIN_MAX = 10000 };
#define ARGS_AMOUNT_MAX ((uint64_t)1 << 50)

/* Tells a mistake in the command line of `plait PROGRAM`; BAD. */
enum args_verdict args_bad(const char *program, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* What getopt_long() made of an option, ':' or '?', is a mistake. */
enum args_verdict args_bad_option(const char *program, int option, char **argv);
enum args_verdict args_path(const char *program, const char *arg, struct drv_paths *paths);

/* The name of a driver, and the microseconds to spin for at most. */
enum args_verdict args_driver(const char *program, const char *arg,
                              const struct drv_driver **driver);
enum args_verdict args_queues(const char *program, const char *arg, size_t *queues);
enum args_verdict args_spin(const char *program, const char *arg, plait_time *spin);

/* The words behind the options: HOST PORT, or [HOST] PORT of a server. */
struct args_place {
    bool serving;
    const char *host; /* NULL: every local address */
    uint16_t port;
};
enum args_verdict args_place(const char *program, int n, char **words, struct args_place *place);

/* Digits, at most max of them, into *value; the end. NULL when there is none. */
const char *args_digits(const char *at, unsigned max, uint64_t *value);
/* "5", "2.5", "300ms", "10s", "2min": false for anything else. */
bool args_duration(const char *text, plait_time *out);
/* "4096", "64k", "10M", "2G": false for anything else, for 0, and beyond ARGS_AMOUNT_MAX. */
bool args_amount(const char *text, uint64_t *out);

#endif
