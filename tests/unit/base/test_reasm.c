/* SPDX-License-Identifier: Apache-2.0 */
/* Reassembly against a naive model: one byte of state for each position. */
#include "base/reasm.h"

#include "cm.h"
#include "testenv.h"
#include <stdlib.h>
#include <string.h>

enum { SPAN = 4096, MAX_BLOCKS = 64 };

struct fixture {
    struct testenv t;
    struct block_pool pool;
    struct reasm r;
};

static void start(struct fixture *f, uint64_t seed, uint64_t next)
{
    testenv_init(&f->t, seed);
    block_pool_init(&f->pool, &f->t.env, (uint64_t)64 << 20);
    reasm_init(&f->r, next);
}

static void stop(struct fixture *f)
{
    reasm_fini(&f->r, &f->pool);
    assert_int_equal(f->pool.used, 0);
    block_pool_fini(&f->pool);
    assert_int_equal(f->t.live, 0);
}

static struct plait_block *make(struct fixture *f, size_t size, uint64_t pos, uint32_t len)
{
    struct plait_block *b = block_get(&f->pool, size);

    assert_non_null(b);
    assert_true(size >= len);
    b->pos = pos;
    b->len = len;
    pattern_fill(b->data, pos, len);
    return b;
}

static uint64_t insert(struct fixture *f, uint64_t pos, uint32_t len)
{
    uint64_t kept = reasm_insert(&f->r, &f->pool, make(f, len, pos, len));

    assert_true(reasm_check(&f->r));
    return kept;
}

static void in_order_append_is_copied(void **state)
{
    struct fixture f;

    start(&f, 1, 1000);
    for (uint64_t pos = 1000; pos < 1000 + 2048; pos++)
        assert_int_equal(insert(&f, pos, 1), 1);
    assert_int_equal(f.r.blocks, 1);
    assert_int_equal(f.r.mem, 2048);
    assert_int_equal(insert(&f, 1000 + 2048, 1), 1);
    assert_int_equal(f.r.blocks, 2);
    assert_int_equal(reasm_inorder_end(&f.r), 1000 + 2049);
    assert_true(pattern_ok(reasm_peek(&f.r)->data, 1000, 2048));
    stop(&f);
}

/* A payload of half a block and more is worth its block: no second copy. */
static void full_blocks_are_not_copied(void **state)
{
    struct fixture f;
    struct plait_block *b;

    start(&f, 1, 0);
    insert(&f, 0, 900);
    b = make(&f, 2048, 900, 1100);
    assert_int_equal(reasm_insert(&f.r, &f.pool, b), 1100);
    assert_ptr_equal(f.r.tail, b);
    assert_true(reasm_check(&f.r) && f.r.blocks == 2);
    stop(&f);
}

static void small_payload_leaves_large_block(void **state)
{
    struct fixture f;

    start(&f, 1, 0);
    assert_int_equal(reasm_insert(&f.r, &f.pool, make(&f, 60000, 5000, 1448)), 1448);
    assert_true(reasm_check(&f.r));
    assert_int_equal(f.r.mem, 2048);
    f.pool.max = f.pool.used + 69632; /* no smaller block to be had: the large one is kept */
    assert_int_equal(reasm_insert(&f.r, &f.pool, make(&f, 60000, 9000, 1448)), 1448);
    assert_true(reasm_check(&f.r));
    assert_int_equal(f.r.mem, 2048 + 69632);
    stop(&f);
}

static void old_data_is_freed(void **state)
{
    struct fixture f;

    start(&f, 1, 100);
    assert_int_equal(insert(&f, 50, 50), 0);
    assert_int_equal(insert(&f, 50, 60), 10);
    assert_int_equal(insert(&f, 100, 10), 0);
    assert_int_equal(reasm_end(&f.r), 110);
    stop(&f);
}

/*= RFC 8684 3.3.1
 * Although the detailed specification of such operation is outside the scope of this document, an
 * implementation SHOULD treat the first data that is received at a subflow for the data sequence
 * space as the data that should be delivered to the application, and any subsequent data for that
 * sequence space SHOULD be ignored. */
static void first_copy_wins(void **state)
{
    struct fixture f;
    struct plait_block *b;

    start(&f, 1, 0);
    insert(&f, 100, 100);
    insert(&f, 300, 100);
    b = make(&f, 500, 50, 500);
    memset(b->data, 0, 500);
    assert_int_equal(reasm_insert(&f.r, &f.pool, b), 300);
    assert_true(reasm_check(&f.r));
    assert_int_equal(f.r.blocks, 1); /* what was held was absorbed */
    b = f.r.head;
    assert_true(pattern_ok(b->data + 50, 100, 100));
    assert_true(pattern_ok(b->data + 250, 300, 100));
    assert_int_equal(b->data[0], 0);
    assert_int_equal(b->data[499], 0);
    stop(&f);
}

static void lent_block_stays(void **state)
{
    struct fixture f;
    struct plait_block *lent;

    start(&f, 1, 0);
    insert(&f, 0, 1500);
    lent = reasm_peek(&f.r);
    const uint8_t *data = lent->data;
    assert_int_equal(reasm_insert(&f.r, &f.pool, make(&f, 60000, 0, 60000)), 58500);
    assert_true(reasm_check(&f.r));
    assert_ptr_equal(reasm_peek(&f.r), lent);
    assert_ptr_equal(lent->data, data);
    assert_int_equal(reasm_inorder_end(&f.r), 60000);
    stop(&f);
}

static void ranges_and_gaps(void **state)
{
    struct fixture f;
    struct reasm_range g[4];

    start(&f, 1, 10);
    insert(&f, 20, 1500);
    insert(&f, 1520, 1500);
    insert(&f, 3020, 1500);
    insert(&f, 5000, 10);
    assert_int_equal(reasm_gaps(&f.r, g, 4), 2);
    assert_true(g[0].lo == 20 && g[0].hi == 4520 && g[1].lo == 5000 && g[1].hi == 5010);
    assert_int_equal(reasm_gaps(&f.r, g, 1), 1);
    for (uint64_t pos = 20; pos < 4520; pos += 500) {
        assert_true(reasm_range_at(&f.r, pos, &g[0]));
        assert_true(g[0].lo == 20 && g[0].hi == 4520);
    }
    assert_false(reasm_range_at(&f.r, 4520, &g[0]));
    assert_false(reasm_range_at(&f.r, 10, &g[0]));
    assert_null(reasm_take(&f.r));
    insert(&f, 10, 10);
    assert_int_equal(reasm_inorder_end(&f.r), 4520);
    assert_int_equal(reasm_gaps(&f.r, g, 4), 1);
    assert_true(g[0].lo == 5000);
    stop(&f);
}

/* Single bytes, as far from each other as they can come, and then what is between them. */
static void scattered(void **state)
{
    enum { RUNS = 2048, STEP = 1021 };
    struct fixture f;
    struct reasm_range held;

    start(&f, 1, 0);
    for (uint64_t i = 0; i < RUNS; i++) {
        uint64_t pos = 1 + 2 * (i * STEP % RUNS);
        assert_int_equal(reasm_insert(&f.r, &f.pool, make(&f, 1, pos, 1)), 1);
        assert_true(reasm_range_at(&f.r, pos, &held) && held.lo == pos && held.hi == pos + 1);
        assert_false(reasm_range_at(&f.r, pos - 1, &held));
    }
    assert_true(reasm_check(&f.r));
    assert_int_equal(f.r.runs, RUNS);
    for (uint64_t i = 0; i < RUNS; i++)
        assert_int_equal(reasm_insert(&f.r, &f.pool, make(&f, 1, 2 * (i * STEP % RUNS), 1)), 1);
    assert_true(reasm_check(&f.r));
    assert_int_equal(f.r.runs, 1);
    assert_int_equal(reasm_inorder_end(&f.r), 2 * RUNS);
    assert_true(reasm_range_at(&f.r, RUNS, &held) && held.lo == 0 && held.hi == 2 * RUNS);
    stop(&f);
}

static void prune_spares_in_order(void **state)
{
    struct fixture f;

    start(&f, 1, 0);
    insert(&f, 0, 2000);
    insert(&f, 2000, 2000);
    insert(&f, 5000, 2000);
    insert(&f, 8000, 2000);
    assert_int_equal(reasm_prune(&f.r, &f.pool, 3 * 2048), 2000);
    assert_int_equal(reasm_end(&f.r), 7000);
    assert_int_equal(reasm_prune(&f.r, &f.pool, 0), 2000);
    assert_true(reasm_check(&f.r));
    assert_int_equal(reasm_inorder_end(&f.r), 4000);
    assert_int_equal(f.r.mem, 4096);
    stop(&f);
}

/* ---- the model ---- */

struct model {
    uint8_t held[SPAN]; /* 0: not held; else version of the copy that came first */
    uint64_t base, next;
};

static uint64_t model_insert(struct model *m, uint64_t pos, uint32_t len, uint8_t version)
{
    uint64_t fresh = 0;

    for (uint64_t p = pos; p < pos + len; p++) {
        if (p < m->next || m->held[p - m->base] != 0)
            continue;
        m->held[p - m->base] = version;
        fresh++;
    }
    return fresh;
}

static uint64_t model_inorder_end(const struct model *m)
{
    uint64_t p = m->next;

    while (p < m->base + SPAN && m->held[p - m->base] != 0)
        p++;
    return p;
}

/* Each byte is of the copy that came first. */
static void check_content(const struct model *m, const struct plait_block *b)
{
    for (uint32_t k = 0; k < b->len; k++) {
        uint8_t version = m->held[b->pos + k - m->base];
        assert_int_equal(b->data[k], (uint8_t)(pattern_byte(b->pos + k) + version));
    }
}

static void compare(const struct fixture *f, const struct model *m)
{
    uint64_t bytes = 0, p = m->next, hi = m->next;
    struct reasm_range g[64], at;
    uint32_t n = reasm_gaps(&f->r, g, 64), i = 0;

    assert_true(reasm_check(&f->r));
    for (const struct plait_block *b = f->r.head; b != NULL; b = b->next)
        check_content(m, b);
    for (; p < m->base + SPAN; p++) {
        bytes += m->held[p - m->base] != 0;
        hi = m->held[p - m->base] != 0 ? p + 1 : hi;
    }
    assert_int_equal(f->r.bytes, bytes);
    assert_int_equal(f->r.next, m->next);
    assert_int_equal(reasm_end(&f->r), hi);
    assert_int_equal(reasm_inorder_end(&f->r), model_inorder_end(m));
    for (p = model_inorder_end(m); p < m->base + SPAN;) {
        uint64_t lo = p;
        while (p < m->base + SPAN && m->held[p - m->base] != 0)
            p++;
        if (p > lo) {
            assert_true(i < n || n == 64);
            if (i < n)
                assert_true(g[i].lo == lo && g[i].hi == p);
            assert_true(reasm_range_at(&f->r, lo + (p - lo) / 2, &at) && at.lo == lo && at.hi == p);
            i++;
        } else {
            assert_false(reasm_range_at(&f->r, p, &at));
            p++;
        }
    }
    assert_true(n == 64 || n == i);
}

static void write_version(uint8_t *p, uint64_t pos, uint32_t len, uint8_t version)
{
    for (uint32_t i = 0; i < len; i++)
        p[i] = (uint8_t)(pattern_byte(pos + i) + version);
}

static void step_insert(struct fixture *f, struct model *m, uint8_t version)
{
    static const size_t sizes[] = { 0, 2048, 5000, 20000, 65536 };
    static uint8_t bytes[SPAN];
    uint64_t lo = m->next - m->base > 50 ? m->next - 50 : m->base;
    uint64_t pos = lo + dice_roll(&f->t, SPAN - (lo - m->base));
    uint64_t most = m->base + SPAN - pos;
    uint32_t len = (uint32_t)dice_roll(&f->t, dice_roll(&f->t, 4) == 0 ? 1200 : 40);

    if (dice_roll(&f->t, 3) == 0) /* often where a sender would go on */
        pos = dice_roll(&f->t, 2) == 0 ? reasm_end(&f->r) : reasm_inorder_end(&f->r);
    most = m->base + SPAN - pos;
    if (len > most)
        len = (uint32_t)most;
    write_version(bytes, pos, len, version);
    if (dice_roll(&f->t, 2) == 0) {
        assert_int_equal(reasm_insert_copy(&f->r, &f->pool, pos, bytes, len),
                         model_insert(m, pos, len, version));
    } else {
        size_t size = sizes[dice_roll(&f->t, 5)];
        size_t lead = (size_t)(dice_roll(&f->t, 2) * dice_roll(&f->t, 54));
        struct plait_block *b = block_get(&f->pool, (size > len ? size : len) + lead);
        assert_non_null(b);
        b->data += lead;
        if (len > 0)
            memcpy(b->data, bytes, len);
        b->pos = pos;
        b->len = len;
        assert_int_equal(reasm_insert(&f->r, &f->pool, b), model_insert(m, pos, len, version));
    }
}

static void step_remove(struct fixture *f, struct model *m)
{
    uint64_t inorder = reasm_inorder_end(&f->r) - f->r.next;

    if (dice_roll(&f->t, 2) == 0) {
        struct plait_block *b = reasm_take(&f->r);
        assert_int_equal(b != NULL, inorder > 0);
        if (b == NULL)
            return;
        check_content(m, b);
        m->next += b->len;
        block_put(&f->pool, b);
    } else {
        uint64_t n = dice_roll(&f->t, inorder + 1);
        reasm_consume(&f->r, &f->pool, n);
        m->next += n;
    }
}

static void step_prune(struct fixture *f, struct model *m)
{
    uint64_t target = dice_roll(&f->t, f->r.mem + 1), end = reasm_end(&f->r), now;

    reasm_prune(&f->r, &f->pool, target);
    now = reasm_end(&f->r);
    assert_true(f->r.mem <= target || now == reasm_inorder_end(&f->r));
    for (uint64_t p = now; p < end; p++)
        m->held[p - m->base] = 0;
}

static void random_operations(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct fixture f;
        struct model *m = calloc(1, sizeof *m);
        uint64_t base = seed * 0x100000000;

        m->base = m->next = base;
        start(&f, seed, base);
        for (unsigned i = 1; i <= 150 && m->next < base + SPAN; i++) {
            unsigned dice = (unsigned)dice_roll(&f.t, 20);
            if (dice < 16)
                step_insert(&f, m, (uint8_t)(1 + i % 255));
            else if (dice < 19)
                step_remove(&f, m);
            else
                step_prune(&f, m);
            compare(&f, m);
        }
        free(m);
        stop(&f);
    }
}

static void failing_memory(void **state)
{
    uint8_t bytes[3000];

    for (int64_t fail = 0; fail < 12; fail++) {
        struct fixture f;
        uint64_t kept;
        start(&f, 3, 0);
        assert_int_equal(reasm_insert_copy(&f.r, &f.pool, 500, bytes, 1), 1);
        f.t.fail_in = fail;
        pattern_fill(bytes, 0, sizeof bytes);
        kept = reasm_insert_copy(&f.r, &f.pool, 0, bytes, sizeof bytes);
        assert_true(reasm_check(&f.r));
        assert_true(kept == 2999 || kept == 500 || kept == 0 || kept == 500 + 2047);
        if (kept > 0)
            assert_true(pattern_ok(reasm_peek(&f.r)->data, 0, 500));
        stop(&f);
    }
}

static void pool_cap(void **state)
{
    struct fixture f;
    static uint8_t bytes[200000];

    start(&f, 3, 0);
    f.pool.max = 100000;
    pattern_fill(bytes, 0, sizeof bytes);
    assert_int_equal(reasm_insert_copy(&f.r, &f.pool, 0, bytes, sizeof bytes), 69632);
    assert_true(f.pool.used <= f.pool.max && f.pool.refused == 1);
    assert_true(reasm_check(&f.r));
    stop(&f);
}

static void sequential_is_fast(void **state)
{
    struct fixture f;

    start(&f, 3, 0);
    for (uint64_t i = 0; i < 20000; i++) /* a walk from the head would take minutes */
        assert_int_equal(reasm_insert_copy(&f.r, &f.pool, 1 + 2 * i, (const uint8_t *)"x", 1), 1);
    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(reasm_insert_copy(&f.r, &f.pool, 2 * i, (const uint8_t *)"x", 1), 1);
    assert_int_equal(reasm_inorder_end(&f.r), 40000);
    assert_true(reasm_check(&f.r));
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_append_is_copied),
        cmocka_unit_test(full_blocks_are_not_copied),
        cmocka_unit_test(small_payload_leaves_large_block),
        cmocka_unit_test(old_data_is_freed),
        cmocka_unit_test(first_copy_wins),
        cmocka_unit_test(lent_block_stays),
        cmocka_unit_test(ranges_and_gaps),
        cmocka_unit_test(scattered),
        cmocka_unit_test(prune_spares_in_order),
        cmocka_unit_test(random_operations),
        cmocka_unit_test(failing_memory),
        cmocka_unit_test(pool_cap),
        cmocka_unit_test(sequential_is_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
