/* SPDX-License-Identifier: Apache-2.0 */
/* Opportunistic linked increases, OLIA (Khalili et al., CoNEXT 2012;
 * draft-khalili-mptcp-congestion-control-05): uses the best paths only, and still tries the others
 * out.
 *
 * With rate = cwnd / rtt and sum over all, for each ACK cwnd grows by cwnd / rtt^2 / sum^2
 * + e / cwnd. The first part is fair and optimal, the second moves load: from the paths with the
 * largest window (M) to the best that have not got it (K), as much here as there, so that all e
 * add up to 0: 1 / (n |K|) here and 1 / (n |M|) there, for n paths. As a fraction of Reno's the
 * increase is (rate / sum)^2 + e, which may be negative.
 *
 * Best is where a TCP would get most: its rate goes with sqrt(l) / rtt, l being the bytes between
 * losses, so l / rtt^2 is compared, as in the paper and in Linux. The draft has l^2 / rtt, which is
 * another order. l is the larger one of what came between the last two losses and since. */
#include "cc.h"

#include "../base/wide.h"

static uint64_t square(uint32_t rtt)
{
    return (uint64_t)rtt * rtt;
}

static uint64_t between_losses(const struct cc *o)
{
    const struct cc_olia *s = &o->u.olia;

    return s->before > s->since ? s->before : s->since;
}

static bool better(const struct cc *a, const struct cc *b)
{
    return wide_lt(wide_mul(between_losses(b), square(a->srtt)),
                   wide_mul(between_losses(a), square(b->srtt)));
}

/* Windows are compared in whole segments: in bytes no two are ever equal. */
static uint32_t segs(const struct cc *o)
{
    return cc_window(o) / o->mss;
}

struct sets {
    const struct cc *best; /* one of the best paths */
    uint32_t segs_max;     /* the largest window */
    unsigned n, max_n, collected_n; /* paths, M, K */
};

static bool is_collected(const struct sets *of, const struct cc *o)
{
    return segs(o) < of->segs_max && !better(of->best, o);
}

static struct sets sort(const struct cc *cc, plait_time now)
{
    struct sets of = { .best = cc };

    CC_EACH(o, cc, now) {
        of.n++;
        if (better(o, of.best))
            of.best = o;
        if (segs(o) > of.segs_max)
            of.segs_max = segs(o);
    }
    CC_EACH(o, cc, now) {
        of.max_n += segs(o) == of.segs_max;
        of.collected_n += is_collected(&of, o);
    }
    return of;
}

static int64_t pace(const struct cc *cc, plait_time now)
{
    struct sets of = sort(cc, now);
    int64_t part, shift = 0;

    if (of.n == 1)
        return CC_ONE;
    part = cc_fraction(cc_rate(cc), cc_rate_sum(cc, now));
    if (is_collected(&of, cc))
        shift = CC_ONE / (int64_t)(of.n * of.collected_n);
    else if (of.collected_n > 0 && segs(cc) == of.segs_max)
        shift = -CC_ONE / (int64_t)(of.n * of.max_n);
    return part * part / CC_ONE + shift;
}

/* What was acknowledged in recovery counts too, though no ACK is seen then. */
static void count(struct cc *cc, const struct cc_ack *ack)
{
    struct cc_olia *s = &cc->u.olia;

    s->since += s->counting ? ack->snd_una - s->una : ack->acked;
    s->una = ack->snd_una;
    s->counting = true;
}

static void olia_on_ack(struct cc *cc, const struct cc_ack *ack)
{
    count(cc, ack);
    if (cc_past_slow_start(cc, ack))
        cc_avoid(cc, ack->acked, pace(cc, ack->now));
}

static void olia_on_congestion(struct cc *cc, uint32_t flight, plait_time now)
{
    struct cc_olia *s = &cc->u.olia;

    /* Two losses with nothing between them are one. */
    if (s->since > 0) {
        s->before = s->since;
        s->since = 0;
    }
    cc_reduce(cc, flight / 2, cc_count(cc, now) > 1 ? 1 : 2);
}

const struct cc_ops cc_olia_ops = {
    .name = "olia",
    .what = "coupled: only the best paths, and a trial of the others",
    .init = cc_reno_init,
    .on_ack = olia_on_ack,
    .on_congestion = olia_on_congestion,
    .on_rto = olia_on_congestion,
    .on_recovered = cc_reno_on_recovered,
    .on_idle = cc_reno_on_idle,
};
