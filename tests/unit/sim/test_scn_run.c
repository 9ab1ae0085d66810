/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios as they run: what is measured is what the network allows. */
#include "sim/scn_run.h"
#include "unit/base/cm.h"

#include <string.h>

static struct sim_scn *scn;

static void parse(const char *text)
{
    struct sim_scn_error e;

    scn = sim_scn_parse(&(struct sim_scn_input){.text = text, .len = strlen(text)}, &e);
    if (scn == NULL)
        fail_msg("%u:%u: %s", e.line, e.column, e.text);
}

static struct sim_scn_result *run_failing(const char *text)
{
    static const struct sim_scn_options none;

    parse(text);
    struct sim_scn_result *r = sim_scn_run(scn, &none);
    assert_non_null(r->failure);
    return r;
}

static struct sim_scn_result *run_with(const char *text, const struct sim_scn_options *o)
{
    parse(text);
    struct sim_scn_result *r = sim_scn_run(scn, o);
    if (r->failure != NULL)
        fail_msg("%s", r->failure);
    return r;
}

static struct sim_scn_result *run(const char *text)
{
    static const struct sim_scn_options none;

    return run_with(text, &none);
}

static void done(struct sim_scn_result *r)
{
    sim_scn_result_free(r);
    sim_scn_free(scn);
}

/* In millionths. */
static int64_t report(const struct sim_scn_result *r, const char *name)
{
    for (unsigned i = 0; i < scn->report_n; i++)
        if (strcmp(scn->report[i].name, name) == 0) {
            if (!r->report[i].good)
                fail_msg("%s: %s", name, r->report[i].why);
            return r->report[i].value.v;
        }
    fail_msg("no report %s", name);
    return 0;
}

#define EXPECT(r, name, low, high)                                                                 \
    do {                                                                                           \
        double have_ = (double)report(r, name) / 1e6;                                              \
        if (have_ < (low) || have_ > (high))                                                       \
            fail_msg("%s is %f", name, have_);                                                     \
    } while (0)

/* 10 Mbit/s for payload of 1448 bytes in packets of 1500. */
static void test_goodput(void **state)
{
    struct sim_scn_result *r = run("link a rate 10mbit rtt 20ms queue 100ms\n"
                                   "flow f over a\nwarmup 5s\nrun 25s\n"
                                   "report goodput = f.goodput / 1mbit\nreport load = a.load\n"
                                   "report path = f.1.goodput / f.goodput\n"
                                   "report rtt = f.1.rtt / 1ms\nreport queue = a.queue / 1kB\n"
                                   "report back = a.back.load\nreport done = f.done\n"
                                   "report queue_max = a.queue_max / 1kB\n");

    (void)state;
    EXPECT(r, "goodput", 9.6, 9.66);
    EXPECT(r, "load", .99, 1.001);
    EXPECT(r, "path", .99, 1.01);
    EXPECT(r, "rtt", 60, 121);
    EXPECT(r, "queue", 50, 125);
    EXPECT(r, "queue_max", 100, 125.1);
    EXPECT(r, "back", .01, .05);
    EXPECT(r, "done", 0, 0);
    assert_int_equal(r->took, 25 * PLAIT_SEC);
    done(r);
}

/* Both paths are used, the one that the link's change made slow less so. */
static void test_events(void **state)
{
    struct sim_scn_result *r =
        run("link a rate 10mbit rtt 20ms\nlink b rate 10mbit rtt 20ms\n"
            "flow f over a|b\nat 10s link a rate 1mbit\nat 20s link b down\nat 25s link b up\n"
            "warmup 10s\nrun 20s\nreport a = f.1.goodput / 1mbit\nreport b = f.2.goodput / 1mbit\n"
            "report load = a.load\n");

    (void)state;
    EXPECT(r, "a", .8, 1.15); /* what waited was acknowledged later */
    EXPECT(r, "b", 8.5, 9.7);
    EXPECT(r, "load", .9, 1.13); /* what waited is still sent at the old rate */
    done(r);
    r = run("link a rate 10mbit rtt 20ms\nflow f over a\nat 2s link a down\nat 4s link a up\n"
            "run 6s\nreport stall = f.stall / 1s\nreport load = a.load\n");
    EXPECT(r, "stall", 2, 3.5);
    EXPECT(r, "load", .5, 1.01); /* nothing could be sent while it was down */
    done(r);
}

static void test_paths_go_and_come(void **state)
{
    struct sim_scn_result *r =
        run("link a rate 5mbit rtt 20ms\nlink b rate 5mbit rtt 20ms\n"
            "flow f over a|b backup 2\nflow g over a|b\n"
            "at 5s flow f path 1 remove\nat 10s flow f path 1 add\n"
            "at 15s flow g path 2 down\nwarmup 1s\nrun 16s\n"
            "report f1 = f.1.sent / 1MB\nreport f2 = f.2.sent / 1MB\nreport g2 = g.2.sent / 1MB\n");

    (void)state;
    EXPECT(r, "f1", 1, 9); /* 4 s and 6 s of it */
    EXPECT(r, "f2", .5, 5); /* 5 s, while there was nothing else */
    EXPECT(r, "g2", 2, 9);
    done(r);
}

static void test_times(void **state)
{
    struct sim_scn_result *r = run(
        "link a rate 8mbit rtt 20ms\nlink b rate 100mbit rtt 40ms\n"
        "flow size over a size 1MB\n"
        "flow ask over b request 100B response 100B think 10ms times 50\n"
        "flow page over b page 10 of 10kB by 2\n"
        "flow block over b block 5kB every 100ms times 20\n"
        "flow burst over b burst 20kB pause 100ms times 5\n"
        "run 30s until done\n"
        "report size = size.time / 1s\nreport ask = ask.p50 / 1ms\nreport asked = ask.done\n"
        "report page = page.time / 1ms\nreport block = block.p50 / 1ms\n"
        "report burst = burst.worst / 1ms\nreport all = count(size.done, ask.done)\n");

    (void)state;
    EXPECT(r, "size", 1.05, 1.6);   /* a second of payload, and the start */
    EXPECT(r, "ask", 40, 42);       /* a round trip */
    EXPECT(r, "asked", 1, 1);
    EXPECT(r, "page", 160, 600);    /* two hand-shakes at least, five objects on each */
    EXPECT(r, "block", 15, 25);     /* half a round trip */
    EXPECT(r, "burst", 20, 170);
    assert_true(r->took < 20 * PLAIT_SEC);
    assert_true(r->flow[3].timed);
    done(r);
}

/* A pause longer than a time-out makes a window begin anew, a shorter one does not. What was before
 * the warm-up is not counted. */
static void test_restarts(void **state)
{
    struct sim_scn_result *r = run(
        "link a rate 8mbit rtt 20ms\nlink b rate 8mbit rtt 20ms\n"
        "flow long over a tcp cc reno burst 200kB pause 2s\n"
        "flow short over b tcp cc reno burst 200kB pause 1ms\n"
        "warmup 9s\nrun 19s\n"
        "report long = long.restarts\nreport path = long.1.restarts\n"
        "report short = short.restarts\n");

    (void)state;
    EXPECT(r, "long", 4, 5); /* one in 2.2 s or so */
    EXPECT(r, "path", 4, 5);
    EXPECT(r, "short", 0, 0);
    done(r);
}

/* Everything is done long before the warm-up is over: it is waited for. */
static void test_done_early(void **state)
{
    struct sim_scn_result *r =
        run("link a rate 8mbit rtt 20ms\nflow f over a size 10kB\nflow g over a\n"
            "warmup 2s\nrun 9s until done\nreport f = f.done\nreport g = g.goodput / 1mbit\n");

    (void)state;
    EXPECT(r, "f", 1, 1);
    EXPECT(r, "g", 0, 9);
    assert_in_range(r->took, 2 * PLAIT_SEC, 3 * PLAIT_SEC);
    done(r);
}

static void test_cbr(void **state)
{
    struct sim_scn_result *r =
        run("link a rate 10mbit\nlink b rate 10mbit\nflow c over a cbr 2mbit packet 500B\n"
            "flow d over ~b cbr 4mbit on 100ms off 100ms\n"
            "flow e over b cbr 1mbit start 5s stop 6s\n"
            "run 10s\nreport load = a.load\nreport back = b.back.load\nreport rate = c.goodput / "
            "1mbit\nreport third = b.load\n");

    (void)state;
    EXPECT(r, "load", .199, .201);
    EXPECT(r, "back", .19, .21);
    EXPECT(r, "rate", 1.99, 2.01);
    EXPECT(r, "third", .0099, .0101);
    done(r);
}

/* What a box takes away is missing. */
static void test_boxes(void **state)
{
    static const char text[] = "link a rate 5mbit rtt 20ms\nlink b rate 5mbit rtt 20ms\n"
                               "flow f over a|b count 2\nflow g over a|b\nbox f 2 strip:mp_join\n"
                               "run 5s\nreport f2 = f.2.goodput / 1kbit\n"
                               "report g2 = g.2.goodput / 1kbit\n";
    struct sim_scn_result *r = run(text);

    (void)state;
    EXPECT(r, "f2", 0, 1);
    EXPECT(r, "g2", 3000, 5000); /* the same links, but for nobody else's packets */
    done(r);
}

static void test_fattree(void **state)
{
    struct sim_scn_result *r = run("fattree t k 4 rate 10mbit delay 100us\n"
                                   "flow one across t permutation subflows 1\n"
                                   "flow many across t stride 4 paths 4 cc lia\n"
                                   "warmup 1s\nrun 3s\nreport load = t.load\n"
                                   "report sum = (one.total + many.total) / 160mbit\n"
                                   "report paths = many.4.goodput / 1kbit\n");

    (void)state;
    EXPECT(r, "load", .4, 1);
    EXPECT(r, "sum", .5, 1); /* sixteen links of hosts */
    EXPECT(r, "paths", 100, 5000);
    assert_int_equal(scn->flow[0].count, 16);
    for (unsigned i = 0; i < 16; i++)
        assert_true(r->flow[0].each[i] > 0);
    done(r);
}

/* The same text and seed: the same result. */
static void test_repeats(void **state)
{
    static const char text[] = "link a rate 10mbit rtt 20ms loss 1%\n"
                               "flow f over a|a start 0s..1s access 0ms..5ms count 3\nrun 5s\n"
                               "report g = f.goodput / 1bit\n";
    struct sim_scn_result *r = run(text);
    int64_t first = report(r, "g");
    uint64_t packets = r->packets;

    (void)state;
    done(r);
    r = run(text);
    assert_int_equal(report(r, "g"), first);
    assert_int_equal(r->packets, packets);
    done(r);
    r = run("seed 2\nlink a rate 10mbit rtt 20ms loss 1%\n"
            "flow f over a|a start 0s..1s access 0ms..5ms count 3\nrun 5s\n"
            "report g = f.goodput / 1bit\n");
    assert_int_not_equal(report(r, "g"), first);
    done(r);
}

/* Those who look on change nothing. */
struct watched {
    unsigned points, news, packets;
    unsigned paths;
};

static void on_point(void *ctx, const struct sim_scn_point *p)
{
    struct watched *w = ctx;

    assert_true(p->info->srtt > 0);
    w->points++;
    w->paths |= 1u << p->path;
}

static void on_news(void *ctx, const struct sim_scn_news *n)
{
    assert_in_range(n->flow, 0, 1);
    ((struct watched *)ctx)->news++;
}

static void on_packet(void *ctx, const struct sim_scn_packet *p)
{
    assert_true(p->bytes.len >= 40 && p->bytes.data[0] >> 4 == 4);
    ((struct watched *)ctx)->packets++;
}

static void test_watched(void **state)
{
    static const char text[] = "link a rate 10mbit rtt 20ms\nflow f over a|a\nflow g over a tcp\n"
                               "run 2s\nreport g = f.goodput / 1bit\n";
    struct watched w = {0};
    struct sim_scn_options o = {
        .ctx = &w, .on_point = on_point, .on_news = on_news, .on_packet = on_packet};
    struct sim_scn_result *r = run(text);
    int64_t alone = report(r, "g");

    (void)state;
    done(r);
    r = run_with(text, &o);
    assert_int_equal(report(r, "g"), alone);
    assert_in_range(w.points, 500, 600); /* three subflows, each 10 ms */
    assert_int_equal(w.paths, 3);
    assert_true(w.news > 10);
    assert_true(w.packets > r->packets && w.packets <= 2 * r->packets + 200);
    done(r);
}

static void test_failures(void **state)
{
    struct sim_scn_result *r = run_failing("link a rate 1mbit\nflow f over a cc own\nrun 1s\n");

    (void)state;
    assert_non_null(strstr(r->failure, "--cc FILE.so"));
    done(r);
    /* a link of its own each way on 16 paths of 2048 connections */
    r = run_failing("link a rate 1mbit\nflow f over a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a access 1ms "
                    "count 2048\nrun 1s\n");
    assert_non_null(strstr(r->failure, "too many links"));
    done(r);
    r = run("link a rate 1mbit\nflow f over a\nwarmup 1s\nrun 2s\n"
            "report r = f.sent / f.reinjected\n");
    assert_false(r->report[0].good);
    assert_string_equal(r->report[0].why, "a division by zero");
    done(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goodput),  cmocka_unit_test(test_events),
        cmocka_unit_test(test_paths_go_and_come),
        cmocka_unit_test(test_times),    cmocka_unit_test(test_cbr),
        cmocka_unit_test(test_restarts), cmocka_unit_test(test_done_early),
        cmocka_unit_test(test_boxes),    cmocka_unit_test(test_fattree),
        cmocka_unit_test(test_repeats),  cmocka_unit_test(test_watched),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
