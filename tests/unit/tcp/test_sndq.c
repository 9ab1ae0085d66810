/* SPDX-License-Identifier: Apache-2.0 */
/* The send queue: chunks, records, limits, and random operations against what its invariants say.
 * */
#include "lossnet.h"

#include <stdlib.h>

static void *env_alloc(void *ctx, size_t size)
{
    int64_t *fail_in = ctx;

    if (*fail_in == 0)
        return NULL;
    if (*fail_in > 0)
        (*fail_in)--;
    return malloc(size);
}

static void env_free(void *ctx, void *mem, size_t size)
{
    free(mem);
}

static int64_t fail_in;
static const struct plait_env env = { .ctx = &fail_in, .alloc = env_alloc, .free = env_free };

static void open_queue(struct tcp_sndq *q, uint32_t iss, uint32_t recs_max)
{
    fail_in = -1;
    tcp_sndq_init(q, &env, iss, recs_max);
    assert_int_equal(tcp_sndq_unsent(q), 0);
    assert_int_equal(tcp_sndq_sent(q, iss, 1, TCP_REC_SYN, 1), 0);
    tcp_sndq_ack(q, iss + 1);
    assert_true(tcp_sndq_check(q));
}

static void chunks_grow(void **state)
{
    struct tcp_sndq q;

    open_queue(&q, 99, 100);
    assert_int_equal(tcp_sndq_push(&q, 1000, 10, 7, 100), 0);
    assert_int_equal(tcp_sndq_push(&q, 1010, 20, 7, 100), 0); /* the same chunk */
    assert_int_equal(tcp_sndq_chunk_n(&q), 1);
    assert_int_equal(tcp_sndq_push(&q, 1030, 20, 8, 100), 0); /* another meta */
    assert_int_equal(tcp_sndq_push(&q, 2000, 20, 8, 100), 0); /* not contiguous */
    assert_int_equal(tcp_sndq_push(&q, 2020, 81, 8, 100), 0); /* too long for it */
    assert_int_equal(tcp_sndq_chunk_n(&q), 4);
    assert_int_equal(tcp_sndq_sent(&q, 100, 30, 0, 5), 0);
    assert_int_equal(tcp_sndq_sent(&q, 130, 20, 0, 5), 0);
    assert_int_equal(tcp_sndq_sent(&q, 150, 20, 0, 5), 0);
    assert_int_equal(tcp_sndq_sent(&q, 170, 1, 0, 5), 0);
    assert_int_equal(tcp_sndq_push(&q, 2101, 5, 8, 100), 0); /* it was started */
    assert_int_equal(tcp_sndq_chunk_n(&q), 5);
    assert_int_equal(tcp_sndq_push(&q, 5000, 250, 9, 100), 0); /* in parts */
    assert_int_equal(tcp_sndq_chunk_n(&q), 8);
    assert_int_equal(tcp_sndq_chunk(&q, 7)->len, 50);
    assert_int_equal(tcp_sndq_chunk(&q, 7)->pos, 5200);
    assert_int_equal(tcp_sndq_chunk_at(&q, 129)->meta, 7);
    assert_int_equal(tcp_sndq_chunk_at(&q, 130)->meta, 8);
    assert_null(tcp_sndq_chunk_at(&q, 99));
    assert_null(tcp_sndq_chunk_at(&q, q.end));
    assert_int_equal(tcp_sndq_unsent(&q), 80 + 5 + 250);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_fini(&q);
}

static void limits(void **state)
{
    struct tcp_sndq q;

    open_queue(&q, 5, 4);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(tcp_sndq_push(&q, i * 10, 5, 0, 100), 0);
    assert_int_equal(tcp_sndq_push(&q, 1000, 5, 0, 100), PLAIT_ELIMIT);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(tcp_sndq_sent(&q, q.nxt, 5, 0, 5), 0);
    assert_int_equal(tcp_sndq_sent(&q, q.nxt, 5, 0, 5), PLAIT_ELIMIT);
    assert_int_equal(tcp_sndq_reserve(&q, true), PLAIT_ELIMIT);
    assert_int_equal(q.f->recs.count, 4);
    assert_false(tcp_sndq_cut(&q, q.una + 2, UINT32_MAX)); /* the peer's doing: no */
    for (uint32_t i = 0; i < 20; i++) /* a retransmission: always, bytewise until room is used up */
        assert_int_equal(tcp_sndq_sent(&q, q.una + i, 1, 0, 6 + i), 0);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_fini(&q);

    open_queue(&q, 5, 1);
    assert_int_equal(tcp_sndq_push(&q, 0, 1000, 0, 1000), 0);
    assert_int_equal(tcp_sndq_sent(&q, q.nxt, 1000, 0, 5), 0);
    for (uint32_t i = 0; i < 400; i++) { /* beyond the room the whole record counts as sent */
        assert_int_equal(tcp_sndq_sent(&q, q.una + 2 * i, 1, 0, 6 + i), 0);
        assert_true(tcp_sndq_check(&q));
    }
    assert_int_equal(q.f->recs.count, q.f->recs.max);
    tcp_sndq_fini(&q);

    open_queue(&q, 5, 10);
    assert_int_equal(tcp_sndq_push(&q, 0, (1u << 30) + 1, 0, UINT32_MAX), PLAIT_ELIMIT);
    assert_int_equal(tcp_sndq_push(&q, 0, 1u << 29, 0, UINT32_MAX), 0);
    assert_int_equal(tcp_sndq_push(&q, 0, 1u << 30, 0, UINT32_MAX), PLAIT_ELIMIT);
    tcp_sndq_fini(&q);
}

static void no_memory(void **state)
{
    struct tcp_sndq q;

    open_queue(&q, 99, 1000);
    fail_in = 0;
    assert_int_equal(tcp_sndq_push(&q, 0, 100, 0, 10), PLAIT_ENOMEM);
    assert_int_equal(tcp_sndq_chunk_n(&q), 0);
    fail_in = -1;
    assert_int_equal(tcp_sndq_push(&q, 0, 100, 0, 1000), 0);
    fail_in = 0;
    assert_int_equal(tcp_sndq_sent(&q, q.nxt, 100, 0, 1), PLAIT_ENOMEM);
    assert_true(q.nxt == q.una && q.f->recs.count == 0);
    fail_in = -1;
    assert_int_equal(tcp_sndq_sent(&q, q.nxt, 100, 0, 1), 0);
    assert_int_equal(tcp_sndq_reserve(&q, true), 0);
    fail_in = 0; /* what was reserved is there */
    assert_int_equal(tcp_sndq_sent(&q, q.una + 10, 10, 0, 2), 0);
    assert_int_equal(q.f->recs.count, 3);
    assert_true(tcp_sndq_check(&q));
    fail_in = -1;
    tcp_sndq_fini(&q);
}

/* The lowest position, although reinjected data makes positions run backwards. */
/* What was reserved and did not go out is given back as what did. */
static void rest_gives_back(void **state)
{
    struct tcp_sndq q;

    open_queue(&q, 99, 100);
    tcp_sndq_rest(&q);
    assert_ptr_equal(q.f, tcp_flight_none());
    assert_int_equal(tcp_sndq_reserve(&q, true), 0);
    assert_ptr_not_equal(q.f, tcp_flight_none());
    tcp_sndq_rest(&q);
    assert_ptr_equal(q.f, tcp_flight_none());
    assert_int_equal(tcp_sndq_push(&q, 0, 10, 0, 100), 0);
    tcp_sndq_rest(&q); /* something waits */
    assert_int_equal(tcp_sndq_chunk_n(&q), 1);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_fini(&q);
    assert_ptr_equal(q.f, tcp_flight_none());
}

static void low_position(void **state)
{
    struct tcp_sndq q;
    uint64_t dice = 1;

    open_queue(&q, 0xfffff000, 1000);
    assert_int_equal(tcp_sndq_low_pos(&q), UINT64_MAX);
    for (unsigned i = 0; i < 3000; i++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        if ((dice >> 33) % 2 && tcp_sndq_chunk_n(&q) < 100) {
            assert_int_equal(tcp_sndq_push(&q, dice >> 20, 10, i, 100), 0);
            assert_int_equal(tcp_sndq_sent(&q, q.nxt, 10, 0, i), 0);
        } else {
            uint32_t n = (uint32_t)(dice >> 40) % 40;
            tcp_sndq_ack(&q, q.nxt - q.una < n ? q.nxt : q.una + n);
        }
        assert_true(tcp_sndq_check(&q)); /* compares with a search */
    }
    tcp_sndq_fini(&q);
}

static void parts_and_flags(void **state)
{
    struct tcp_sndq q;
    uint32_t i;

    open_queue(&q, 99, 100);
    assert_int_equal(tcp_sndq_push(&q, 0, 1000, 0, 1000), 0);
    assert_int_equal(tcp_sndq_sent(&q, 100, 1000, 0, 10), 0);
    assert_int_equal(tcp_sndq_sent(&q, 1100, 1, TCP_REC_FIN, 10), 0);
    assert_int_equal(tcp_sndq_flight(&q), 1001);
    assert_int_equal(tcp_sndq_unsent(&q), 0);
    tcp_sndq_mark_lost(&q, tcp_sndq_rec(&q, 0));
    assert_int_equal(tcp_sndq_flight(&q), 1);
    assert_int_equal(tcp_sndq_sent(&q, 100, 300, 0, 20), 0); /* a part of it again */
    assert_int_equal(q.f->lost, 700);
    assert_int_equal(q.f->lost_first, 400);
    assert_int_equal(tcp_sndq_rec_at(&q, 250, &i)->tx_n, 2);
    assert_int_equal(i, 0);
    assert_int_equal(tcp_sndq_rec_at(&q, 400, &i)->tx_n, 1);
    assert_int_equal(tcp_sndq_sent(&q, 600, 100, TCP_REC_PROBE, 30), 0); /* from the middle */
    assert_int_equal(q.f->recs.count, 5);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_mark_sacked(&q, tcp_sndq_rec_at(&q, 400, NULL)); /* it was not lost */
    assert_int_equal(q.f->lost, 400);
    assert_int_equal(q.f->lost_first, 700);
    assert_int_equal(q.f->sacked, 200);
    assert_int_equal(q.f->highest_sack, 600);
    tcp_sndq_ack(&q, 450); /* in the middle of a record */
    assert_int_equal(q.f->sacked, 150);
    assert_int_equal(q.f->sacked_n, 1);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_clear_lost(&q);
    tcp_sndq_clear_sacked(&q);
    assert_int_equal(tcp_sndq_flight(&q), 651);
    assert_null(tcp_sndq_rec_at(&q, 449, NULL));
    assert_null(tcp_sndq_rec_at(&q, 1101, NULL));
    tcp_sndq_ack(&q, 1101);
    assert_int_equal(q.f->recs.count + q.f->chunks.count + q.f->rtx.count, 0);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_fini(&q);
}

static void compaction(void **state)
{
    struct tcp_sndq q;

    open_queue(&q, 99, 100);
    assert_int_equal(tcp_sndq_push(&q, 0, 100, 0, 50), 0); /* two chunks */
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(tcp_sndq_sent(&q, q.nxt, 10, 0, 10 + i), 0);
    for (uint32_t i = 2; i < 9; i++)
        tcp_sndq_mark_sacked(&q, tcp_sndq_rec(&q, i));
    tcp_sndq_mark_lost(&q, tcp_sndq_rec(&q, 0));
    tcp_sndq_mark_lost(&q, tcp_sndq_rec(&q, 1));
    tcp_sndq_compact(&q);
    assert_int_equal(q.f->recs.count, 4); /* lost 0-1, SACKed 2-4, SACKed 5-8 of another chunk, 9 */
    assert_int_equal(q.f->sacked, 70);
    assert_int_equal(q.f->sacked_n, 2);
    assert_int_equal(q.f->lost, 20);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_fini(&q);
}

/* Everything in any order; the invariants hold and everything comes to an end. */
static void random_operations(void **state)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct tcp_sndq q;
        uint64_t dice = seed, pos = 0;
        open_queue(&q, (uint32_t)(seed * 0x9e3779b9u), seed % 3 ? 200 : 8);
        for (unsigned i = 1; i < 600; i++) {
            uint32_t out = q.nxt - q.una, a, n;
            struct tcp_rec *r;
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            fail_in = (dice >> 22) % 8 == 0 ? 0 : -1;
            n = (uint32_t)(dice >> 24) % 300 + 1;
            a = out > 0 ? (uint32_t)(dice >> 44) % out : 0;
            switch ((dice >> 33) % 7) {
            case 0:
                if (tcp_sndq_push(&q, pos, n, n % 2, 500) == 0)
                    pos += n;
                break;
            case 1:
                if (tcp_sndq_unsent(&q) > 0) {
                    struct tcp_chunk *c = tcp_sndq_chunk_at(&q, q.nxt);
                    uint32_t left = c->seq + c->len - q.nxt;
                    (void)tcp_sndq_sent(&q, q.nxt, n < left ? n : left, 0, i);
                }
                break;
            case 2:
                if (out > 0)
                    (void)tcp_sndq_sent(&q, q.una + a, n < out - a ? n : out - a, 0, i);
                break;
            case 3:
                tcp_sndq_ack(&q, q.una + a / 4);
                break;
            case 4:
                if (out > 0 && tcp_sndq_cut(&q, q.una + a, UINT32_MAX)) {
                    r = tcp_sndq_rec_at(&q, q.una + a, NULL);
                    if ((r->flags & TCP_REC_SACKED) == 0)
                        tcp_sndq_mark_sacked(&q, r);
                }
                break;
            case 5:
                r = tcp_sndq_rec_at(&q, q.una + a, NULL);
                if (r != NULL && (r->flags & (TCP_REC_SACKED | TCP_REC_LOST)) == 0)
                    tcp_sndq_mark_lost(&q, r);
                break;
            default:
                if ((dice >> 50) % 8 == 0)
                    tcp_sndq_clear_sacked(&q);
                else
                    tcp_sndq_compact(&q);
            }
            assert_true(tcp_sndq_check(&q));
        }
        tcp_sndq_ack(&q, q.nxt);
        assert_true(tcp_sndq_check(&q));
        assert_int_equal(tcp_sndq_flight(&q) + q.f->sacked + q.f->lost, 0);
        fail_in = -1;
        tcp_sndq_fini(&q);
    }
}

/* The SYN's text was taken: the SYN stands so much later, and what is pushed follows it. */
static void shift_before_data(void **state)
{
    struct tcp_sndq q;

    fail_in = -1;
    tcp_sndq_init(&q, &env, 0xfffffff0, 64);
    assert_int_equal(tcp_sndq_sent(&q, 0xfffffff0, 1, TCP_REC_SYN, 1), 0);
    assert_int_equal(tcp_sndq_sent(&q, 0xfffffff0, 1, TCP_REC_SYN, 2), 0);
    tcp_sndq_shift(&q, 100);
    assert_true(tcp_sndq_check(&q));
    assert_int_equal(q.una, 84);
    assert_int_equal(tcp_sndq_flight(&q), 1);
    assert_int_equal(tcp_sndq_push(&q, 100, 10, 0, 1000), 0);
    assert_int_equal(tcp_sndq_chunk(&q, 0)->seq, 85);
    tcp_sndq_ack(&q, 85);
    assert_int_equal(tcp_sndq_sent(&q, 85, 10, 0, 3), 0);
    assert_true(tcp_sndq_check(&q));
    tcp_sndq_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_grow), cmocka_unit_test(limits), cmocka_unit_test(no_memory),
        cmocka_unit_test(rest_gives_back), cmocka_unit_test(low_position),
        cmocka_unit_test(parts_and_flags),
        cmocka_unit_test(compaction), cmocka_unit_test(shift_before_data),
        cmocka_unit_test(random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
