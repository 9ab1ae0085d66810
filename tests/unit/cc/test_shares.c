/* SPDX-License-Identifier: Apache-2.0 */
/* What coupled algorithms make of paths that lose packets by chance: how much in all, and which
 * part of it on the first path.
 *
 * The model: each packet of a path is lost with a fixed probability or acknowledged at once, a
 * window of them in each round trip, one reduction at most in each. The expected values come from
 * another program, with windows in real numbers.
 *
 * A real window grows by whole segments, and a loss forgets the part of one: on average it is half
 * a segment smaller, four per cent of a window of 14 and seven of one of seven. That is what TCP
 * is, not an error of ours: so the formulas are computed here in real numbers once more, with
 * windows of either kind. In real ones they have to give the expected values, in whole ones what
 * our code gives, both within three per cent. */
#include "flows.h"

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
                          .cwnd_limited = true };

    ack.snd_una = (uint32_t)(uint64_t)(path->acked * FLOWS_MSS); /* it wraps */
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

/* Packets a second, and which part of them is on the first path. */
static const struct {
    double p[2], rtt[2], seconds;
    double reno[2]; /* of two uncoupled ones, each */
    double total[KINDS], share[KINDS];
} rows[] = {
    { { .01, .01 }, { .1, .1 }, 4000, { 134.0, 132.8 }, { 0, 144.8, 133.2, 140.1 },
      { 0, .493, .500, .493 } },
    { { .01, .02 }, { .1, .1 }, 4000, { 132.8, 93.8 }, { 0, 129.4, 119.6, 128.3 },
      { 0, .677, .711, .730 } },
    { { .01, .04 }, { .1, .1 }, 4000, { 132.6, 65.3 }, { 0, 126.6, 121.9, 127.3 },
      { 0, .801, .853, .828 } },
    { { .005, .005 }, { .05, .2 }, 3000, { 375.5, 92.8 }, { 0, 350.3, 373.0, 369.6 },
      { 0, .782, .980, .934 } },
    { { .002, .0005 }, { .02, .15 }, 3000, { 1476, 404 }, { 0, 1364, 1469, 1454 },
      { 0, .712, .986, .933 } },
};

/* ---- the formulas, in real numbers ----------------------------------------------------------- */

struct real {
    double w, credit, before, since;
};

struct model {
    unsigned kind, n;
    bool whole; /* windows grow by whole segments */
    struct real of[2];
    const struct path *path;
};

static double rate(const struct model *m, unsigned i) { return m->of[i].w / m->path[i].rtt; }

static double rate_sum(const struct model *m)
{
    return m->n == 1 ? rate(m, 0) : rate(m, 0) + rate(m, 1);
}

static double larger(double a, double b) { return a > b ? a : b; }
static double smaller(double a, double b) { return a < b ? a : b; }

static double rate_max(const struct model *m)
{
    return m->n == 1 ? rate(m, 0) : larger(rate(m, 0), rate(m, 1));
}

/* RFC 6356 3, as a fraction of Reno's increase. */
static double lia_pace(const struct model *m, unsigned i)
{
    double best = 0;

    for (unsigned k = 0; k < m->n; k++)
        best = larger(best, m->of[k].w / m->path[k].rtt / m->path[k].rtt);
    return smaller(1, best * m->of[i].w / rate_sum(m) / rate_sum(m));
}

static double olia_quality(const struct model *m, unsigned i)
{
    return larger(m->of[i].before, m->of[i].since) / m->path[i].rtt / m->path[i].rtt;
}

/* Of two paths one is collected where it is not worse than the other and has fewer segments. */
static double olia_pace(const struct model *m, unsigned i)
{
    double part = rate(m, i) / rate_sum(m), shift = 0;
    unsigned o = 1 - i;
    int here = (int)m->of[i].w, there = (int)m->of[o].w;

    if (here < there && olia_quality(m, i) >= olia_quality(m, o))
        shift = .5;
    if (here > there && olia_quality(m, o) >= olia_quality(m, i))
        shift = -.5;
    return part * part + shift;
}

static double pace(const struct model *m, unsigned i)
{
    double a = rate_max(m) / rate(m, i), part = rate(m, i) / rate_sum(m);

    if (m->n == 1 || m->kind == RENO)
        return 1;
    if (m->kind == LIA)
        return lia_pace(m, i);
    return m->kind == OLIA ? olia_pace(m, i) : part * part * (1 + a) / 2 * (4 + a) / 5;
}

static void model_acked(struct model *m, unsigned i)
{
    struct real *r = &m->of[i];
    double step = pace(m, i);

    r->since++;
    if (!m->whole) {
        r->w = larger(r->w + step / r->w, 1);
        return;
    }
    r->credit += step;
    if (r->credit >= r->w) {
        r->credit -= r->w;
        r->w += 1;
    } else if (r->credit <= -r->w) {
        r->credit += r->w;
        r->w = larger(r->w - 1, 1);
    }
}

static void model_lost(struct model *m, unsigned i)
{
    struct real *r = &m->of[i];
    double part = .5, least = m->whole && (m->n == 1 || m->kind == LIA) ? 2 : 1;

    if (m->kind == BALIA && m->n > 1)
        part = smaller(rate_max(m) / rate(m, i), 1.5) / 2;
    r->w = larger(r->w * (1 - part), least);
    r->credit = 0;
    if (r->since > 0)
        r->before = r->since;
    r->since = 0;
}

/* The same events as run() has, with the same numbers drawn. */
static void run_model(struct model *m, struct path *path, double seconds)
{
    m->path = path;
    for (unsigned i = 0; i < m->n; i++) {
        m->of[i] = (struct real){ .w = 10 };
        path[i].next = path[i].calm = path[i].acked = 0;
    }
    for (;;) {
        unsigned i = m->n > 1 && path[1].next < path[0].next ? 1 : 0;
        if (path[i].next > seconds)
            return;
        if (draw() >= path[i].p) {
            path[i].acked++;
            model_acked(m, i);
        } else if (path[i].next >= path[i].calm) {
            model_lost(m, i);
            path[i].calm = path[i].next + path[i].rtt;
        }
        path[i].next += path[i].rtt / m->of[i].w;
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

enum how { CODE, WHOLE, REAL, HOWS };

/* Packets a second on both paths, or on one of them alone. */
static double total(enum how how, unsigned kind, struct path *path, unsigned n, double seconds)
{
    struct model m = { .kind = kind, .n = n, .whole = how == WHOLE };

    seed = 1;
    if (how == CODE)
        run(ops[kind], path, n, seconds);
    else
        run_model(&m, path, seconds);
    return (path[0].acked + (n > 1 ? path[1].acked : 0)) / seconds;
}

static const double TOTALS = .03, SHARES = .03;

static void reno(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (unsigned i = 0; i < 2; i++) {
            struct path path = { .p = rows[r].p[i], .rtt = rows[r].rtt[i] };
            double have[HOWS];
            for (unsigned how = 0; how < HOWS; how++)
                have[how] = total(how, RENO, &path, 1, 5 * rows[r].seconds); /* more losses */
            print_message("  p %g, rtt %g: %.1f, in whole segments %.1f, in real ones %.1f, "
                          "table %.1f\n", path.p, path.rtt, have[CODE],
                          have[WHOLE], have[REAL], rows[r].reno[i]);
            NEAR(have[REAL] / rows[r].reno[i], 1, TOTALS);
            NEAR(have[CODE] / have[WHOLE], 1, TOTALS);
            NEAR(have[REAL] * path.rtt - have[CODE] * path.rtt, .5, .5); /* segments: the cause */
        }
}

static void coupled(void **state)
{
    for (unsigned r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (unsigned k = LIA; k < KINDS; k++) {
            double have[HOWS], first[HOWS];
            for (unsigned how = 0; how < HOWS; how++) {
                struct path path[2] = { { .p = rows[r].p[0], .rtt = rows[r].rtt[0] },
                                        { .p = rows[r].p[1], .rtt = rows[r].rtt[1] } };
                have[how] = total(how, k, path, 2, rows[r].seconds);
                first[how] = path[0].acked / (path[0].acked + path[1].acked);
            }
            print_message("  row %u, %s: %.1f, in whole ones %.1f, in real ones %.1f, table %.1f; "
                          "share %.3f %.3f %.3f, table %.3f\n", r, ops[k]->name, have[CODE],
                          have[WHOLE], have[REAL], rows[r].total[k], first[CODE], first[WHOLE],
                          first[REAL], rows[r].share[k]);
            NEAR(have[REAL] / rows[r].total[k], 1, TOTALS);
            NEAR(first[REAL], rows[r].share[k], SHARES);
            NEAR(have[CODE] / have[WHOLE], 1, TOTALS);
            NEAR(first[CODE], first[WHOLE], SHARES);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reno), cmocka_unit_test(coupled) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
