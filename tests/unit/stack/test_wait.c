/* SPDX-License-Identifier: Apache-2.0 */
/* TIME-WAIT without a connection: who gets there, what is answered, and how it ends. */
#include "kit.h"

static struct kit a, b;
static const uint16_t PORT = 80, OWN = 5555;

/* One connection from this port of side a, which both ends let go; side b waits. */
static void open_and_close(struct plait_listener *l, uint16_t port, bool mptcp)
{
    struct plait_conn_config cfg = a.stack->cfg.conn;
    struct plait_connect how = {
        .local = kit_addr(1, port), .remote = kit_addr(2, PORT), .config = &cfg};
    struct plait_conn *c;

    cfg.mptcp = mptcp;
    assert_int_equal(plait_connect(a.stack, &how, a.now, &c), 0);
    kit_exchange(&a, &b);
    plait_release(plait_accept(l), b.now);
    kit_exchange(&a, &b);
    plait_release(c, a.now);
    kit_exchange(&a, &b);
}

static struct plait_stack_info info_of(const struct kit *k)
{
    struct plait_stack_info info;

    plait_stack_info(k->stack, &info);
    return info;
}

static void the_connection_goes_at_once(void **state)
{
    uint64_t live;

    (void)state;
    for (int mptcp = 0; mptcp <= 1; mptcp++) {
        kit_init(&a, 1, NULL);
        kit_init(&b, 2, NULL);
        struct plait_listener *l = kit_listen(&b, PORT);
        open_and_close(l, OWN, mptcp != 0);
        kit_wait(&a, &b, PLAIT_SEC);
        assert_int_equal(info_of(&a).conns, 0);
        assert_int_equal(info_of(&b).conns, 0);
        assert_int_equal(info_of(&a).time_wait + info_of(&b).time_wait, 1);
        live = b.live;
        kit_wait(&a, &b, 61 * PLAIT_SEC);
        assert_int_equal(info_of(&a).time_wait + info_of(&b).time_wait, 0);
        assert_true(b.live < live);
        assert_int_equal(plait_deadline(b.stack), PLAIT_NEVER);
        kit_fini(&a);
        kit_fini(&b);
    }
}

static struct kit_seg from_peer(const struct tcp_wait *w, uint8_t flags)
{
    struct kit_seg s = kit_syn(&w->remote, &w->local);

    s.flags = flags;
    s.seq = w->rcv_nxt;
    s.ack = w->snd_nxt;
    s.opt = (struct wire_tcpopts){.has_ts = w->ts_on, .tsval = w->ts_recent};
    return s;
}

static void fin_is_acknowledged_again(void **state)
{
    struct plait_addr local = kit_addr(2, PORT), remote = kit_addr(1, OWN);
    const struct tcp_wait *w;
    struct wire_packet p;

    (void)state;
    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    open_and_close(kit_listen(&b, PORT), OWN, false);
    w = stack_find_wait(b.stack, &local, &remote);
    assert_non_null(w);
    b.now += 59 * PLAIT_SEC;
    struct kit_seg fin = from_peer(w, WIRE_FIN | WIRE_ACK);
    fin.seq--;
    kit_input(&b, &fin);
    assert_true(kit_output(&b, &p));
    assert_int_equal(p.seg.flags, WIRE_ACK);
    assert_int_equal(p.seg.ack, w->rcv_nxt);
    assert_true(plait_deadline(b.stack) == b.now + 60 * PLAIT_SEC); /* begun anew */
    struct kit_seg rst = from_peer(w, WIRE_RST | WIRE_ACK);
    assert_int_equal(kit_input(&b, &rst), PLAIT_REASON_RST_IN_WINDOW);
    kit_expect_silence(&b);
    assert_int_equal(info_of(&b).time_wait, 1);
    kit_fini(&a);
    kit_fini(&b);
}

/* A port that waits is not drawn, and not connected from. */
static void the_four_tuple_is_in_use(void **state)
{
    struct plait_addr local = kit_addr(2, PORT), remote = kit_addr(1, OWN);

    (void)state;
    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    open_and_close(kit_listen(&b, PORT), OWN, false);
    assert_true(stack_tuple_used(b.stack, &local, &remote));
    struct plait_connect how = {.local = local, .remote = remote};
    struct plait_conn *c;
    assert_int_equal(plait_connect(b.stack, &how, b.now, &c), PLAIT_EADDRINUSE);
    kit_fini(&a);
    kit_fini(&b);
}

/* No more of them than connections: then the connection itself waits. */
static void places_run_out(void **state)
{
    struct plait_config cfg;

    (void)state;
    plait_config_init(&cfg);
    cfg.conns_max = 1;
    kit_init(&a, 1, NULL);
    kit_init(&b, 2, &cfg);
    struct plait_listener *l = kit_listen(&b, PORT);
    open_and_close(l, OWN, false);
    assert_int_equal(info_of(&b).time_wait, 1);
    open_and_close(l, OWN + 1, false);
    assert_int_equal(info_of(&b).time_wait, 1);
    assert_int_equal(info_of(&b).conns, 1);
    kit_wait(&a, &b, 61 * PLAIT_SEC);
    assert_int_equal(info_of(&b).time_wait + info_of(&b).conns, 0);
    kit_fini(&a);
    kit_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_connection_goes_at_once), cmocka_unit_test(fin_is_acknowledged_again),
        cmocka_unit_test(the_four_tuple_is_in_use), cmocka_unit_test(places_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
