/* SPDX-License-Identifier: Apache-2.0 */
/* Subflows of one connection without a TCP below them. */
#ifndef FLOWS_H
#define FLOWS_H

#include "../base/cm.h"
#include "cc/cc.h"

enum { FLOWS_MAX = 4, FLOWS_MSS = 1448 };
#define FLOWS_NOW (100 * PLAIT_SEC)

struct flow_row { double segs, rtt; }; /* window, and seconds; 0 segments: no subflow */

struct flows {
    struct cc cc[FLOWS_MAX];
    unsigned n;
};

/* All in congestion avoidance, with full windows, in one ring. */
void flows_init(struct flows *f, const struct cc_ops *ops, const struct flow_row rows[FLOWS_MAX]);
/* Segments by which the window of subflow i grows for an ACK of one; the flows are as before. */
double flows_gain(struct flows *f, unsigned i);
/* ACKs of one segment until the window of subflow i has changed. */
unsigned flows_acks_to_step(struct flows *f, unsigned i);
/* Segments of window that a loss leaves; the flows are as before. */
double flows_after_loss(struct flows *f, unsigned i);

#define NEAR(have, want, tolerance)                                                                \
    do {                                                                                           \
        double h_ = (have), w_ = (want);                                                           \
        if (h_ - w_ > (tolerance) || w_ - h_ > (tolerance))                                        \
            fail_msg("%s is %.9f, not %.9f", #have, h_, w_);                                       \
    } while (0)

#endif
