/* SPDX-License-Identifier: Apache-2.0 */
/* A fast close whose RST is lost, or arrives where data is missing. RFC 8684 3.5, RFC 5961 3.2. */
#include "kit.h"
#include "mp/mp_int.h"

struct duo {
    struct kit client, server;
    struct kit_pair p;
};

static void duo_init(struct duo *d)
{
    kit_init(&d->server, 1, NULL);
    kit_init(&d->client, 2, NULL);
    d->p = kit_connect(&d->client, &d->server, kit_listen(&d->server, 80));
}

/* The client has gone, and the server's connection ended by its word. */
static void duo_fini(struct duo *d)
{
    enum plait_reason why;

    kit_exchange(&d->client, &d->server);
    assert_int_equal(plait_conn_error(d->p.b, &why), PLAIT_ECONNRESET);
    assert_int_equal(why, PLAIT_REASON_FASTCLOSE);
    plait_release(d->p.b, d->server.now);
    kit_exchange(&d->client, &d->server);
    kit_fini(&d->client);
    kit_fini(&d->server);
}

static void lose_one(struct kit *from)
{
    struct wire_packet p;

    assert_true(kit_output(from, &p));
}

static void client_aborts(struct duo *d)
{
    plait_abort(d->p.a, d->client.now);
    plait_release(d->p.a, d->client.now);
}

/*= RFC 8684 3.5
 * Host A sends a RST containing the MP_FASTCLOSE option on all subflows, containing the key of Host
 * B as declared in the initial connection handshake. */
static void test_rst_behind_a_hole(void **state)
{
    struct duo d;

    (void)state;
    duo_init(&d);
    assert_int_equal(plait_send(d.p.a, "lost", 4, d.client.now), 4);
    lose_one(&d.client);
    client_aborts(&d);
    duo_fini(&d);
}

static void test_rst_that_is_lost(void **state)
{
    struct duo d;

    (void)state;
    duo_init(&d);
    client_aborts(&d);
    lose_one(&d.client);
    assert_int_equal(plait_conn_error(d.p.b, NULL), 0);
    assert_int_equal(plait_send(d.p.b, "who is there", 12, d.server.now), 12);
    duo_fini(&d);
}

/* What the client answers to a segment on the subflow that it closed. */
static struct wire_seg answer_to(struct duo *d, uint8_t flags, const struct plait_addr *from)
{
    struct plait_addr to = mp_first(d->p.b->mp)->tcb.remote;
    struct kit_seg seg = {.src = *from, .dst = to, .seq = 1, .ack = 1, .flags = flags};
    struct wire_packet p;

    kit_input(&d->client, &seg);
    assert_true(kit_output(&d->client, &p));
    assert_true((p.seg.flags & WIRE_RST) != 0);
    return p.seg;
}

static void test_only_to_whom_it_concerns(void **state)
{
    struct duo d;
    struct plait_addr from, other = kit_addr(1, 81);

    (void)state;
    duo_init(&d);
    from = mp_first(d.p.b->mp)->tcb.local;
    client_aborts(&d);
    lose_one(&d.client);
    struct wire_seg rst = answer_to(&d, WIRE_ACK, &from);
    assert_true(wire_mp_has(&rst.mp, WIRE_MP_FASTCLOSE));
    assert_int_equal(rst.mp.fastclose_key, d.p.b->mp->local.key);
    rst = answer_to(&d, WIRE_SYN, &from);
    assert_false(wire_mp_has(&rst.mp, WIRE_MP_FASTCLOSE));
    rst = answer_to(&d, WIRE_ACK, &other);
    assert_false(wire_mp_has(&rst.mp, WIRE_MP_FASTCLOSE));
    d.client.now += 61 * PLAIT_SEC;
    rst = answer_to(&d, WIRE_ACK, &from);
    assert_false(wire_mp_has(&rst.mp, WIRE_MP_FASTCLOSE));
    plait_abort(d.p.b, d.server.now);
    plait_release(d.p.b, d.server.now);
    lose_one(&d.server);
    kit_fini(&d.client);
    kit_fini(&d.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rst_behind_a_hole),
        cmocka_unit_test(test_rst_that_is_lost),
        cmocka_unit_test(test_only_to_whom_it_concerns),
    };
    return cmocka_run_group_tests_name("stack/fastclose", tests, NULL, NULL);
}
