/* SPDX-License-Identifier: Apache-2.0 */
/* What coupled algorithms make of paths that lose packets by chance: how much in all, in terms of
 * what Reno gets on the first path in the same model, and which part of it on the first path.
 *
 * The model: each packet of a path is lost with a fixed probability or acknowledged at once, a
 * window of them in each round trip, one reduction at most in each. The expected values come from
 * another program with the same model and windows in real numbers, in runs ten times as long. Here
 * a window grows by whole segments, and a loss forgets the part of one, so on average it is up to
 * half a segment smaller than a real number. */
#include "flows.h"

static const double CHANCE = .02; /* some hundred to some thousand losses in a run */
enum { RENO = 0, LIA, OLIA, BALIA, KINDS };
static const struct cc_ops *const ops[KINDS] = { &cc_reno_ops, &cc_lia_ops, &cc_olia_ops,
                                                 &cc_balia_ops };

struct path {
    double p, rtt; /* of loss; seconds */
    double next;   /* when the next packet is acknowledged or found lost */
    double calm;   /* losses before this were answered */
    double acked;  /* packets */
};

static uint32_t seed;

static double draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed / 4294967296.;
}

static void one_packet(struct cc *cc, struct path *path)
{
    plait_time now = FLOWS_NOW + (plait_time)(path->next * 1e6);
    struct cc_ack ack = { .now = now, .acked = FLOWS_MSS, .srtt = cc->srtt,
                          .cwnd_limited = true, .snd_una = (uint32_t)(path->acked * FLOWS_MSS) };

    cc->last_sent = now;
    cc->flight = cc->cwnd;
    if (draw() >= path->p) {
        path->acked++;
        cc->ops->on_ack(cc, &ack);
    } else if (path->next >= path->calm) {
        cc->ops->on_congestion(cc, cc->cwnd, now);
        cc->cwnd = cc->ssthresh;
        cc->ops->on_recovered(cc, now);
        path->calm = path->next + path->rtt;
    }
    path->next += path->rtt * FLOWS_MSS / cc->cwnd;
}

static void run(const struct cc_ops *o, struct path *path, unsigned n, double seconds)
{
    struct flow_row rows[FLOWS_MAX] = { { 0, 0 } };
    struct flows f;

    for (unsigned i = 0; i < n; i++) {
        rows[i] = (struct flow_row){ 10, path[i].rtt };
        path[i].next = path[i].calm = path[i].acked = 0;
    }
    flows_init(&f, o, rows);
    for (;;) {
        unsigned first = 0;
        for (unsigned i = 1; i < n; i++)
            if (path[i].next < path[first].next)
                first = i;
        if (path[first].next > seconds)
            return;
        one_packet(&f.cc[first], &path[first]);
    }
}

static const struct {
    double p[2], rtt[2], seconds;
    double reno[2];      /* packets per second */
    double total[KINDS]; /* of all, in terms of Reno on the first path */
    double share[KINDS]; /* part of it on the first path */
} rows[] = {
    { { .01, .01 }, { .1, .1 }, 4000, { 132.0, 132.5 }, { 0, 1.090, .996, 1.037 },
      { 0, .500, .498, .493 } },
    { { .01, .02 }, { .1, .1 }, 4000, { 132.0, 93.5 }, { 0, .973, .905, .953 },
      { 0, .649, .722, .715 } },
    { { .01, .04 }, { .1, .1 }, 4000, { 132.0, 65.1 }, { 0, .945, .913, .953 },
      { 0, .750, .852, .824 } },
    { { .005, .005 }, { .05, .2 }, 1500, { 375.0, 93.4 }, { 0, .948, .991, .974 },
      { 0, .803, .981, .932 } },
    { { .002, .0005 }, { .02, .15 }, 1000, { 1472.2, 394.6 }, { 0, .930, .999, .980 },
      { 0, .724, .985, .930 } },
};

static void reno(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (unsigned i = 0; i < 2; i++) {
            struct path path = { .p = rows[r].p[i], .rtt = rows[r].rtt[i] };
            double ratio, half;
            seed = 1;
            run(&cc_reno_ops, &path, 1, rows[r].seconds);
            ratio = path.acked / rows[r].seconds / rows[r].reno[i];
            half = .5 / (rows[r].reno[i] * rows[r].rtt[i]); /* segment of an average window */
            if (ratio > 1 + CHANCE || ratio < 1 - half - CHANCE)
                fail_msg("%f of %f a second", ratio, rows[r].reno[i]);
        }
}

static void coupled(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (unsigned k = LIA; k < KINDS; k++) {
            struct path path[2], alone = { .p = rows[r].p[0], .rtt = rows[r].rtt[0] };
            double total;
            for (unsigned i = 0; i < 2; i++)
                path[i] = (struct path){ .p = rows[r].p[i], .rtt = rows[r].rtt[i] };
            seed = 1;
            run(&cc_reno_ops, &alone, 1, rows[r].seconds);
            seed = 1;
            run(ops[k], path, 2, rows[r].seconds);
            total = path[0].acked + path[1].acked;
            /* Reno is less by half a segment of one window, these by half of two smaller ones. */
            NEAR(total / alone.acked / rows[r].total[k], 1, .025 + CHANCE);
            NEAR(path[0].acked / total, rows[r].share[k], .03);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reno), cmocka_unit_test(coupled) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
