/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/packet.h"
#include "unit/base/cm.h"

#include <string.h>

/* Short ones are used again, long ones and those of a world that poisons are not. */
static void test_memory(void **state)
{
    struct sim *sim = sim_new(1);

    for (unsigned poison = 0; poison < 2; poison++) {
        struct sim_packet *p[1000];
        sim->poison = poison;
        for (unsigned i = 0; i < 1000; i++) {
            p[i] = sim_packet_new(sim, i);
            memset(p[i]->head, 1, i);
            assert_int_equal(p[i]->head_len, i);
            assert_int_equal(p[i]->len, i);
            if (i <= PLAIT_HEAD_MAX || i > 192)
                assert_int_equal(p[i]->own, poison || i > 192);
            assert_null(p[i]->payload);
            assert_true(p[i]->timer.exact);
        }
        for (unsigned i = 0; i < 1000; i++)
            sim_packet_free(sim, p[i]);
    }
    sim->poison = false;
    struct sim_packet *a = sim_packet_new(sim, PLAIT_HEAD_MAX);
    sim_packet_free(sim, a);
    assert_ptr_equal(sim_packet_new(sim, 20), a);
    sim_packet_free(sim, a);
    sim_free(sim);
}

/* A payload lives as long as somebody has it. */
static void test_payload(void **state)
{
    struct sim *sim = sim_new(1);
    struct sim_payload *payload = sim_payload_new(100);
    struct sim_packet *p = sim_packet_new(sim, 10), *copy;

    memset(p->head, 7, 10);
    memset(payload->bytes, 8, 100);
    p->len = 40;
    p->skip = 70;
    p->route = 3;
    p->hop = 2;
    p->csum_ok = true;
    sim_payload_share(p, payload);
    copy = sim_packet_copy(sim, p);
    assert_int_equal(payload->users, 3);
    sim_payload_drop(payload);
    sim_packet_free(sim, p);
    assert_int_equal(copy->payload->users, 1);
    assert_int_equal(copy->payload->bytes[99], 8);
    assert_int_equal(copy->head[9], 7);
    assert_true(copy->len == 40 && copy->skip == 70 && copy->route == 3 && copy->hop == 2);
    assert_true(copy->csum_ok);
    sim_packet_free(sim, copy);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_payload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
