/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of a sweep. Called by sim_scenario.c. */
#include "sim_progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24, WIDTH = 80, BAR_EVERY_MS = 100, LINE_EVERY_MS = 5000 };

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static unsigned width(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : WIDTH;
}

void sim_progress_init(struct sim_progress *p, unsigned total, unsigned done, bool quiet)
{
    *p = (struct sim_progress){.quiet = quiet || total <= 1, .total = total, .first = done};
    p->terminal = isatty(STDERR_FILENO) == 1;
    p->began_ms = p->shown_ms = now_ms();
}

void sim_progress_text(const struct sim_progress_at *at, const char *last, char *to, unsigned size)
{
    char bar[BAR + 1], left[32] = "";
    unsigned full = at->total > 0 ? (unsigned)((uint64_t)at->done * BAR / at->total) : BAR;
    unsigned percent = at->total > 0 ? (unsigned)((uint64_t)at->done * 100 / at->total) : 100;

    memset(bar, ' ', BAR);
    memset(bar, '#', full);
    bar[BAR] = '\0';
    if (at->made > 0 && at->done < at->total) {
        uint64_t s = (at->total - at->done) * at->took_ms / at->made / 1000;
        if (s >= 3600)
            (void)snprintf(left, sizeof left, ", %llu h %02llu min left",
                           (unsigned long long)(s / 3600), (unsigned long long)(s / 60 % 60));
        else
            (void)snprintf(left, sizeof left, ", %llu:%02llu left", (unsigned long long)(s / 60),
                           (unsigned long long)(s % 60));
    }
    (void)snprintf(to, size < at->width ? size : at->width, "[%s] %u of %u, %u %%%s  %s", bar,
                   at->done, at->total, percent, left, last);
}

void sim_progress_show(struct sim_progress *p, unsigned done, const char *last)
{
    uint64_t now = now_ms();
    char text[512];

    if (p->quiet || p->ended)
        return;
    if (done < p->total && now - p->shown_ms < (p->terminal ? BAR_EVERY_MS : LINE_EVERY_MS))
        return;
    if (!p->terminal && done == p->total && now - p->began_ms < LINE_EVERY_MS)
        return;
    sim_progress_text(&(struct sim_progress_at){done, p->total, done - p->first, now - p->began_ms,
                                                p->terminal ? width() : sizeof text},
                      last, text, sizeof text);
    if (p->terminal)
        (void)fprintf(stderr, "\r\033[K%s", text);
    else
        (void)fprintf(stderr, "%s\n", text);
    p->drawn = p->terminal;
    p->ended = done == p->total;
    p->shown_ms = now;
}

void sim_progress_clear(struct sim_progress *p)
{
    if (p->drawn)
        (void)fputs("\r\033[K", stderr);
    p->drawn = false;
}
