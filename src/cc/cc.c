/* SPDX-License-Identifier: Apache-2.0 */
/* What all congestion control algorithms share: windows at the start, after idling, after a
 * spurious reduction, slow start, and steps up and down.
 *
 * Owned by struct tcp_loss, which calls cc->ops. Invariants: mss <= cwnd <= CC_CWND_MAX outside
 * recovery, ssthresh >= 2 mss after a reduction (1 mss where a coupled algorithm says so).
 * RFC 5681 3.1 and 4.1, 6928 2, 3465 2.1 to 2.3. */
#include "cc.h"

#include "../base/name.h"

#include <assert.h>
#include <string.h>

static const struct cc_ops *const all[] = {
    &cc_cubic_ops, &cc_reno_ops, &cc_lia_ops, &cc_olia_ops, &cc_balia_ops, &cc_ewtcp_ops,
    &cc_wvegas_ops, &cc_bbr_ops,
};

const struct cc_ops *cc_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (name_equal(all[i]->name, name))
            return all[i];
    return NULL;
}

const struct cc_ops *cc_at(unsigned i)
{
    return i < sizeof all / sizeof all[0] ? all[i] : NULL;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t cc_initial_window(uint32_t mss)
{
    /*= RFC 6928 2
     * min (10*MSS, max (2*MSS, 14600)) */
    return min_u32(10 * mss, max_u32(2 * mss, 14600));
}

void cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss)
{
    assert(mss > 0 && mss <= 65535 && "a segment carries bytes");
    memset(cc, 0, sizeof *cc);
    cc->ops = ops;
    cc_open(cc, mss);
}

void cc_attach(struct cc *cc, struct cc_own *own)
{
    cc->own = own;
    cc->ops->init(cc);
}

void cc_open(struct cc *cc, uint32_t mss)
{
    cc->mss = mss;
    cc->cwnd = cc_initial_window(mss);
    /*= RFC 5681 3.1
     * The initial value of ssthresh SHOULD be set arbitrarily high (e.g., to the size of the
     * largest possible advertised window), but ssthresh MUST be reduced in response to congestion.
     * */
    cc->ssthresh = CC_SSTHRESH_INFINITE;
    cc->ops->init(cc);
}

/*= RFC 5681 3.1-6 */
void cc_set_mss(struct cc *cc, uint32_t mss)
{
    assert(mss > 0 && mss <= 65535 && "a segment carries bytes");
    /*= RFC 5681 3.1
     * Specifically, cwnd SHOULD be reduced by the ratio of the old segment size to the new segment
     * size. */
    if (mss < cc->mss)
        cc->cwnd = (uint32_t)((uint64_t)cc->cwnd * mss / cc->mss);
    cc->mss = mss;
    cc->cwnd = max_u32(cc->cwnd, mss);
    cc->ssthresh = max_u32(cc->ssthresh, 2 * mss);
}

void cc_save(const struct cc *cc, struct cc_saved *to)
{
    *to = (struct cc_saved){ .cwnd = cc->cwnd, .ssthresh = cc->ssthresh, .u = cc->u };
}

void cc_undo(struct cc *cc, struct cc_saved *from)
{
    if (from->cwnd == 0)
        return;
    cc->cwnd = max_u32(cc->cwnd, from->cwnd);
    cc->ssthresh = max_u32(cc->ssthresh, from->ssthresh);
    cc->u = from->u;
    from->cwnd = from->ssthresh = 0;
}

void cc_grow(struct cc *cc, uint64_t bytes)
{
    uint64_t cwnd = cc->cwnd + bytes;

    cc->cwnd = cwnd < CC_CWND_MAX ? (uint32_t)cwnd : CC_CWND_MAX;
}

/*= RFC 5681 3.1-1 */
void cc_slow_start(struct cc *cc, const struct cc_ack *ack)
{
    uint32_t limit = max_u32(ack->burst, CC_BURST_SEGS * cc->mss);

    /*= RFC 3465 2.3
     * The exception to the above suggestion is during a slow start phase that follows a
     * retransmission timeout (RTO). In this situation, a TCP MUST use L=1*SMSS as specified in RFC
     * 2581 since ACKs for large amounts of previously unacknowledged data are common during this
     * phase of a transfer. */
    if (ack->after_rto)
        limit = cc->mss;
    /*= RFC 3465 2.2
     * This document proposes that a TCP sender SHOULD increase cwnd by the number of previously
     * unacknowledged bytes ACKed by each incoming acknowledgment, provided the increase is not more
     * than L bytes. */
    cc_grow(cc, min_u32(ack->acked, limit));
}

bool cc_past_slow_start(struct cc *cc, const struct cc_ack *ack)
{
    if (!ack->cwnd_limited)
        return false;
    /*= RFC 5681 3.1
     * The slow start algorithm is used when cwnd < ssthresh, while the congestion avoidance
     * algorithm is used when cwnd > ssthresh. */
    if (cc->cwnd >= cc->ssthresh)
        return true;
    cc_slow_start(cc, ack);
    return false;
}

/* One segment less, and slow start does not bring it back. */
static void step_down(struct cc *cc)
{
    cc->cwnd = cc->cwnd > 2 * cc->mss ? cc->cwnd - cc->mss : cc->mss;
    cc->ssthresh = min_u32(cc->ssthresh, cc->cwnd);
}

/*= RFC 5681 3.1-1, 3.1-9, 3.1-10, 3.1-11, 3.1-12, 3.1-13 */
void cc_avoid(struct cc *cc, uint32_t acked, int64_t pace)
{
    int64_t *credit = &cc->u.reno.credit, window = (int64_t)cc->cwnd * CC_ONE;

    /*= RFC 3465 2.1
     * When bytes_acked becomes greater than or equal to the value of the congestion window,
     * bytes_acked is reduced by the value of cwnd. */
    *credit += acked * pace;
    if (*credit >= window) {
        *credit -= window;
        if (*credit > window)
            *credit = window; /* an ACK of several windows is still one step */
        cc_grow(cc, cc->mss);
    } else if (*credit <= -window) {
        *credit += window;
        if (*credit < -window)
            *credit = -window;
        step_down(cc);
    }
}

void cc_reduce(struct cc *cc, uint32_t target, uint32_t segs_min)
{
    cc->ssthresh = max_u32(target, segs_min * cc->mss);
    cc->u.reno.credit = 0;
}

void cc_restart(struct cc *cc, plait_time idle, plait_time rto)
{
    uint32_t window = cc_initial_window(cc->mss);

    /*= RFC 5681 4.1
     * Therefore, a TCP SHOULD set cwnd to no more than RW before beginning transmission if the TCP
     * has not sent data in an interval exceeding the retransmission timeout. */
    if (idle <= rto || cc->cwnd <= window)
        return;
    /* Three quarters of what the path carried are worth remembering, as slow start's aim. */
    cc->ssthresh = max_u32(cc->ssthresh, cc->cwnd / 4 * 3);
    cc->cwnd = window;
}
