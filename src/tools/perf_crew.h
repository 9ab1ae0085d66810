/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of one `plait perf`, each with connections of its own: what they tell together. */
#ifndef TOOLS_PERF_CREW_H
#define TOOLS_PERF_CREW_H

#include "perf_report.h"

enum perf_order {
    PERF_GO,   /* on */
    PERF_STOP, /* begin nothing new, and come to an end */
    PERF_QUIT  /* at once */
};

struct perf_crew;

/* n threads; NULL: no memory. */
struct perf_crew *perf_crew_new(const struct perf_options *o, unsigned n);
void perf_crew_free(struct perf_crew *crew);

/* ---- of a thread, i ------------------------------------------------------------------------- */

/* It has connections now. The test that they belong to goes on. */
void perf_crew_busy(struct perf_crew *crew, unsigned i);
/* A connection is tested: begins a test, where there is none. Its number; the thread's report
 * begins anew with each. */
uint64_t perf_crew_test(struct perf_crew *crew, plait_time now);
/* Time of the next line that the thread is to count for; PLAIT_NEVER without a test. */
plait_time perf_crew_line_at(struct perf_crew *crew);
/* It has counted for the line of that time. The last thread with connections that does prints it.
 * Answers when the next one is due. */
plait_time perf_crew_line(struct perf_crew *crew, unsigned i, const struct perf_report *r,
                          plait_time now);
/* It has counted, and has no more connections. */
void perf_crew_rest(struct perf_crew *crew, unsigned i, const struct perf_report *r);
/* A server's test is over a second after the last connection of all threads. Answers when that has
 * to be looked at again; PLAIT_NEVER: not now. *over: a test has just ended. */
plait_time perf_crew_quiet(struct perf_crew *crew, plait_time now, bool *over);
/* It has come to its end. The last one tells the result, where there is one to tell. */
void perf_crew_end(struct perf_crew *crew, unsigned i, const struct perf_report *r,
                   plait_time now);

/* All have. */
bool perf_crew_has_ended(struct perf_crew *crew);
/* It has nothing left to say to any peer, or it has. True: all have ended, and none of them has. */
bool perf_crew_idle(struct perf_crew *crew, unsigned i, bool idle);

/* To all, this one included. An order is only ever followed by a graver one. */
void perf_crew_order(struct perf_crew *crew, enum perf_order order);
enum perf_order perf_crew_orders(struct perf_crew *crew);
/* Readable when there is a new order. */
int perf_crew_fd(const struct perf_crew *crew, unsigned i);
/* The first that is no STATUS_OK counts. */
void perf_crew_fail(struct perf_crew *crew, int status);
int perf_crew_status(struct perf_crew *crew);

#endif
