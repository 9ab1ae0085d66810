/* SPDX-License-Identifier: Apache-2.0 */
/* wVegas shares links as its theory says (Cao, Xu, Fu, ICNP 2012): proportionally fair among
 * connections, whatever their subflows, each with ten segments in the queues on its way. The rates
 * of the theory are met within a tenth, also where some begin when a queue stands already. */
#include "sim/scn_run.h"
#include "unit/base/cm.h"

#include <string.h>

static struct sim_scn *scn;

static struct sim_scn_result *run(const char *text, uint64_t seed)
{
    static const struct sim_scn_options o;
    struct sim_scn_error e;
    struct sim_scn_result *r;

    scn = sim_scn_parse(&(struct sim_scn_input){ .text = text, .len = strlen(text),
                                                .seed_given = true, .seed = seed }, &e);
    if (scn == NULL)
        fail_msg("%u:%u: %s", e.line, e.column, e.text);
    r = sim_scn_run(scn, &o);
    if (r->failure != NULL)
        fail_msg("%s", r->failure);
    return r;
}

/* Every report is a rate in terms of what the theory says, or of segments in a queue. */
static void expect_all(const char *text, double low, double high)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct sim_scn_result *r = run(text, seed);
        for (unsigned i = 0; i < scn->report_n; i++) {
            double have = (double)r->report[i].value.v / 1e6;
            if (!r->report[i].good)
                fail_msg("%s: %s", scn->report[i].name, r->report[i].why);
            print_message("  seed %u, %s: %.3f\n", (unsigned)seed, scn->report[i].name, have);
            if (have < low || have > high)
                fail_msg("%s is %.3f", scn->report[i].name, have);
        }
        sim_scn_result_free(r);
        sim_scn_free(scn);
    }
}

/* A packet of 1500 bytes carries 1420: 500 of them a second are 5.68 Mbit/s. */
#define TIME "warmup 40s\nrun 100s\n"

/* Two links of 500 packets a second, a connection on both, which begins then, and one on each: a
 * third each. */
#define EQUAL(start)                                                                               \
    "link one rate 500pps rtt 100ms queue 1000pkt\n"                                               \
    "link two rate 500pps rtt 100ms queue 1000pkt\n"                                               \
    "flow m over one | two cc wvegas access 0us..1ms start " start "\n"                            \
    "flow s1 over one tcp cc wvegas access 0us..1ms\n"                                             \
    "flow s2 over two tcp cc wvegas access 0us..1ms\n" TIME                                        \
    "report m = m.goodput / 3.787mbit\nreport s1 = s1.goodput / 3.787mbit\n"                       \
    "report s2 = s2.goodput / 3.787mbit\n"

static void test_equal_congestion(void **state)
{
    (void)state;
    expect_all(EQUAL("0s"), .9, 1.1);
}

/* The same where the connection on both comes when the others' queues stand. */
static void test_late(void **state)
{
    (void)state;
    expect_all(EQUAL("5s"), .9, 1.1);
}

/* One link is five times as fast: the connection on both leaves the slow one to the other. */
static void test_rate_compensation(void **state)
{
    static const char text[] =
        "link one rate 1000pps rtt 100ms queue 1000pkt\n"
        "link two rate 200pps rtt 100ms queue 1000pkt\n"
        "flow m over one | two cc wvegas access 0us..1ms\n"
        "flow s over two tcp cc wvegas access 0us..1ms\n" TIME
        "report m = m.goodput / 11.36mbit\nreport s = s.goodput / 2.272mbit\n";

    (void)state;
    expect_all(text, .9, 1.1);
}

/* Five links, a connection on each two neighbours, and one more on the first link: it has as much
 * as each of the others, for they move on, link by link. */
static void test_domino(void **state)
{
    static const char text[] =
        "for i in 1..5\nlink l{i} rate 800pps rtt 100ms queue 1000pkt\nend\n"
        "for i in 1..4\nflow m{i} over l{i} | l{i + 1} cc wvegas access 0us..1ms start 5s\nend\n"
        "flow s over l1 tcp cc wvegas access 0us..1ms\n" TIME
        "report m1 = m1.goodput / 9.088mbit\nreport m2 = m2.goodput / 9.088mbit\n"
        "report m3 = m3.goodput / 9.088mbit\nreport m4 = m4.goodput / 9.088mbit\n"
        "report s = s.goodput / 9.088mbit\n";

    (void)state;
    expect_all(text, .9, 1.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_congestion), cmocka_unit_test(test_late),
        cmocka_unit_test(test_rate_compensation), cmocka_unit_test(test_domino),
    };

    return cmocka_run_group_tests_name("scenario/wvegas", tests, NULL, NULL);
}
