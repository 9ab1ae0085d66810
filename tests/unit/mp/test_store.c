/* SPDX-License-Identifier: Apache-2.0 */
/* What the store keeps for a path that lags behind, and what its attic does. */
#include "cm.h"
#include "pair.h"

static struct pair p;

static void start(uint64_t seed, unsigned paths, uint64_t up)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, up, 100);
    pair_connect(&p);
}

/*= RFC 8684 3.3.2-4, 3.3.6-1 */
/* The store moves on while a dead path still wants megabytes of it, and when the path comes back,
 * what it carried is sent from the attic and closes its hole. */
static void attic_keeps_what_the_store_lets_go(void **state)
{
    struct mp_subflow *s;

    start(5, 2, 40 << 20);
    p.side[0].cfg.checksum = true;
    pair_run(&p, p.now + 600 * PLAIT_MSEC);
    p.path[1].down = true;
    pair_run(&p, p.now + 1500 * PLAIT_MSEC);
    s = pair_sub(&p, 0, 1);
    assert_true(s->stale && s->carry.count > 0);
    assert_true(s->attic != NULL && s->attic->to > 0 && s->attic->bytes.bytes > 0);
    assert_true(p.side[0].conn->store.begin > ((struct mp_carry *)ring_at(&s->carry, 0))->pos);
    p.path[1].down = false;
    pair_run(&p, p.now + 1300 * PLAIT_MSEC);
    assert_false(s->stale);
    assert_null(s->attic);
    assert_true(p.path[1].payload[0] > 0);
    pair_wind_up(&p, 40 << 20, 100);
}

/* Memory for the attic is refused: the path goes, the transfer does not. */
static void no_memory_for_the_attic(void **state)
{
    start(6, 2, 30 << 20);
    pair_run(&p, p.now + 600 * PLAIT_MSEC);
    p.path[1].down = true;
    p.side[0].ctx.pool.max = p.side[0].ctx.pool.used;
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    p.side[0].ctx.pool.max = 64 << 20;
    p.path[1].down = false;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 30 << 20);
    pair_wind_up(&p, 30 << 20, 100);
}

/* Not even for its head: the same, and nothing of the path is left. */
static void no_memory_for_the_head_of_an_attic(void **state)
{
    start(6, 2, 30 << 20);
    pair_run(&p, p.now + 600 * PLAIT_MSEC);
    p.path[1].down = true;
    p.refuse = sizeof(struct mp_attic);
    for (unsigned i = 0; i < 300 && p.refused == 0; i++)
        pair_run(&p, p.now + 10 * PLAIT_MSEC);
    assert_int_equal(p.refused, 1);
    p.refuse = 0;
    assert_true(pair_sub(&p, 0, 1) == NULL || pair_sub(&p, 0, 1)->phase == MP_PHASE_DOWN);
    p.path[1].down = false;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 30 << 20);
    pair_wind_up(&p, 30 << 20, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attic_keeps_what_the_store_lets_go),
        cmocka_unit_test(no_memory_for_the_attic),
        cmocka_unit_test(no_memory_for_the_head_of_an_attic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
