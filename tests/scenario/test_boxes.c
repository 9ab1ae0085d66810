/* SPDX-License-Identifier: Apache-2.0 */
/* Middleboxes alone and in pairs, in the way of one path, the other, or both of a connection with
 * two, and in the way of plain TCP; without and with DSS checksums; over IPv4 and IPv6, versions 0
 * and 1. Which ends are right says box_law.c; what came of it stands in doc/middleboxes.md.
 *
 *     scenario_boxes --table > doc/middleboxes.md      (`make middleboxes`)
 *     scenario_boxes --all SLICE SLICES                 every pair, one slice of so many
 *     scenario_boxes --run NAME[+NAME] CASE             one run, as a failure prints it;
 *                                                       PLAIT_PCAP=file records it
 *     scenario_boxes --seed N                           another sample of pairs */
#include "box_case.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 1200, SHOWN = 40 };

static unsigned failures;
static uint64_t seed = 1;

static enum box_end run(const struct box_case *c)
{
    struct box_result r = box_run(c);
    unsigned law = box_law(c);
    char name[120];

    if ((r.end & law) != 0)
        return r.end;
    box_tell(c, name, sizeof name);
    if (failures++ < SHOWN)
        fprintf(stderr, "%s: %s: %s\n", name, box_end_name(r.end), r.note);
    return r.end;
}

static struct box_case case_of(unsigned first, unsigned second, enum box_place place, bool csum)
{
    struct box_case c = {.place = place, .csum = csum, .family = 4, .version = 1};

    sim_box_row(first, &c.box[0]);
    if (second < sim_box_rows())
        sim_box_row(second, &c.box[1]);
    return c;
}

/* ---- the table ------------------------------------------------------------------------------ */

struct text {
    size_t n;
    char s[65536];
};

static void put(struct text *t, const char *s)
{
    size_t len = strlen(s);

    assert_true(t->n + len < sizeof t->s);
    memcpy(t->s + t->n, s, len + 1);
    t->n += len;
}

static void put_row(struct text *t, unsigned i)
{
    struct sim_box_row row;

    sim_box_row(i, &row);
    put(t, "| `");
    put(t, row.name);
    put(t, "` | ");
    put(t, row.does);
    put(t, " | ");
    put(t, row.seen);
    for (enum box_place place = 0; place < BOX_PLACES; place++) {
        struct box_case off = case_of(i, sim_box_rows(), place, false), on = off;
        on.csum = place != BOX_TCP;
        enum box_end end_off = run(&off), end_on = run(&on);
        put(t, " | ");
        put(t, box_end_name(end_off));
        if (end_on != end_off) {
            put(t, " / ");
            put(t, box_end_name(end_on));
        }
    }
    put(t, " |\n");
}

static char letter(enum box_end end)
{
    switch (end) {
    case BOX_MPTCP: return 'M';
    case BOX_PLAIN: return 'T';
    case BOX_EDITED: return 'b';
    case BOX_ERROR: return 'E';
    case BOX_WRONG: return 'w';
    default: return '!';
    }
}

/* One representative in front of each of the others, on both paths. */
static void put_pairs(struct text *t, unsigned number, unsigned first)
{
    struct sim_box_row row, second;
    char line[160];

    sim_box_row(first, &row);
    int n = snprintf(line, sizeof line, "%2u %-22s ", number, row.name);
    for (unsigned k = 0; k < sim_box_rows(); k++) {
        struct box_case c = case_of(first, k, BOX_BOTH, false);
        sim_box_row(k, &second);
        if (second.pairs)
            line[n++] = k == first ? '.' : letter(run(&c));
    }
    line[n++] = '\n';
    line[n] = '\0';
    put(t, line);
}

/* The numbers of the columns, tens above ones. */
static void put_numbers(struct text *t, unsigned n)
{
    char line[160];

    for (unsigned unit = 10; unit > 0; unit /= 10) {
        int at = snprintf(line, sizeof line, "%25s ", "");
        for (unsigned i = 1; i <= n; i++)
            line[at++] = unit > i ? ' ' : (char)('0' + i / unit % 10);
        line[at++] = '\n';
        line[at] = '\0';
        put(t, line);
    }
}

static const char intro[] =
    "# What middleboxes do to a connection\n\n"
    "Made by `make middleboxes` from runs in the simulator; a test fails where it is stale.\n\n"
    "A connection with two paths sends data both ways, with a rest of one second in the middle.\n"
    "The box stands on path 1, where the connection begins, on path 2, on both, or in the way of\n"
    "plain TCP. Where DSS checksums make a difference, what follows the stroke is the outcome\n"
    "with them.\n\n"
    "- **MPTCP**: every byte arrived, by MPTCP.\n"
    "- **plain TCP**: every byte arrived, by plain TCP: MPTCP's options do not pass.\n"
    "- **as the box wrote it**: every byte arrived, but for those that the box changed. Plain TCP\n"
    "  has no means to tell, nor has MPTCP without checksums. With them, the answer on an only\n"
    "  subflow is MP_FAIL, which makes the connection plain (RFC 8684 3.7): such a box is meant\n"
    "  to change bytes, and is let.\n"
    "- **wrong bytes**: without checksums a change of length parts bytes and mappings.\n"
    "- **error**: both ends have one, and its reason. Plain TCP dies with its flow in a firewall\n"
    "  or NAT; and a TCP that was told that its data arrived does not send it again.\n\n"
    "| box | what it does | seen in | path 1 | path 2 | both | plain TCP |\n"
    "|---|---|---|---|---|---|---|\n";
static const char pairs_intro[] =
    "\n## Pairs\n\n"
    "The representatives of each kind in pairs, both boxes on both paths, without checksums. The\n"
    "row is the box that the client's packets pass first, the column, by its number, the second:\n"
    "**M** MPTCP, **T** plain TCP, **b** as the box wrote it, **E** error, **w** wrong bytes.\n"
    "Every pair, at every place, is held against the rule in tests/scenario/box_law.c by\n"
    "`make middleboxes`.\n\n"
    "```\n";

static void make_table(struct text *t)
{
    unsigned pairs = 0, number = 0;
    struct sim_box_row row;

    put(t, intro);
    for (unsigned i = 0; i < sim_box_rows(); i++) {
        put_row(t, i);
        sim_box_row(i, &row);
        pairs += row.pairs;
    }
    put(t, pairs_intro);
    put_numbers(t, pairs);
    for (unsigned i = 0; i < sim_box_rows(); i++) {
        sim_box_row(i, &row);
        if (row.pairs)
            put_pairs(t, ++number, i);
    }
    put(t, "```\n");
}

static struct text made;

static void test_table(void **state)
{
    failures = 0;
    make_table(&made);
    assert_int_equal(failures, 0);
}

/* The committed table is the one that these runs make. */
static void test_table_is_fresh(void **state)
{
    static char have[sizeof made.s];
    FILE *f = fopen(TEST_DOC "/middleboxes.md", "r");

    assert_non_null(f);
    have[fread(have, 1, sizeof have - 1, f)] = '\0';
    fclose(f);
    if (strcmp(have, made.s) != 0)
        fail_msg("doc/middleboxes.md is stale: run `make middleboxes` and look at what changed");
}

/* Each box of the table meets something to act on. */
static void test_each_acts(void **state)
{
    for (unsigned i = 0; i < sim_box_rows(); i++) {
        struct box_case c = case_of(i, sim_box_rows(), BOX_BOTH, true);
        c.fastopen = strstr(c.box[0].name, "tfo") != NULL;
        if (box_run(&c).touched == 0 && (!c.box[0].rare || c.fastopen))
            fail_msg("%s does nothing", c.box[0].name);
    }
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static struct box_case draw(struct sim_rng *rng)
{
    unsigned n = sim_box_rows();
    unsigned first = (unsigned)sim_rng_below(rng, n), second = (unsigned)sim_rng_below(rng, n);
    struct box_case c = case_of(first, second, (enum box_place)sim_rng_below(rng, BOX_PLACES),
                                sim_rng_below(rng, 2) != 0);

    c.family = sim_rng_below(rng, 3) == 0 ? 6 : 4;
    c.version = sim_rng_below(rng, 3) == 0 ? 0 : 1;
    c.late = c.place != BOX_TCP && sim_rng_below(rng, 4) == 0;
    c.fastopen = sim_rng_below(rng, 4) == 0;
    c.close = (enum box_close)sim_rng_below(rng, BOX_CLOSES);
    return c;
}

static void test_pairs(void **state)
{
    const char *runs = getenv("PLAIT_RUNS");
    unsigned n = runs != NULL ? (unsigned)strtoul(runs, NULL, 10) : SAMPLE;
    struct sim_rng rng;

    failures = 0;
    sim_rng_init(&rng, seed);
    for (unsigned i = 0; i < n; i++) {
        struct box_case c = draw(&rng);
        run(&c);
    }
    assert_int_equal(failures, 0);
}

/* Every pair at every place, with and without checksums; the rest of the case is drawn. */
static int run_all(unsigned slice, unsigned slices)
{
    unsigned n = sim_box_rows();
    struct sim_rng rng;

    sim_rng_init(&rng, seed + slice);
    for (unsigned i = slice; i < n; i += slices) {
        for (unsigned k = 0; k < n * BOX_PLACES * 2; k++) {
            struct box_case c = draw(&rng);
            sim_box_row(i, &c.box[0]);
            sim_box_row(k / 2 / BOX_PLACES, &c.box[1]);
            c.place = k / 2 % BOX_PLACES;
            c.csum = k % 2;
            c.late = c.late && c.place != BOX_TCP;
            run(&c);
        }
        fprintf(stderr, "\r%u of %u boxes, with each other; %u failures ", i + 1, n, failures);
    }
    fputc('\n', stderr);
    return failures > 0;
}

/* ---- one run -------------------------------------------------------------------------------- */

static void find_row(const char *name, struct sim_box_row *row)
{
    for (unsigned i = 0; i < sim_box_rows(); i++) {
        sim_box_row(i, row);
        if (strcmp(row->name, name) == 0)
            return;
    }
    fail_msg("no box %s", name);
}

/* False: there is no such case. */
static bool read_case(const char *names, const char *rest, struct box_case *c)
{
    const char *plus = strchr(names, '+');
    char first[sizeof c->box[0].name];
    int v[7];

    if (sscanf(rest, "%d,%d,%d,%d,%d,%d,%d", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]) != 7)
        return false;
    *c = (struct box_case){
        .place = (enum box_place)v[0], .csum = v[1], .family = (uint8_t)v[2],
        .version = (uint8_t)v[3], .late = v[4], .fastopen = v[5], .close = (enum box_close)v[6],
    };
    snprintf(first, sizeof first, "%.*s", plus != NULL ? (int)(plus - names) : 39, names);
    find_row(first, &c->box[0]);
    if (plus != NULL)
        find_row(plus + 1, &c->box[1]);
    return true;
}

static int run_one(const char *names, const char *rest)
{
    struct box_case c;

    if (!read_case(names, rest, &c))
        return 2;
    struct box_result r = box_run(&c);
    printf("%s: %s; touched %llu\n", box_end_name(r.end), r.note, (unsigned long long)r.touched);
    return (r.end & box_law(&c)) == 0;
}

/* Runs that once came to a wrong end, with what was wrong. */
static const struct found {
    const char *names, *rest;
} found[] = {
    /* reinjected on the same path again and again */
    {"ecn:mark+reseg:drop", "0,0,4,1,0,0,0"},
    {"clamp+strip:mp_dss/down", "1,0,4,0,1,1,1"},
    {"merge:last+ecn:mark", "0,1,6,0,0,0,1"},
    {"reseg:drop+clamp", "0,0,6,1,0,1,1"},
    {"reseg:drop+strip:mss", "0,0,4,0,0,0,1"},
    /* a small window, and the override timeout of another path */
    {"strip:wscale:synack+clamp", "2,0,4,1,1,0,0"},
    /* plain at one end while a join was answered */
    {"strip:mp_dss:from=8+clamp", "0,1,6,0,0,0,1"},
    {"clamp+rewrite", "0,1,6,1,0,0,2"},
    {"rewrite/up+csum", "0,1,4,1,0,1,1"},
    {"rewrite+csum", "0,1,6,1,0,0,0"},
    /* the infinite mapping that MP_FAIL had asked for, with numbers that a box had moved */
    {"rewrite:shrink+strip:wscale:synack", "0,1,4,0,0,1,2"},
    /* the only path forgotten, and TCP more patient than the user */
    {"firewall:drop+strip:add_addr", "2,0,4,1,0,0,2"},
    {"strip:add_addr+firewall:drop", "2,1,6,1,0,1,1"},
};

static void test_found(void **state)
{
    failures = 0;
    for (unsigned i = 0; i < sizeof found / sizeof found[0]; i++) {
        struct box_case c;
        assert_true(read_case(found[i].names, found[i].rest, &c));
        run(&c);
    }
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_is_fresh),
        cmocka_unit_test(test_each_acts),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_found),
    };

    if (argc == 4 && strcmp(argv[1], "--run") == 0)
        return run_one(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "--all") == 0)
        return run_all((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    if (argc == 2 && strcmp(argv[1], "--table") == 0) {
        make_table(&made);
        fputs(made.s, stdout);
        return failures > 0;
    }
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        seed = strtoull(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
