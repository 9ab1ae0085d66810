/* SPDX-License-Identifier: Apache-2.0 */
/* Explicit Congestion Notification over whole connections: links that mark, and middleboxes that
 * get in its way. The figures are exact: a run is the same each time. */
#include "wire_edit.h"
#include "world.h"

#include "base/addr.h"
#include "base/be.h"
#include "base/csum.h"
#include "wire/wire.h"

enum { BOTH = WIRE_ECE | WIRE_CWR };

static void ecn_world(struct world *w)
{
    world_init(w, 2);
    w->client_cfg.conn.ecn = PLAIT_ECN_ON;
    w->pair_cfg.client.send_bytes = 6 << 20;
    w->pair_cfg.server.send_bytes = 64 << 10;
    for (unsigned i = 0; i < 2; i++) {
        w->topo_cfg.path[i].up.mark = 30000;
        w->topo_cfg.path[i].up.queue = 512 << 10;
    }
}

static uint64_t drops(const struct world *w)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < w->sim->link_n; i++)
        n += w->sim->link[i].drops;
    return n;
}

static uint64_t marks(const struct world *w, unsigned path)
{
    return w->sim->link[w->topo.up[path]].marks;
}

/* The client's subflow of this path that carried data; joins across the paths find no route. */
static const struct plait_subflow_info *carrier(const struct world *w, unsigned path)
{
    struct plait_addr local = sim_path_addr(&w->topo_cfg, path, false);

    for (unsigned i = 0; i < w->pair.client.info.subflow_total; i++) {
        const struct plait_subflow_info *s = &w->pair.client.path[i];
        if (addr_same_ip(&s->local, &local) && s->bytes_sent > 0)
            return s;
    }
    fail_msg("path %u carried nothing", path);
    return NULL;
}

static void run(struct world *w)
{
    world_start(w);
    world_finish(w, 60 * PLAIT_SEC);
    world_expect_all(w);
}

/*= RFC 3168 6.1.2
 * The indication of congestion should be treated just as a congestion loss in non-ECN-Capable
 * TCP. */
/* Two links that mark where others would drop: each subflow slows down by itself, nothing is lost,
 * nothing is sent twice. */
static void test_marking_links(void **state)
{
    static const uint32_t cuts[2] = {2, 3};
    static const uint64_t marked[2] = {53, 214};
    struct world w;

    (void)state;
    ecn_world(&w);
    run(&w);
    assert_int_equal(drops(&w), 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct plait_subflow_info *s = carrier(&w, i);
        assert_true(s->ecn);
        assert_int_equal(s->bytes_retransmitted, 0);
        assert_int_equal(s->ecn_cuts, cuts[i]);
        assert_int_equal(marks(&w, i), marked[i]);
        assert_true(s->cwnd < 100000);
    }
    world_end(&w);
}

/* The same links and nobody who asks: no mark, and cwnd grows until the queue is full. */
static void test_marking_links_without_ecn(void **state)
{
    struct world w;

    (void)state;
    ecn_world(&w);
    w.client_cfg.conn.ecn = PLAIT_ECN_ACCEPT;
    run(&w);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(carrier(&w, i)->ecn);
        assert_int_equal(marks(&w, i), 0);
        assert_true(carrier(&w, i)->cwnd > 200000);
    }
    world_end(&w);
}

static void drop_setup_syns(void *ctx, struct sim *sim, struct sim_wire *w)
{
    unsigned *n = ctx;

    (void)sim;
    w->drop = (edit_flags(w) & (WIRE_SYN | WIRE_ACK | BOTH)) == (WIRE_SYN | BOTH);
    *n += w->drop;
}

/*= RFC 3168 6.1.1.1
 * There exist some faulty firewalls, load balancers, and intrusion detection systems in the
 * Internet that either drop an ECN-setup SYN packet or respond with a RST */
/* One SYN of each subflow is lost, and with it ECN; multipath stays. */
static void test_setup_syns_are_dropped(void **state)
{
    struct world w;
    unsigned n = 0;

    (void)state;
    ecn_world(&w);
    world_start(&w);
    w.sim->hook = drop_setup_syns;
    w.sim->hook_ctx = &n;
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(w.pair.client.info.multipath);
    assert_true(n >= 2 && n <= w.pair.client.info.subflow_total);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(carrier(&w, i)->ecn);
        assert_int_equal(marks(&w, i), 0);
    }
    world_end(&w);
}

/* Both IP versions: bits 0 and 1 of the traffic class. */
static void clear_ecn(void *ctx, struct sim *sim, struct sim_wire *w)
{
    unsigned *n = ctx;
    uint8_t *b = w->bytes;

    (void)sim;
    if (b[0] >> 4 == 6) {
        *n += (b[1] & 0x30) != 0;
        b[1] &= 0xcf;
        return;
    }
    *n += (b[1] & 3) != 0;
    b[1] &= 0xfc;
    be16_store(b + 10, 0);
    be16_store(b + 10, (uint16_t)~csum_fold(csum_add(0, b, (b[0] & 15u) * 4)));
}

/* A router that clears the bits takes the marks away, not the data. */
static void test_bits_are_cleared(void **state)
{
    struct world w;
    unsigned n = 0;

    (void)state;
    ecn_world(&w);
    w.topo_cfg.path[1].family = 6;
    world_start(&w);
    w.sim->hook = clear_ecn;
    w.sim->hook_ctx = &n;
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_true(n > 4000);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(carrier(&w, i)->ecn);
        assert_int_equal(marks(&w, i), 0);
        assert_int_equal(carrier(&w, i)->ecn_cuts, 0);
    }
    world_end(&w);
}

/* Marks pass IPv6 and receive offload: a super-segment is all marked or not at all. */
static void test_marks_pass_offload(void **state)
{
    struct world w;

    (void)state;
    ecn_world(&w);
    w.topo_cfg.path[1].family = 6;
    world_start(&w);
    w.server->gro_window = 500;
    world_finish(&w, 60 * PLAIT_SEC);
    world_expect_all(&w);
    assert_int_equal(drops(&w), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(marks(&w, i) > 0 && carrier(&w, i)->ecn_cuts > 0);
        assert_int_equal(carrier(&w, i)->bytes_retransmitted, 0);
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marking_links),
        cmocka_unit_test(test_marking_links_without_ecn),
        cmocka_unit_test(test_setup_syns_are_dropped),
        cmocka_unit_test(test_bits_are_cleared),
        cmocka_unit_test(test_marks_pass_offload),
    };

    return cmocka_run_group_tests_name("scenario/ecn", tests, NULL, NULL);
}
