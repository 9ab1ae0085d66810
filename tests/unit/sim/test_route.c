/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim.h"
#include "unit/base/cm.h"

enum { HOSTS = 60, PATHS = 16 };

static struct plait_addr host(unsigned i)
{
    return (struct plait_addr){.family = 4, .ip = {10, 1, (uint8_t)(i / 200), (uint8_t)(i % 200)}};
}

static const struct sim_route *find(const struct sim *sim, unsigned a, unsigned b, unsigned ports)
{
    struct plait_addr src = host(a), dst = host(b);

    src.port = 1; /* makes no difference */
    return sim_route_find(sim, &src, &dst, ports);
}

/* Each pair has its own, in a table that grew several times. */
static void test_pairs(void **state)
{
    struct sim *sim = sim_new(1);

    assert_null(find(sim, 0, 1, 0));
    for (unsigned a = 0; a < HOSTS; a++)
        for (unsigned b = 0; b < HOSTS; b++) {
            struct sim_route r = {
                .src = host(a), .dst = host(b), .hop_n = 1, .hop = {(uint16_t)(a * HOSTS + b)}};
            if (a != b)
                sim_route_add(sim, NULL, &r);
        }
    for (unsigned a = 0; a < HOSTS; a++)
        for (unsigned b = 0; b < HOSTS; b++) {
            const struct sim_route *r = find(sim, a, b, a);
            assert_int_equal(r == NULL, a == b);
            if (r != NULL)
                assert_int_equal(r->hop[0], a * HOSTS + b);
        }
    struct plait_addr v6 = {.family = 6, .ip = {10, 1, 0, 0}}, v4 = host(0);
    assert_null(sim_route_find(sim, &v6, &v4, 0));
    assert_null(find(sim, 0, HOSTS, 0));
    sim_free(sim);
}

/* Of many between the same two the ports choose one, each its own; without ecmp the first. */
static void test_alternatives(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_route r = {.src = host(1), .dst = host(2), .hop_n = 1};

    for (uint16_t i = 0; i < PATHS; i++) {
        r.ecmp = true;
        r.hop[0] = i;
        sim_route_add(sim, NULL, &r);
        struct sim_route back = {
            .src = r.dst, .dst = r.src, .hop_n = 1, .hop = {(uint16_t)(100 + i)}, .ecmp = true};
        sim_route_add(sim, NULL, &back);
    }
    for (unsigned ports = 1000; ports < 1000 + 3 * PATHS; ports++) {
        assert_int_equal(find(sim, 1, 2, ports)->hop[0], ports % PATHS);
        assert_int_equal(find(sim, 2, 1, ports)->hop[0], 100 + ports % PATHS);
    }
    for (unsigned i = 0; i < sim->route_n; i++)
        sim->route[i].ecmp = false;
    assert_int_equal(find(sim, 1, 2, 5)->hop[0], 0);
    sim_free(sim);
}

/* A copy of one that stands in the array that grows. */
static void test_copy(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_route r = {.src = host(1), .dst = host(2), .hop_n = 2, .hop = {300, 70}};

    sim_route_add(sim, NULL, &r);
    for (unsigned i = 0; i < 100; i++)
        sim_route_add(sim, NULL, &sim->route[0]);
    assert_int_equal(sim->route_n, 101);
    assert_int_equal(sim->route[100].hop[0], 300);
    assert_int_equal(sim->route[100].hop[1], 70);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
