/* SPDX-License-Identifier: Apache-2.0 */
/* What scenarios say, and each way in which they can make no sense. */
#include "sim/scn.h"
#include "unit/base/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST "\nlink a rate 1mbit\nflow f over a\nrun 1s\n"

static struct sim_scn_error error;

static struct sim_scn *parse_set(const char *text, const struct sim_scn_set *set, unsigned n)
{
    return sim_scn_parse(
        &(struct sim_scn_input){.text = text, .len = strlen(text), .set = set, .set_n = n}, &error);
}

static struct sim_scn *good(const char *text)
{
    struct sim_scn *s = parse_set(text, NULL, 0);

    if (s == NULL)
        fail_msg("%u:%u: %s\nin:\n%s", error.line, error.column, error.text, text);
    return s;
}

/* ---- what is understood ---------------------------------------------------------------------- */

static void test_links(void **state)
{
    struct sim_scn *s = good("link a rate 10mbit rtt 40ms queue 100ms loss 1% jitter 2ms "
                             "reorder 2% 5ms duplicate 0.5% mtu 1400B blackhole\n"
                             "link b rate 1000pps delay 7ms red 10pkt 30pkt 10% mark red queue 64kB"
                             " back rate 1mbit queue 20pkt tail 3pkt 10% mark 3kB\n"
                             "link c rate 8kbit queue 1ms down\n"
                             "flow f over a,~b\nrun 5s\n");
    const struct sim_scn_dir *a = s->link[0].dir, *b = s->link[1].dir;

    (void)state;
    assert_int_equal(s->link_n, 3);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(a[i].cfg.rate, 10000000);
        assert_int_equal(a[i].cfg.delay, 20000);
        assert_int_equal(a[i].cfg.queue, 125000);
        assert_int_equal(a[i].cfg.queue_packets, 0);
        assert_int_equal(a[i].cfg.loss_ppm, 10000);
        assert_int_equal(a[i].cfg.jitter, 2000);
        assert_int_equal(a[i].cfg.reorder_ppm, 20000);
        assert_int_equal(a[i].cfg.reorder_delay, 5000);
        assert_int_equal(a[i].cfg.duplicate_ppm, 5000);
        assert_int_equal(a[i].cfg.mtu, 1400);
        assert_true(a[i].cfg.black_hole);
    }
    assert_int_equal(b[0].cfg.rate, 12000000);
    assert_int_equal(b[0].cfg.delay, 7000);
    assert_int_equal(b[0].cfg.queue, 64000);
    assert_int_equal(b[0].cfg.red.min, 15000);
    assert_int_equal(b[0].cfg.red.max, 45000);
    assert_int_equal(b[0].cfg.red.max_ppm, 100000);
    assert_true(b[0].cfg.red.ecn);
    assert_int_equal(b[0].cfg.mark, 0);
    assert_int_equal(b[1].cfg.rate, 1000000);
    assert_int_equal(b[1].cfg.queue_packets, 20);
    assert_int_equal(b[0].cfg.tail_packets, 0);
    assert_int_equal(b[1].cfg.tail_packets, 3);
    assert_int_equal(b[1].cfg.tail_ppm, 100000);
    assert_int_equal(b[1].cfg.mark, 3000);
    assert_int_equal(s->link[2].dir[0].cfg.queue, 3000); /* never less than two packets */
    assert_true(s->link[2].dir[1].cfg.down);
    assert_int_equal(s->flow[0].path[0].hop_n, 2);
    assert_true(s->flow[0].path[0].hop[1].back);
    assert_int_equal(s->flow[0].path[0].hop[1].link, 1);
    sim_scn_free(s);
}

static void test_flows(void **state)
{
    struct sim_scn *s = good(
        "link a rate 1mbit\nlink b rate 1mbit\n"
        "flow m over a | b,a|~b cc olia sched blest pm on-demand demand 1MB 2s count 3 start 1s..2s"
        " stop 9s sndbuf 64kB rcvbuf 128KiB access 1ms..3ms backup 2 nodelay ecn checksum\n"
        "flow t over a tcp size 2MB rate 500kbit on 1s off 2s exponential reverse\n"
        "flow e over a|b ecmp subflows 4\n"
        "flow r over a request 100B response 20kB think 50ms times 9\n"
        "flow p over a page 54 of 19kB by 4\n"
        "flow q over a page 5 of 2kB\n"
        "flow k over a block 5kB every 40ms times 10\n"
        "flow u over a burst 1MB pause 5s\n"
        "flow c over a,b cbr 100kbit packet 500B\n"
        "run 10s until done\nwarmup 2s\nsample 5ms\nseed 7\n"
        "stack ack_delay 0s rto_min 300ms rcvbuf_init 32kB user_timeout 20s\n");
    const struct sim_scn_flow *f = s->flow;

    (void)state;
    assert_int_equal(s->flow_n, 9);
    assert_int_equal(f[0].path_n, 3);
    assert_int_equal(f[0].path[1].hop_n, 2);
    assert_string_equal(f[0].cc, "olia");
    assert_string_equal(f[0].sched, "blest");
    assert_string_equal(f[0].pm, "on-demand");
    assert_int_equal(f[0].demand_bytes, 1000000);
    assert_int_equal(f[0].count, 3);
    assert_int_equal(f[0].start.lo, 1000000);
    assert_int_equal(f[0].start.hi, 2000000);
    assert_int_equal(f[0].stop, 9000000);
    assert_int_equal(f[0].rcvbuf, 131072);
    assert_int_equal(f[0].backup, 2);
    assert_true(f[0].nodelay && f[0].ecn && f[0].checksum && !f[0].tcp);
    assert_int_equal(f[1].traffic, SIM_SCN_FIXED);
    assert_int_equal(f[1].size, 2000000);
    assert_true(f[1].tcp && f[1].reverse && f[1].exponential);
    assert_true(f[2].ecmp);
    assert_int_equal(f[2].subflows, 4);
    assert_int_equal(f[3].response, 20000);
    assert_int_equal(f[3].times, 9);
    assert_int_equal(f[4].objects, 54);
    assert_int_equal(f[4].conns, 4);
    assert_int_equal(f[5].conns, 6);
    assert_int_equal(f[6].every, 40000);
    assert_int_equal(f[7].traffic, SIM_SCN_BURSTS);
    assert_int_equal(f[8].packet, 500);
    assert_true(s->until_done);
    assert_int_equal(s->seed, 7);
    assert_int_equal(s->sample, 5000);
    assert_int_equal(s->stack.rto_min, 300000);
    assert_int_equal(s->stack.conn.user_timeout, 20000000);
    sim_scn_free(s);
}

static void test_parameters(void **state)
{
    static const char text[] = "param cc = lia   # a comment\nparam n = 3\nparam c = 2mbit\n"
                               "let total = n * c\n"
                               "link a rate {total} rtt \\\n  20ms queue {2 * total * 20ms}\n"
                               "for i in 1..{n}\nflow f{i} over a cc {cc}\nend\n"
                               "for w in reno, cubic ewtcp\nflow {w}_ over a cc {w}\nend\n"
                               "for i in 2..1\nnonsense\nfor j in 1..2\nend\nend\n"
                               "if cc == lia and n >= 3\nflow x over a\nelse\nflow y over a\nend\n"
                               "if 1 > 2\nif 1\nend\nelse\nflow z over a\nend\n"
                               "title \"a # b\"\nrun 1s\nreport r = sum(f*.goodput) / f1.total\n"
                               "report q = f1.goodput / c + n * min(f1.jain, 2) + total / 1mbit\n";
    struct sim_scn_set set[] = {{"cc", "olia"}, {"n", "2"}};
    struct sim_scn *s = good(text);

    (void)state;
    assert_int_equal(s->flow_n, 3 + 3 + 1 + 1);
    assert_int_equal(s->link[0].dir[0].cfg.rate, 6000000);
    assert_int_equal(s->link[0].dir[0].cfg.queue, 30000);
    assert_string_equal(s->flow[2].name, "f3");
    assert_string_equal(s->flow[2].cc, "lia");
    assert_string_equal(s->flow[5].name, "ewtcp_");
    assert_string_equal(s->flow[6].name, "x");
    assert_string_equal(s->flow[7].name, "z");
    assert_string_equal(s->title, "a # b");
    assert_int_equal(s->param_n, 3);
    assert_string_equal(s->report[0].expr, "sum(f*.goodput) / f1.total");
    assert_string_equal(s->report[1].expr,
                        "f1.goodput / 2000000bit + 3 * min(f1.jain, 2) + 6000000bit / 1mbit");
    assert_string_equal(s->param[2].text, "2mbit");
    sim_scn_free(s);
    s = parse_set(text, set, 2);
    assert_non_null(s);
    assert_int_equal(s->link[0].dir[0].cfg.rate, 4000000);
    assert_string_equal(s->flow[0].cc, "olia");
    assert_string_equal(s->flow[5].name, "y");
    assert_true(s->param[0].given && !s->param[2].given);
    sim_scn_free(s);
}

static void test_events(void **state)
{
    struct sim_scn *s = good("link a rate 10mbit rtt 20ms queue 10ms\nlink b rate 1mbit\n"
                             "flow f over a|b\n"
                             "at 3s flow f path 2 backup\nat 1s link a rate 1mbit back loss 2%\n"
                             "at 2s flow f path 1 remove\nat 1s link b down\n"
                             "box f 2 strip:mp_dss:synack/up\nrun 9s\n");
    struct sim_scn_dir dir = s->link[0].dir[0];

    (void)state;
    assert_int_equal(s->event_n, 4); /* by time, and as in the file */
    assert_int_equal(s->event[0].link, 0);
    assert_int_equal(s->event[1].link, 1);
    assert_int_equal(s->event[2].what, SIM_SCN_PATH_GONE);
    assert_int_equal(s->event[3].what, SIM_SCN_PATH_PRIO);
    assert_true(s->event[3].flag && s->event[1].dir[1].cfg.down);
    sim_scn_dir_apply(&dir, &s->event[0].dir[0]);
    assert_int_equal(dir.cfg.rate, 1000000);
    assert_int_equal(dir.cfg.delay, 10000);
    assert_int_equal(dir.cfg.queue, 3000); /* 10 ms are less now */
    assert_int_equal(s->event[0].dir[0].set & SIM_SCN_LOSS_SET, 0);
    assert_int_equal(s->event[0].dir[1].cfg.loss_ppm, 20000);
    assert_int_equal(s->box_n, 1);
    sim_scn_free(s);
}

/* Each link of the tree, and paths that lead from a host to another one without a gap. */
static void test_fattree(void **state)
{
    struct sim_scn *s = good("fattree t k 4 rate 100mbit delay 20us\n"
                             "flow p across t permutation paths 4\n"
                             "flow e across t stride 3 subflows 8 cc lia\n"
                             "flow two across t from 1 to 16\nrun 1s\n"
                             "report l = t.load\n");
    const struct sim_scn_flow *p = &s->flow[0], *e = &s->flow[1];
    bool to[16] = {false};

    (void)state;
    assert_int_equal(s->link_n, 3 * 16);
    assert_int_equal(p->count, 16);
    assert_true(p->apart && !p->ecmp && e->ecmp);
    for (unsigned i = 0; i < 16; i++) {
        const struct sim_scn_path *path = &p->path[i * 4];
        unsigned end = path->hop[path->hop_n - 1].link;
        assert_int_equal(path->hop[0].link, i);
        assert_in_range(end, 0, 15);
        assert_int_not_equal(end, i);
        assert_false(to[end]);
        to[end] = true;
        for (unsigned k = 0; k < 4; k++)
            assert_true(path[k].hop_n == 2 || path[k].hop_n == 4 || path[k].hop_n == 6);
    }
    assert_int_equal(e->path_n, 4);
    assert_int_equal(e->path[1].hop_n, 4); /* 1 to 4 are of one pod, which has two ways */
    assert_int_equal(e->path[2].hop_n, 0);
    assert_int_equal(e->path[4 + 3].hop_n, 6);
    assert_int_equal(s->flow[2].path[0].hop_n, 6);
    assert_int_equal(s->flow[2].path[0].hop[5].link, 15);
    for (unsigned i = 0; i < 4; i++) /* each by another core switch */
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(s->flow[2].path[i].hop[2].link, s->flow[2].path[k].hop[2].link);
    sim_scn_free(s);
}

/* ---- what is not ----------------------------------------------------------------------------- */

static const struct mistake {
    const char *text;
    uint32_t line, column;
    const char *tells;
} mistakes[] = {
    {"frob a", 1, 1, "expected a statement: title param"},
    {"\n\nlink", 3, 5, "expected the name of a link"},
    {"link 9", 1, 6, "a letter, then letters"},
    {"link abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", 1, 6, "at most 47 letters"},
    {"link a rate 1mbit\nlink a rate 1mbit", 2, 6, "there is a link or flow 'a' already"},
    {"link a speed 3", 1, 8, "expected a word of a link, not 'speed'; there are: rate"},
    {"link a rate", 1, 12, "expected a rate, as 10mbit"},
    {"link a rate 10", 1, 13, "expected a rate, as 10mbit or 1000pps, not a number without a unit"},
    {"link a rate 10mbps", 1, 13, "'10mbps' is not: a unit that there is"},
    {"link a rate fast", 1, 13, "not 'fast'"},
    {"link a rate -1mbit", 1, 13, "not '-1mbit'"},
    {"link a rate 1bit", 1, 13, "a rate from 1kbit to 1000gbit"},
    {"link a delay 10", 1, 14, "expected a time, as 10ms, not a number"},
    {"link a delay 999999999s", 1, 14, "at most a year"},
    {"link a loss 200%", 1, 13, "at most 1, which is 100%"},
    {"link a rate 1mbit queue 5", 1, 25, "expected a size, packets or a time"},
    {"link a rate 1mbit queue 0pkt", 1, 25, "a queue of at least a packet"},
    {"link a queue 5pkt", 1, 6, "link 'a' has no rate, so nothing waits; say `rate 10mbit`"},
    {"link a rate 1mbit tail 3kB 1%", 1, 24, "expected 1pkt to 1000000pkt"},
    {"link a rate 1mbit tail 0pkt 1%", 1, 24, "expected 1pkt to 1000000pkt"},
    {"link a rate 1mbit tail 3pkt", 1, 28, "expected a share"},
    {"link a tail 3pkt 1%", 1, 6, "link 'a' has no rate, so nothing waits"},
    {"link a rate 1mbit red 5pkt 5pkt 1%", 1, 28, "0 < MIN < MAX"},
    {"link a mtu 100B", 1, 12, "at least 576B"},
    {"link a mtu 100000B", 1, 12, "a size of at most 65535 bytes"},
    {"link a mtu 3s", 1, 12, "expected a size, as 64kB or 100pkt, not a time"},
    {"link a back delay 1s back delay 2s", 1, 22, "'back' once"},
    {"flow f", 1, 6, "flow 'f' has no path; say `over LINK`"},
    {"flow f over", 1, 12, "expected the name of a link"},
    {"flow f over x", 1, 13, "there is no link 'x'"},
    {"link a rate 1mbit\nflow f over a |", 2, 16, "expected the name of a link"},
    {"link a rate 1mbit\nflow f over a||a", 2, 13, "the name of a link before '|'"},
    {"link a rate 1mbit\nflow f over a,a,a,a,a,a,a,a", 2, 27, "a path of at most 7 links"},
    {"link a rate 1mbit\nflow f over a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a|a", 2, 13, "at most 16 paths"},
    {"link a rate 1mbit\nflow f over a over a", 2, 15, "known already"},
    {"link a delay 1ms\nflow f over a", 2, 6, "have no rate, so nothing limits it"},
    {"link a rate 1mbit\nflow a over a", 2, 6, "there is a link or flow 'a' already"},
    {"link a rate 1mbit\nflow f over a cc frob", 2, 18,
     "there is no congestion control 'frob'; there are: cubic"},
    {"link a rate 1mbit\nflow f over a sched frob", 2, 21, "there is no scheduler 'frob'"},
    {"link a rate 1mbit\nflow f over a pm frob", 2, 18, "there is no path manager 'frob'"},
    {"link a rate 1mbit\nflow f over a tcp mptcp", 2, 6, "is 'tcp' or 'mptcp', not both"},
    {"link a rate 1mbit\nflow f over a|a tcp", 2, 6, "is plain TCP, which has one path only"},
    {"link a rate 1mbit\nflow f over a|a cbr 1mbit", 2, 6, "over one path only"},
    {"link a rate 1mbit\nflow f over a size 1MB cbr 1mbit", 2, 24, "carries one thing only"},
    {"link a rate 1mbit\nflow f over a size 0B", 2, 20, "a size of at least a byte"},
    {"link a rate 1mbit\nflow f over a on 1s", 2, 6, "needs both 'on' and 'off'"},
    {"link a rate 1mbit\nflow f over a on 0s", 2, 18, "at least a microsecond"},
    {"link a rate 1mbit\nflow f over a block 1kB every 1s on 1s off 1s", 2, 6, "are for bulk"},
    {"link a rate 1mbit\nflow f over a times 3", 2, 6, "has 'times'"},
    {"link a rate 1mbit\nflow f over a think 3s", 2, 6, "has 'think'"},
    {"link a rate 1mbit\nflow f over a rate 1mbit page 1 of 1kB", 2, 6, "has 'rate'"},
    {"link a rate 1mbit\nflow f over a reverse request 1B response 1B", 2, 6, "has 'reverse'"},
    {"link a rate 1mbit\nflow f over a backup 2", 2, 6, "a 'backup' path that is not there"},
    {"link a rate 1mbit\nflow f over a start 2s stop 1s", 2, 6, "stops before it starts"},
    {"link a rate 1mbit\nflow f over a start 2s..1s", 2, 21, "a later time behind '..'"},
    {"link a rate 1mbit\nflow f over a request 1B", 2, 25, "expected 'response'"},
    {"link a rate 1mbit\nflow f over a request 0B response 1B", 2, 35, "of at least a byte"},
    {"link a rate 1mbit\nflow f over a block 1kB each 1s", 2, 25, "expected 'every', not 'each'"},
    {"link a rate 1mbit\nflow f over a block 1kB every 0s", 2, 31, "a microsecond apart"},
    {"link a rate 1mbit\nflow f over a burst 1kB pause 0s", 2, 31, "a microsecond apart"},
    {"link a rate 1mbit\nflow f over a page 0 of 1kB", 2, 20, "a whole number from 1 to 10000"},
    {"link a rate 1mbit\nflow f over a page 1.5 of 1kB", 2, 20, "a whole number from 1 to 10000"},
    {"link a rate 1mbit\nflow f over a page 1 of 0B", 2, 25, "objects of at least a byte"},
    {"link a rate 1mbit\nflow f over a cbr 1mbit packet 20B", 2, 32, "packets of at least 64B"},
    {"link a rate 1mbit\nflow f over a sndbuf 1kB", 2, 22, "a buffer of at least 4096B"},
    {"link a rate 1mbit\nflow f over a count 5000", 2, 21, "from 1 to 4096"},
    {"link a rate 1mbit\nflow f over a count 4000\nflow g over a count 4000", 3, 6,
     "at most 4096 connections"},
    {"fattree", 1, 8, "expected the name of a tree"},
    {"fattree t k 3", 1, 13, "an even k"},
    {"fattree t k 40", 1, 13, "from 2 to 16"},
    {"fattree t k 4", 1, 9, "the links of 't' have no rate"},
    {"fattree t k 4 rate 1mbit\nflow f across u stride 1", 2, 15, "there is no fattree 'u'"},
    {"fattree t k 4 rate 1mbit\nflow f across t", 2, 16, "expected permutation, stride N"},
    {"fattree t k 4 rate 1mbit\nflow f across t all", 2, 17, "not 'all'"},
    {"fattree t k 4 rate 1mbit\nflow f across t stride 16", 2, 24, "from 1 to 15"},
    {"fattree t k 4 rate 1mbit\nflow f across t random 0", 2, 24, "at least one sends"},
    {"fattree t k 4 rate 1mbit\nflow f across t from 1 to 1", 2, 27, "two different hosts"},
    {"fattree t k 4 rate 1mbit\nflow f across t stride 1 count 3", 2, 26, "follows from the"},
    {"fattree t k 4 rate 1mbit\nflow f count 2 across t stride 1", 2, 23, "follows from the"},
    {"fattree t k 4 rate 1mbit\nflow f across t stride 1\nbox f 1 nat", 3, 7, "that the file nam"},
    {"box g", 1, 5, "there is no flow 'g'"},
    {"link a rate 1mbit\nflow f over a\nbox f 2 nat", 3, 7, "a whole number from 1 to 1"},
    {"link a rate 1mbit\nflow f over a\nbox f 1 frob", 3, 9, "there is no middlebox 'frob'"},
    {"link a rate 1mbit\nflow f over a cbr 1mbit\nbox f 1 nat", 3, 5, "'f' has no connection"},
    {"at", 1, 3, "expected a time"},
    {"at 1s", 1, 6, "expected 'link' or 'flow'"},
    {"at 1s link", 1, 11, "expected the name of a link"},
    {"at 1s link x", 1, 12, "there is no link 'x'"},
    {"link a rate 1mbit\nat 1s link a", 2, 13, "expected what becomes of it"},
    {"link a rate 1mbit\nflow f over a\nat 1s flow f path 1 frob", 3, 21, "not 'frob'"},
    {"link a rate 1mbit\nflow f over a\nat 1s flow f 1", 3, 14, "expected 'path', not '1'"},
    {"link a rate 1mbit\nflow f over a\nat 1s flow f path 1 up up", 3, 24, "the end of the line"},
    {"stack", 1, 6, "expected a word of 'stack'"},
    {"stack frob 1", 1, 7, "expected a word of 'stack', not 'frob'"},
    {"title x", 1, 7, "a text between '\"'"},
    {"title \"x", 1, 7, "a '\"' is missing"},
    {"run", 1, 4, "expected a time"},
    {"run 0s", 1, 5, "a run of some time"},
    {"run 1s until", 1, 13, "expected 'done'"},
    {"run 1s 2s", 1, 8, "the end of the line, not '2s'"},
    {"sample 1us", 1, 8, "at least 1ms"},
    {"seed 1.5", 1, 6, "a whole number"},
    {"param", 1, 6, "the name of a parameter"},
    {"param a", 1, 8, "expected '='"},
    {"param a =", 1, 10, "expected a value"},
    {"param a = 1 2", 1, 13, "the end of the line"},
    {"param a = 1\nparam a = 2", 2, 11, "there is a 'a' already"},
    {"if 1\nparam a = 2\nend", 2, 11, "outside of loops and conditions"},
    {"param a = 1\nlet a = 2", 2, 7, "'a' is a parameter"},
    {"let a =", 1, 8, "an expression is missing"},
    {"let a = 1 +", 1, 12, "a number, a name or a '('"},
    {"link a rate {1", 1, 13, "a '}' is missing"},
    {"link a rate {1mbit * b}", 1, 23, "there is no 'b'"},
    {"link a rate {b}", 1, 14, "there is no parameter 'b'"},
    {"link a rate {1mbit} {2}", 1, 21, "expected a word of a link, not '2'"},
    {"for", 1, 4, "the name of a loop's variable"},
    {"for i 1..2", 1, 7, "expected 'in', not '1..2'"},
    {"for i in", 1, 9, "what to go through"},
    {"for i in ,", 1, 10, "what to go through"},
    {"for i in 1..x", 1, 10, "expected whole numbers, as 1..5, not '1..x'"},
    {"for i in 1..2\n", 1, 1, "its `end` is missing"},
    {"for i in 2..1\nfoo\n", 1, 1, "its `end` is missing"},
    {"param i = 1\nfor i in 1..2\nend", 2, 5, "'i' is a parameter"},
    {"if 1\n", 1, 1, "its `end` is missing"},
    {"if 0\n", 1, 1, "its `end` is missing"},
    {"if 0\nelse\nelse\nend", 3, 1, "an `else` without its `if`"},
    {"else", 1, 1, "an `else` without its `if`"},
    {"end", 1, 1, "an `end` without its"},
    {"for i in 1..9999999\nend", 2, 1, "at most 200000 statements"},
    {"report", 1, 7, "the name of a report"},
    {"report r =", 1, 11, "an expression is missing"},
    {"report r = 1\nreport r = 1", 2, 10, "there is a report 'r' already"},
    {"report r = g.goodput" REST, 1, 12, "there is no flow or link 'g'"},
    {"report r = 1 + f.frob" REST, 1, 16, "'f.frob' has none of: goodput"},
    {"report r = a.frob" REST, 1, 12, "'a.frob' has none of: load"},
    {"report r = f.2.goodput" REST, 1, 12, "flow 'f' has paths 1 to 1"},
    {"report r = f.1.frob" REST, 1, 12, "'f.1.frob' has none of"},
    {"report r = f" REST, 1, 12, "'f' has none of"},
    {"report r = sum(g*.goodput)" REST, 1, 16, "there is no"},
    {"let x = 1ms\nreport r = f.goodput + x" REST, 2, 12, "of the same kind"},
    {"report r = f.goodput + f.time" REST, 1, 30, "of the same kind"},
    {"link a rate 1mbit\nrun 1s\n", 3, 1, "there is no flow"},
    {"link a rate 1mbit\nflow f over a\n", 3, 1, "how long it runs is missing"},
    {"link a rate 1mbit\nflow f over a\nrun 1s\nwarmup 1s\n", 5, 1, "the warm-up is as long"},
    {"link a rate 1mbit\nflow f over a\nrun 1s until done\n", 4, 1, "no flow has an end"},
    {"link a \001", 1, 8, "text, not the byte 0x01"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const struct mistake *m = &mistakes[i];
        struct sim_scn *s = parse_set(m->text, NULL, 0);
        if (s != NULL)
            fail_msg("was taken:\n%s", m->text);
        if (error.line != m->line || error.column != m->column ||
            strstr(error.text, m->tells) == NULL)
            fail_msg("%u:%u: %s\n  not %u:%u: %s\n  in:\n%s", error.line, error.column, error.text,
                     m->line, m->column, m->tells, m->text);
    }
}

static void test_parameters_from_outside(void **state)
{
    struct sim_scn_set unknown = {"b", "1"}, word = {"a", "lia"};

    (void)state;
    assert_null(parse_set("param a = 1" REST, &unknown, 1));
    assert_string_equal(error.text, "there is no parameter 'b'; there are: a");
    assert_int_equal(error.line, 0);
    assert_null(parse_set("param a = 1" REST, &word, 1));
    assert_string_equal(error.text, "'a' is a number without a unit, so it cannot be 'lia'");
}

/* Lines that are too long, by themselves and by what braces become; too many words; too deep. */
static void test_limits(void **state)
{
    char *text = malloc(200000);
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 5000);
    text[5000] = '\0';
    assert_null(parse_set(text, NULL, 0));
    assert_non_null(strstr(error.text, "at most 4095 bytes"));
    n = (size_t)sprintf(text, "let w = 123456789.123456\nlink a ");
    for (unsigned i = 0; i < 400; i++)
        n += (size_t)sprintf(text + n, "{w}");
    assert_null(parse_set(text, NULL, 0));
    assert_non_null(strstr(error.text, "at most 4095 bytes"));
    for (size_t i = n = 0; i < 600; i++)
        n += (size_t)sprintf(text + n, "x ");
    assert_null(parse_set(text, NULL, 0));
    assert_non_null(strstr(error.text, "at most 512 words"));
    for (size_t i = n = 0; i < 20; i++)
        n += (size_t)sprintf(text + n, "if 1\n");
    assert_null(parse_set(text, NULL, 0));
    assert_non_null(strstr(error.text, "at most 16 loops and conditions"));
    free(text);
    text = malloc(SIM_SCN_TEXT_MAX + 1);
    assert_non_null(text);
    memset(text, '\n', SIM_SCN_TEXT_MAX + 1);
    assert_null(sim_scn_parse(
        &(struct sim_scn_input){.text = text, .len = SIM_SCN_TEXT_MAX + 1}, &error));
    assert_non_null(strstr(error.text, "a file of at most 1048576 bytes"));
    free(text);
}

/* The same seed draws the same, another one something else. */
static void test_seed(void **state)
{
    static const char text[] = "seed 3\nlink a rate {rand(1, 1000000) * 1kbit}\nflow f over a\nrun "
                               "1s\n";
    struct sim_scn *one = good(text), *two = good(text), *other;

    (void)state;
    other = sim_scn_parse(
        &(struct sim_scn_input){
            .text = text, .len = sizeof text - 1, .seed_given = true, .seed = 4},
        &error);
    assert_non_null(other);
    assert_int_equal(one->seed, 3);
    assert_int_equal(other->seed, 4);
    assert_int_equal(one->link[0].dir[0].cfg.rate, two->link[0].dir[0].cfg.rate);
    assert_int_not_equal(one->link[0].dir[0].cfg.rate, other->link[0].dir[0].cfg.rate);
    sim_scn_free(one);
    sim_scn_free(two);
    sim_scn_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),      cmocka_unit_test(test_flows),
        cmocka_unit_test(test_parameters), cmocka_unit_test(test_events),
        cmocka_unit_test(test_fattree),    cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_parameters_from_outside),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
