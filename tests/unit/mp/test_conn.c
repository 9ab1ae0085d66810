/* SPDX-License-Identifier: Apache-2.0 */
/* The connection as the stack sees it: news, token, subflows born and dead, plans that are not
 * committed, memory that is not there. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static void end(void)
{
    for (int i = 0; i < 2; i++)
        if (p.side[i].conn != NULL)
            p.side[i].conn->released = true;
    pair_fini(&p);
}

static void news(void **state)
{
    struct mp_conn *c;
    uint32_t token = 0;

    pair_init(&p, 1, 1);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 0, 100);
    pair_connect(&p);
    c = p.side[0].conn;
    assert_ptr_equal(mp_owner(c), &p);
    assert_true(mp_token(c, &token));
    assert_int_equal(token, c->local.token);
    assert_true((mp_news(c) & MP_NEWS_TOKEN) != 0);
    assert_int_equal(mp_news(c), 0);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_true((p.side[0].news & MP_NEWS_CONNECTED) != 0);
    assert_true((p.side[0].news & MP_NEWS_READABLE) != 0);
    assert_true((p.side[0].news & MP_NEWS_CLOSED) == 0);
    assert_true(mp_is_open_for_join(c));
    mp_abort(c, PLAIT_REASON_LOCAL_ABORT, p.now);
    assert_false(mp_token(c, &token));
    assert_false(mp_is_open_for_join(c));
    assert_true((mp_news(c) & (MP_NEWS_TOKEN | MP_NEWS_CLOSED)) ==
                (MP_NEWS_TOKEN | MP_NEWS_CLOSED));
    assert_false(mp_is_finished(c));
    mp_release(c, p.now);
    p.side[0].released = true;
    pair_run(&p, p.now + PLAIT_SEC);
    assert_null(p.side[0].conn);
    end();
}

static void a_plan_changes_nothing(void **state)
{
    struct mp_plan a, b;

    pair_init(&p, 2, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 1000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_false(mp_plan(p.side[0].conn, p.now, &a));
    assert_int_equal(mp_send(p.side[0].conn, "hello", 5, p.now), 5);
    assert_true(mp_plan(p.side[0].conn, p.now, &a));
    assert_true(mp_plan(p.side[0].conn, p.now, &b));
    assert_ptr_equal(a.subflow, b.subflow);
    assert_int_equal(a.tcp.seq, b.tcp.seq);
    assert_int_equal(a.tcp.len, 5);
    assert_memory_equal(&a.mp.dss, &b.mp.dss, sizeof a.mp.dss);
    assert_memory_equal(a.view[0].data, "hello", 5);
    mp_commit(p.side[0].conn, &b, p.now);
    assert_false(mp_plan(p.side[0].conn, p.now, &a));
    end();
}

static void application_limits(void **state)
{
    struct store_view view;

    pair_init(&p, 3, 1);
    p.side[0].keep_open = true;
    pair_connect(&p);
    assert_int_equal(mp_recv_borrow(p.side[0].conn, &view), PLAIT_EAGAIN);
    assert_int_equal(mp_send(p.side[0].conn, "", 0, p.now), 0);
    mp_abort(p.side[0].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    assert_int_equal(mp_send(p.side[0].conn, "x", 1, p.now), PLAIT_ECONNABORTED);
    assert_int_equal(mp_recv_borrow(p.side[0].conn, &view), PLAIT_ECONNABORTED);
    assert_int_equal(mp_shutdown(p.side[0].conn, p.now), PLAIT_ECONNABORTED);
    end();
}

/* Memory fails at the n-th request, for each n: no connection, or one that works. */
static void no_memory_to_begin_with(void **state)
{
    bool done = false;

    for (int64_t n = 0; n < 60 && !done; n++) {
        pair_init(&p, 4, 2);
        pair_transfer(&p, 20000, 20000);
        p.fail_in = n;
        pair_connect(&p);
        if (p.side[0].conn != NULL) {
            pair_run(&p, p.now + 30 * PLAIT_MSEC);
            done = p.fail_in > 0;
            p.fail_in = -1;
            assert_true(pair_finish(&p, 200 * PLAIT_SEC));
            pair_expect_all(&p, 20000, 20000);
        }
        p.fail_in = -1;
        pair_fini(&p);
    }
    assert_true(done);
}

static void icmp_for_a_syn(void **state)
{
    struct wire_icmp icmp = { .what = WIRE_ICMP_UNREACHABLE, .type = 3, .code = 3 };
    struct mp_subflow *s;

    pair_init(&p, 5, 1);
    p.side[0].keep_open = true;
    p.path[0].down = true;
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_MSEC);
    s = pair_sub(&p, 0, 0);
    icmp.src = s->tcb.local;
    icmp.dst = s->tcb.remote;
    icmp.seq = s->tcb.iss;
    mp_icmp(s, &icmp, p.now);
    assert_int_equal(mp_error(p.side[0].conn, NULL), PLAIT_EUNREACH);
    mp_icmp(s, &icmp, p.now);
    end();
}

/* Data of an MPTCP connection that comes before the keys does not make it a plain one. */
static void data_before_the_keys(void **state)
{
    struct tcp_half th = { .irs = 1000 };
    struct mp_half mh = { .kind = MP_HALF_CAPABLE, .version = 1 };
    struct wire_seg seg;
    struct mp_conn_args args = { 0 };

    memset(&seg, 0, sizeof seg);
    seg.seq = 2000;
    seg.mp.present = 1u << WIRE_MP_DSS;
    assert_null(mp_accept(&args, &th, &mh, &seg, 0));
}

/*= RFC 8684 3-3, 3.4.1-1, 3.4.2-7 */
/* Right in themselves, on segments with a number that is outside of the window. */
static void signals_outside_the_window(void **state)
{
    struct plait_block *none = NULL;
    struct mp_subflow *s;
    struct mp_conn *c;
    struct wire_seg seg;

    pair_init(&p, 7, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    c = p.side[0].conn;
    s = pair_sub(&p, 0, 0);
    memset(&seg, 0, sizeof seg);
    seg.src = s->tcb.remote;
    seg.dst = s->tcb.local;
    seg.flags = WIRE_ACK;
    seg.opt.has_ts = true;
    seg.opt.tsval = s->tcb.ts_recent;
    seg.mp.any = true;
    seg.mp.present = 1u << WIRE_MP_FASTCLOSE | 1u << WIRE_MP_ADD_ADDR | 1u << WIRE_MP_REMOVE_ADDR;
    seg.mp.fastclose_key = c->local.key;
    seg.mp.remove = (struct wire_mp_remove){ 1, { 0 } };
    seg.mp.add_addr = (struct wire_mp_add_addr){
        .has_hmac = true, .id = 9, .addr = { .family = 4, .ip = { 192, 0, 2, 9 } } };
    mp_addr_hmac(c->remote.key, c->local.key, &seg.mp.add_addr, seg.mp.add_addr.hmac);
    for (unsigned i = 0; i < 2; i++) {
        seg.seq = s->tcb.rcv_nxt + (i == 0 ? 1u << 30 : 0);
        seg.ack = s->tcb.sndq.una + (i == 1 ? 1u << 30 : 0);
        mp_input(s, &seg, &none, p.now);
        assert_false(c->over);
        assert_int_equal(c->remotes.n, 1);
        assert_true(s->probe_at == PLAIT_NEVER);
    }
    seg.ack = s->tcb.sndq.una;
    seg.mp.present = 1u << WIRE_MP_ADD_ADDR | 1u << WIRE_MP_REMOVE_ADDR;
    mp_input(s, &seg, &none, p.now);
    assert_true(s->probe_at != PLAIT_NEVER);
    assert_true(mp_addr_remote(c, 9) != NULL);
    seg.mp.present = 1u << WIRE_MP_FASTCLOSE;
    mp_input(s, &seg, &none, p.now);
    assert_true(c->over);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(news), cmocka_unit_test(a_plan_changes_nothing),
        cmocka_unit_test(application_limits), cmocka_unit_test(no_memory_to_begin_with),
        cmocka_unit_test(icmp_for_a_syn), cmocka_unit_test(data_before_the_keys),
        cmocka_unit_test(signals_outside_the_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
