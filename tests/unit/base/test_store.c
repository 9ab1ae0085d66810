/* SPDX-License-Identifier: Apache-2.0 */
/* The send store against a naive model: a window over the pattern. */
#include "base/csum.h"
#include "base/store.h"

#include "cm.h"
#include "testenv.h"

struct fixture {
    struct testenv t;
    struct block_pool pool;
    struct store s;
};

static void start(struct fixture *f, uint64_t seed, uint64_t begin)
{
    testenv_init(&f->t, seed);
    block_pool_init(&f->pool, &f->t.env, (uint64_t)64 << 20);
    store_init(&f->s, &f->pool, begin);
}

static void stop(struct fixture *f)
{
    store_fini(&f->s);
    assert_int_equal(f->pool.used, 0);
    block_pool_fini(&f->pool);
    assert_int_equal(f->t.live, 0);
}

static size_t append(struct fixture *f, size_t len)
{
    static uint8_t bytes[300000];

    assert_true(len <= sizeof bytes);
    pattern_fill(bytes, f->s.end, len);
    return store_append(&f->s, bytes, len);
}

static void check_views(struct fixture *f, uint64_t pos, uint32_t len)
{
    struct store_view v[STORE_VIEWS_MAX];
    uint32_t n = store_views(&f->s, pos, len, v, STORE_VIEWS_MAX);

    assert_true(n > 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(v[i].len > 0 && v[i].len <= len);
        assert_true(pattern_ok(v[i].data, pos, v[i].len));
        pos += v[i].len;
        len -= (uint32_t)v[i].len;
    }
    assert_int_equal(len, 0);
}

static void chatty_costs_little(void **state)
{
    struct fixture f;

    start(&f, 1, 77);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(append(&f, 100), 100);
        assert_int_equal(f.pool.used, 2048);
        check_views(&f, f.s.begin, 100);
        store_release(&f.s, f.s.end);
        assert_int_equal(f.pool.used, 0);
    }
    stop(&f);
}

static void views_refuse_what_is_not_held(void **state)
{
    struct fixture f;
    struct store_view v[STORE_VIEWS_MAX];

    start(&f, 1, 1000);
    assert_int_equal(store_views(&f.s, 1000, 1, v, 3), 0);
    append(&f, 500);
    assert_int_equal(store_views(&f.s, 999, 1, v, 3), 0);
    assert_int_equal(store_views(&f.s, 1500, 1, v, 3), 0);
    assert_int_equal(store_views(&f.s, 1400, 101, v, 3), 0);
    assert_int_equal(store_views(&f.s, 1400, 0, v, 3), 0);
    assert_int_equal(store_views(&f.s, 1400, UINT32_MAX, v, 3), 0);
    assert_int_equal(store_views(&f.s, 1000, 500, v, 0), 0);
    check_views(&f, 1499, 1);
    store_release(&f.s, 1200);
    assert_int_equal(store_views(&f.s, 1199, 10, v, 3), 0);
    check_views(&f, 1200, 300);
    store_release(&f.s, 1100); /* nothing to forget */
    assert_int_equal(f.s.begin, 1200);
    stop(&f);
}

/* However the writes fell, a super-segment touches at most three blocks. */
static void super_segments_need_three_views(void **state)
{
    for (uint64_t seed = 1; seed < 40; seed++) {
        struct fixture f;
        start(&f, seed, seed * 12345);
        append(&f, 1 + (size_t)dice_roll(&f.t, 3000));
        append(&f, 1 + (size_t)dice_roll(&f.t, 30000));
        append(&f, 1 + (size_t)dice_roll(&f.t, 3000));
        append(&f, 200000);
        for (unsigned i = 0; i < 200; i++)
            check_views(&f, f.s.begin + dice_roll(&f.t, f.s.end - f.s.begin - 65535), 65535);
        stop(&f);
    }
}

static void views_from_where_a_block_starts(void **state)
{
    struct fixture f;

    start(&f, 1, 0);
    append(&f, 100);
    append(&f, 300000);
    for (uint32_t i = 0; i < f.s.count; i++) {
        uint64_t pos = f.s.ring[(f.s.first + i) & (f.s.ring_cap - 1)]->pos;
        check_views(&f, pos, 1);
        if (pos > 0)
            check_views(&f, pos - 1, 2);
    }
    stop(&f);
}

static void random_operations(void **state)
{
    for (uint64_t seed = 1; seed < 40; seed++) {
        struct fixture f;
        uint64_t begin = seed << 40, end = begin;
        start(&f, seed, begin);
        f.pool.max = 2000000;
        for (unsigned i = 0; i < 300; i++) {
            unsigned dice = (unsigned)dice_roll(&f.t, 4);
            if (dice < 2) {
                size_t len = (size_t)dice_roll(&f.t, dice == 0 ? 200 : 90000), took;
                uint64_t refused = f.pool.refused;
                took = append(&f, len);
                end += took;
                assert_true(took == len || f.pool.refused > refused);
            } else if (dice == 2) {
                uint64_t n = dice_roll(&f.t, end - begin + 1);
                begin += n > 200000 ? 200000 : n;
                store_release(&f.s, begin);
            } else if (end > begin) {
                uint64_t pos = begin + dice_roll(&f.t, end - begin);
                check_views(&f, pos, (uint32_t)(end - pos > 65535 ? 65535 : end - pos));
            }
            assert_true(f.s.begin == begin && f.s.end == end);
        }
        stop(&f);
    }
}

static void failing_memory(void **state)
{
    for (int64_t fail = 0; fail < 20; fail++) {
        struct fixture f;
        size_t took;
        start(&f, 1, 0);
        f.t.fail_in = fail;
        took = append(&f, 300000);
        took += append(&f, 50);
        assert_int_equal(f.s.end, took);
        f.t.fail_in = -1;
        assert_int_equal(append(&f, 100000), 100000); /* it goes on as if nothing had been */
        check_views(&f, took > 1000 ? took - 1000 : 0, 30000);
        stop(&f);
    }
}

/* Room is lent, part of it is used, and the rest is lent again. */
static void lends_room(void **state)
{
    struct fixture f;
    uint8_t *room, *again;
    size_t n;

    start(&f, 3, 5);
    assert_int_equal(store_reserve(&f.s, 0, &room), 0);
    n = store_reserve(&f.s, 100000, &room);
    assert_true(n >= 2048 && n <= 100000);
    pattern_fill(room, f.s.end, 1000);
    store_commit(&f.s, 1000);
    assert_int_equal(f.s.end, 1005);
    assert_int_equal(store_reserve(&f.s, 10, &again), 10);
    assert_ptr_equal(again, room + 1000);
    store_commit(&f.s, 0);
    assert_int_equal(append(&f, 70000), 70000);
    check_views(&f, 5, 65000);
    stop(&f);
}

/* Whatever pieces it came in, and whatever part is asked for: what csum_add() says of the bytes. */
static void sums_are_those_of_the_bytes(void **state)
{
    static uint8_t bytes[300000];
    struct fixture f;
    uint64_t begin = 1001;

    for (int lent = 0; lent <= 1; lent++) {
        start(&f, 9, begin);
        store_keep_sums(&f.s);
        while (f.s.end < begin + 200000) {
            size_t len = 1 + (size_t)dice_roll(&f.t, 5000);
            uint8_t *room;
            if (lent) {
                len = store_reserve(&f.s, len, &room);
                pattern_fill(room, f.s.end, len);
                store_commit(&f.s, len);
            } else {
                assert_int_equal(append(&f, len), len);
            }
        }
        store_release(&f.s, begin + 70001);
        pattern_fill(bytes, f.s.begin, (size_t)(f.s.end - f.s.begin));
        for (int i = 0; i < 3000; i++) {
            uint32_t from = (uint32_t)dice_roll(&f.t, f.s.end - f.s.begin);
            uint32_t len = (uint32_t)dice_roll(&f.t, f.s.end - f.s.begin - from + 1);
            uint64_t sum = store_sum(&f.s, f.s.begin + from, len);
            assert_int_equal(csum_fold(sum), csum_fold(csum_add(0, bytes + from, len)));
        }
        check_views(&f, f.s.begin, 65535);
        stop(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chatty_costs_little),
        cmocka_unit_test(views_refuse_what_is_not_held),
        cmocka_unit_test(super_segments_need_three_views),
        cmocka_unit_test(views_from_where_a_block_starts),
        cmocka_unit_test(lends_room),
        cmocka_unit_test(sums_are_those_of_the_bytes),
        cmocka_unit_test(random_operations),
        cmocka_unit_test(failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
