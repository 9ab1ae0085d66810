/* SPDX-License-Identifier: Apache-2.0 */
#include "flows.h"

void flows_init(struct flows *f, const struct cc_ops *ops, const struct flow_row rows[FLOWS_MAX])
{
    *f = (struct flows){ .n = 0 };
    for (; f->n < FLOWS_MAX && rows[f->n].segs > 0; f->n++) {
        struct cc *cc = &f->cc[f->n];
        cc_init(cc, ops, FLOWS_MSS);
        cc->cwnd = (uint32_t)(rows[f->n].segs * FLOWS_MSS);
        cc->ssthresh = FLOWS_MSS;
        cc->flight = cc->cwnd;
        cc->srtt = (uint32_t)(rows[f->n].rtt * 1e6 + .5);
        cc->last_sent = FLOWS_NOW;
        if (f->n > 0)
            cc_join(cc, &f->cc[0]);
    }
}

/* SND.UNA stands still, so that nothing is counted that the row does not say. */
static void ack_one(struct cc *cc)
{
    struct cc_ack ack = { .now = FLOWS_NOW, .acked = FLOWS_MSS, .srtt = cc->srtt,
                          .cwnd_limited = true };

    if (cc->ops == &cc_olia_ops)
        cc->u.olia.counting = true;
    cc->ops->on_ack(cc, &ack);
}

double flows_gain(struct flows *f, unsigned i)
{
    struct flows saved = *f;
    double gain;

    f->cc[i].u.reno.credit = 0;
    ack_one(&f->cc[i]);
    assert_int_equal(f->cc[i].cwnd, saved.cc[i].cwnd);
    gain = (double)f->cc[i].u.reno.credit / CC_ONE / f->cc[i].cwnd;
    *f = saved;
    return gain;
}

unsigned flows_acks_to_step(struct flows *f, unsigned i)
{
    struct flows saved = *f;
    unsigned n = 0;

    while (f->cc[i].cwnd == saved.cc[i].cwnd) {
        ack_one(&f->cc[i]);
        n++;
        assert_true(n < 100000);
    }
    assert_true(f->cc[i].cwnd == saved.cc[i].cwnd + FLOWS_MSS ||
                f->cc[i].cwnd == saved.cc[i].cwnd - FLOWS_MSS);
    *f = saved;
    return n;
}

double flows_after_loss(struct flows *f, unsigned i)
{
    struct flows saved = *f;
    double left;

    f->cc[i].ops->on_congestion(&f->cc[i], f->cc[i].cwnd, FLOWS_NOW);
    left = (double)f->cc[i].ssthresh / FLOWS_MSS;
    *f = saved;
    return left;
}
