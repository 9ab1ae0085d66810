/* SPDX-License-Identifier: Apache-2.0 */
/* sums: what a DSS checksum costs the sender. Pieces of 128 KiB are copied into a send store, and
 * mappings of 65000 bytes are summed so many KiB behind them: once in a pass of their own, once by
 * sums that were made with the copy. In turn, so that both meet the same machine.
 *
 * sums [LAG_KIB [ROUNDS]]       default: 2048 40
 *
 * Prints a line of JSON: GB/s of the best round of each. */
#include "base/csum.h"
#include "base/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PIECE = 128 << 10, MAPPING = 65000, PIECES = 400, KEPT = 1 << 20 };

static void *get(void *ctx, size_t size)
{
    (void)ctx;
    return aligned_alloc(4096, (size + 4095) / 4096 * 4096);
}

static void put(void *ctx, void *mem, size_t size)
{
    (void)ctx, (void)size;
    free(mem);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t sum_apart(const struct store *s, uint64_t pos)
{
    struct store_view v[STORE_VIEWS_MAX];
    uint32_t n = store_views(s, pos, MAPPING, v, STORE_VIEWS_MAX);
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n; i++) /* blocks hold an even number of bytes */
        sum = csum_add(sum, v[i].data, v[i].len);
    return sum;
}

/* GB/s of a round with blocks that were used before; *total keeps the sums from being left out. */
static double run(struct block_pool *pool, bool fused, uint64_t lag, uint64_t *total)
{
    static uint8_t piece[PIECE] __attribute__((aligned(4096)));
    struct store s;
    uint64_t done = 0;
    double start;

    memset(piece, 7, sizeof piece);
    store_init(&s, pool, 0);
    if (fused)
        store_keep_sums(&s);
    start = seconds();
    for (int i = 0; i < PIECES; i++) {
        if (store_append(&s, piece, PIECE) < PIECE)
            abort();
        for (; s.end - done >= lag + MAPPING; done += MAPPING) {
            *total += fused ? store_sum(&s, done, MAPPING) : sum_apart(&s, done);
            store_release(&s, done > KEPT ? done - KEPT : 0);
        }
    }
    start = seconds() - start;
    store_fini(&s);
    return (double)PIECES * PIECE / start / 1e9;
}

int main(int argc, char **argv)
{
    uint64_t lag = (argc > 1 ? strtoull(argv[1], NULL, 10) : 2048) << 10, total = 0;
    int rounds = argc > 2 ? atoi(argv[2]) : 40;
    struct plait_env env = {.alloc = get, .free = put};
    struct block_pool pool;
    double best[2] = {0, 0};

    block_pool_init(&pool, &env, UINT64_C(1) << 30);
    for (int i = 0; i < 2 * rounds; i++) {
        double now = run(&pool, i % 2 != 0, lag, &total);
        best[i % 2] = now > best[i % 2] ? now : best[i % 2];
    }
    printf("{\"lag_kib\": %" PRIu64 ", \"apart_gb_s\": %.1f, \"fused_gb_s\": %.1f, \"sum\": %u}\n",
           lag >> 10, best[0], best[1], csum_fold(total));
    block_pool_fini(&pool);
    return 0;
}
