/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of one made-up subflow are given to a node; what the stack gets is counted by its
 * supers_in. */
#include "sim/sim.h"
#include "unit/base/cm.h"
#include "wire/wire.h"

#include <string.h>

enum { SIZE = 1000 };

struct bench {
    struct sim *sim;
    struct sim_node *node;
    struct plait_addr src, dst;
    uint32_t seq;
};

static void bench_init(struct bench *b)
{
    struct plait_config cfg;

    *b = (struct bench){.sim = sim_new(1), .seq = 100};
    plait_config_init(&cfg);
    b->node = sim_node_new(b->sim, "node", &cfg);
    b->node->gro_window = 100;
    b->src = (struct plait_addr){.family = 4, .port = 1, .ip = {10, 0, 0, 1}};
    b->dst = (struct plait_addr){.family = 4, .port = 2, .ip = {10, 0, 0, 2}};
}

static void bench_fini(struct bench *b)
{
    sim_node_stop(b->node);
    assert_int_equal(b->node->live, 0);
    sim_free(b->sim);
}

static void arrive(struct bench *b, uint32_t len, uint8_t flags, uint32_t tsval)
{
    static uint8_t packet[1500], zeros[SIZE];
    struct wire_tcpopts opt = {.has_ts = true, .tsval = tsval};
    struct wire_view view = {zeros, len};
    uint8_t ip_len;
    struct wire_emit how = {.src = &b->src,
                            .dst = &b->dst,
                            .seq = b->seq,
                            .flags = flags,
                            .opt = &opt,
                            .payload_len = len};
    unsigned head = wire_emit_headers(&how, packet, &ip_len);

    memcpy(packet + head, zeros, len);
    wire_finish_csum(packet, head, ip_len, &view, 1);
    struct sim_arrival a = {.head = packet, .head_len = head + len, .len = head + len};
    sim_gro_input(b->node, &a);
    b->seq += len;
}

static uint64_t delivered(struct bench *b)
{
    sim_run_until(b->sim, b->sim->now + 1000);
    return b->node->supers_in;
}

static void test_a_run_is_joined(void **state)
{
    struct bench b;

    bench_init(&b);
    for (unsigned i = 0; i < 10; i++)
        arrive(&b, SIZE, WIRE_ACK, 5);
    assert_int_equal(b.node->supers_in, 0);
    assert_int_equal(delivered(&b), 1);
    bench_fini(&b);
}

static void test_the_last_ends_it(void **state)
{
    struct bench b;

    bench_init(&b);
    for (unsigned i = 0; i < 3; i++)
        arrive(&b, SIZE, WIRE_ACK, 5);
    arrive(&b, 10, WIRE_ACK, 5); /* shorter */
    assert_int_equal(b.node->supers_in, 1);
    arrive(&b, SIZE, WIRE_ACK | WIRE_PSH, 5);
    assert_int_equal(b.node->supers_in, 2);
    bench_fini(&b);
}

static void test_what_is_not_joined(void **state)
{
    struct bench b;

    bench_init(&b);
    arrive(&b, SIZE, WIRE_ACK, 5);
    arrive(&b, SIZE, WIRE_ACK, 6); /* other options */
    assert_int_equal(b.node->supers_in, 1);
    b.seq += 1; /* a hole */
    arrive(&b, SIZE, WIRE_ACK, 6);
    assert_int_equal(b.node->supers_in, 2);
    b.src.port++; /* another subflow */
    arrive(&b, SIZE, WIRE_ACK, 6);
    assert_int_equal(b.node->supers_in, 3);
    arrive(&b, 0, WIRE_ACK, 6); /* no payload: goes up, after what was before it */
    assert_int_equal(b.node->supers_in, 5);
    arrive(&b, SIZE, WIRE_ACK | WIRE_FIN, 6);
    assert_int_equal(b.node->supers_in, 6);
    bench_fini(&b);
}

static void test_64k_is_the_end(void **state)
{
    struct bench b;

    bench_init(&b);
    for (unsigned i = 0; i < 70; i++)
        arrive(&b, SIZE, WIRE_ACK, 5);
    assert_int_equal(b.node->supers_in, 1);
    assert_int_equal(delivered(&b), 2);
    bench_fini(&b);
}

/* Two subflows in turn: one run that changes hands with each packet, or one for each. */
static void test_subflows_in_turn(void **state)
{
    for (unsigned flows = 0; flows <= 8; flows += 8) {
        struct bench b;
        bench_init(&b);
        b.node->gro_flows = flows;
        uint16_t port = b.src.port;
        uint32_t seq = b.seq;
        for (uint32_t i = 0; i < 20; i++) {
            b.src.port = (uint16_t)(port + i % 2);
            b.seq = seq + i / 2 * SIZE;
            arrive(&b, SIZE, WIRE_ACK, 5);
        }
        assert_int_equal(b.node->supers_in, flows == 0 ? 19 : 0);
        assert_int_equal(delivered(&b), flows == 0 ? 20 : 2);
        bench_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_is_joined),
        cmocka_unit_test(test_the_last_ends_it),
        cmocka_unit_test(test_what_is_not_joined),
        cmocka_unit_test(test_64k_is_the_end),
        cmocka_unit_test(test_subflows_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
