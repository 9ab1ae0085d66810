/* SPDX-License-Identifier: Apache-2.0 */
/* HyStart++ (RFC 9406): leaves the first slow start when the round trip time says that a queue
 * grows, before the queue overflows.
 *
 * Called by an algorithm's on_ack in slow start, as long as ssthresh is infinite: only then nothing
 * is known of the path (RFC 9406 4.3). A round is the time in which a window's worth of data is
 * acknowledged. Its lowest RTT is compared with the last round's; where it has risen, growth goes
 * on at a quarter of the speed (Conservative Slow Start) for five rounds, and ends; where the rise
 * turns out to have been jitter, slow start resumes. */
#include "cc.h"

#include "../base/seq.h"

enum { MIN_RTT_THRESH = 4000, MAX_RTT_THRESH = 16000 }; /* microseconds */
enum { MIN_RTT_DIVISOR = 8, N_RTT_SAMPLE = 8, CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5 };

void cc_hystart_init(struct cc_hystart *h)
{
    *h = (struct cc_hystart){ .last_min = UINT32_MAX, .round_min = UINT32_MAX,
                              .css_base = UINT32_MAX };
}

static void new_round(struct cc_hystart *h, const struct cc_ack *ack)
{
    if (h->css && h->began)
        h->css_rounds++;
    h->began = true;
    h->round_end = ack->snd_nxt;
    h->last_min = h->round_min;
    h->round_min = UINT32_MAX;
    h->samples = 0;
}

static bool queue_grows(const struct cc_hystart *h)
{
    uint32_t thresh = h->last_min / MIN_RTT_DIVISOR;

    if (h->samples < N_RTT_SAMPLE || h->round_min == UINT32_MAX || h->last_min == UINT32_MAX)
        return false;
    thresh = thresh < MIN_RTT_THRESH ? MIN_RTT_THRESH : thresh;
    thresh = thresh > MAX_RTT_THRESH ? MAX_RTT_THRESH : thresh;
    return h->round_min > h->last_min && h->round_min - h->last_min >= thresh;
}

static void judge(struct cc_hystart *h)
{
    if (!h->css && queue_grows(h)) {
        h->css = true;
        h->css_rounds = 0;
        h->css_base = h->round_min;
    } else if (h->css && h->samples >= N_RTT_SAMPLE && h->round_min < h->css_base) {
        h->css = false;
        h->css_base = UINT32_MAX;
    }
}

/* Slow start of one ACK; sets ssthresh where it is over. */
void cc_hystart_on_ack(struct cc_hystart *h, struct cc *cc, const struct cc_ack *ack)
{
    struct cc_ack part = *ack;

    if (!h->began || seq_ge(ack->snd_una, h->round_end))
        new_round(h, ack);
    if (ack->rtt > 0) {
        h->round_min = ack->rtt < h->round_min ? (uint32_t)ack->rtt : h->round_min;
        h->samples++;
    }
    judge(h);
    if (h->css)
        part.acked /= CSS_GROWTH_DIVISOR;
    cc_slow_start(cc, &part);
    if (h->css && h->css_rounds >= CSS_ROUNDS)
        cc->ssthresh = cc->cwnd;
}
