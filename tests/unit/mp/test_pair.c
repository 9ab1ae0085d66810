/* SPDX-License-Identifier: Apache-2.0 */
/* Whole connections over paths of all sorts: every byte arrives, in order, once; both ends close;
 * nothing is left. A failing seed is printed; run with it as the argument to see it alone. */
#include "cm.h"
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t only_seed;

static void transfer(struct pair *p, uint64_t up, uint64_t down)
{
    pair_transfer(p, up, down);
    pair_connect(p);
    if (!pair_finish(p, 600 * PLAIT_SEC))
        print_error("seed %llu: not finished: read %llu of %llu and %llu of %llu\n",
                    (unsigned long long)p->seed, (unsigned long long)p->side[1].read,
                    (unsigned long long)up, (unsigned long long)p->side[0].read,
                    (unsigned long long)down);
    pair_expect_all(p, up, down);
    assert_null(p->side[0].conn);
    assert_null(p->side[1].conn);
    pair_fini(p);
}

static void one_path(void **state)
{
    struct pair p;

    pair_init(&p, 1, 1);
    transfer(&p, 1 << 20, 1 << 20);
}

static void two_paths_share(void **state)
{
    struct pair p;
    uint64_t first, second;

    pair_init(&p, 2, 2);
    pair_transfer(&p, 8 << 20, 0);
    pair_connect(&p);
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    pair_expect_all(&p, 8 << 20, 0);
    first = p.path[0].bytes[0];
    second = p.path[1].bytes[0];
    assert_true(first > (2 << 20) && second > (2 << 20));
    pair_fini(&p);
}

static void nothing_to_say(void **state)
{
    struct pair p;

    pair_init(&p, 3, 2);
    transfer(&p, 0, 0);
}

static void server_speaks_first(void **state)
{
    struct pair p;

    pair_init(&p, 4, 2);
    transfer(&p, 0, 3 << 20);
}

static void with_checksums(void **state)
{
    struct pair p;

    pair_init(&p, 5, 2);
    p.side[1].cfg.checksum = true;
    p.super = true;
    transfer(&p, 2 << 20, 2 << 20);
}

static void without_gso(void **state)
{
    struct pair p;

    pair_init(&p, 6, 2);
    p.side[0].locals.v[0].gso_max = p.side[0].locals.v[1].gso_max = 0;
    p.side[1].locals.v[0].gso_max = 0;
    transfer(&p, 2 << 20, 1 << 20);
}

static void random_paths(uint64_t seed)
{
    struct pair p;
    uint64_t up, down;

    pair_init(&p, seed, 1);
    p.paths = 1 + (unsigned)pair_roll(&p, 4);
    p.super = pair_roll(&p, 2) == 0;
    for (unsigned i = 1; i < p.paths; i++)
        pair_local(&p, 0, i, (uint8_t)(PLAIT_LOCAL_SUBFLOW |
                                       (pair_roll(&p, 5) == 0 ? PLAIT_LOCAL_BACKUP : 0)));
    if (pair_roll(&p, 3) == 0)
        pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    for (unsigned i = 0; i < PAIR_ADDRS; i++) {
        p.path[i] = (struct pair_path){
            .delay = 100 + pair_roll(&p, 40000), .rate = 100000 + pair_roll(&p, 20000000),
            .queue = 20000 + (uint32_t)pair_roll(&p, 300000),
            .loss_ppm = pair_roll(&p, 2) == 0 ? 0 : (uint32_t)pair_roll(&p, 50000),
            .reorder_ppm = pair_roll(&p, 2) == 0 ? 0 : (uint32_t)pair_roll(&p, 100000),
            .dup_ppm = pair_roll(&p, 3) == 0 ? (uint32_t)pair_roll(&p, 20000) : 0,
        };
    }
    for (int s = 0; s < 2; s++) {
        p.side[s].cfg.checksum = pair_roll(&p, 4) == 0;
        p.side[s].cfg.rcvbuf_init = 4096 + (uint32_t)pair_roll(&p, 300000);
        if (pair_roll(&p, 3) == 0)
            p.side[s].cfg.rcvbuf_max = p.side[s].cfg.rcvbuf_init;
    }
    up = pair_roll(&p, 3) == 0 ? pair_roll(&p, 2000) : pair_roll(&p, 1500000);
    down = pair_roll(&p, 3) == 0 ? 0 : pair_roll(&p, 1500000);
    transfer(&p, up, down);
}

static void seeds(void **state)
{
    uint64_t first = only_seed > 0 ? only_seed : 1000, n = only_seed > 0 ? 1 : 60;

    for (uint64_t seed = first; seed < first + n; seed++) {
        if (getenv("PAIR_VERBOSE") != NULL)
            print_message("seed %llu\n", (unsigned long long)seed);
        random_paths(seed);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_path), cmocka_unit_test(two_paths_share),
        cmocka_unit_test(nothing_to_say), cmocka_unit_test(server_speaks_first),
        cmocka_unit_test(with_checksums), cmocka_unit_test(without_gso),
        cmocka_unit_test(seeds),
    };
    const struct CMUnitTest one[] = { cmocka_unit_test(seeds) };

    if (argc > 1) {
        only_seed = strtoull(argv[1], NULL, 0);
        return cmocka_run_group_tests(one, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
