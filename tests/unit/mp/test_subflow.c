/* SPDX-License-Identifier: Apache-2.0 */
/* A subflow's list of what it carries, its phases, its death. */
#include "cm.h"
#include "pair.h"

static struct pair p;
static struct mp_subflow *s;

static void start(uint64_t seed, unsigned paths)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    s = pair_sub(&p, 0, 0);
}

static void end(void)
{
    for (int i = 0; i < 2; i++)
        if (p.side[i].conn != NULL)
            p.side[i].conn->released = true;
    pair_fini(&p);
}

static void give(uint64_t pos, uint32_t len)
{
    assert_int_equal(mp_carry_reserve(s), 0);
    s->tcb.sndq.end += len;
    mp_carry_add(s, pos, len);
}

static void carry_list(void **state)
{
    uint32_t una, end0;

    start(1, 1);
    end0 = s->tcb.sndq.end;
    una = s->tcb.sndq.una;
    assert_int_equal(s->carry.count, 0);
    give(100, 50);
    give(150, 50); /* goes on: one run */
    assert_int_equal(s->carry.count, 1);
    give(300, 100);
    give(120, 10); /* again, of something old */
    assert_int_equal(s->carry.count, 3);
    assert_true(mp_carry_has(s, 100) && mp_carry_has(s, 199) && mp_carry_has(s, 399));
    assert_false(mp_carry_has(s, 200) || mp_carry_has(s, 99) || mp_carry_has(s, 400));
    s->tcb.sndq.una = una + 30;
    mp_carry_acked(s);
    assert_false(mp_carry_has(s, 119) && mp_carry_find(s, 119)->pos == 100);
    assert_int_equal(mp_carry_find(s, 135)->pos, 130);
    s->tcb.sndq.una = una + 150;
    mp_carry_acked(s);
    assert_int_equal(s->carry.count, 2);
    assert_int_equal(mp_carry_find(s, 350)->pos, 350);
    assert_int_equal(mp_carry_find(s, 350)->len, 50);
    s->tcb.sndq.una = una + 210;
    mp_carry_acked(s);
    assert_int_equal(s->carry.count, 0);
    s->tcb.sndq.una = una;
    s->tcb.sndq.end = end0;
    end();
}

static void moved_runs_do_not_grow(void **state)
{
    uint32_t end0;

    start(2, 1);
    end0 = s->tcb.sndq.end;
    give(100, 50);
    ((struct mp_carry *)ring_at(&s->carry, 0))->moved = true;
    give(150, 50);
    assert_int_equal(s->carry.count, 2);
    ring_truncate(&s->carry, 0);
    s->tcb.sndq.end = end0;
    end();
}

static void phases(void **state)
{
    pair_init(&p, 3, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    s = mp_first(p.side[0].conn);
    assert_int_equal(s->phase, MP_PHASE_HANDSHAKE);
    assert_true(mp_subflow_alive(s) && !mp_subflow_usable(s));
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(s->phase, MP_PHASE_OPEN);
    assert_true(mp_subflow_usable(s));
    assert_ptr_equal(mp_subflow_of_node(mp_subflow_node(s)), s);
    assert_ptr_equal(mp_subflow_conn(s), p.side[0].conn);
    assert_ptr_equal(mp_subflow_tcb(s), &s->tcb);
    mp_subflow_close(s, p.now);
    assert_true(!mp_subflow_alive(s) && !mp_subflow_usable(s));
    assert_int_equal(s->tcb.fin_wanted, true);
    end();
}

/* How many others the congestion control of a subflow can see. */
static unsigned company(const struct mp_subflow *sub)
{
    const struct cc *cc = &sub->tcb.loss.cc;
    unsigned n = 0;

    for (const struct cc *o = cc->next; o != NULL && o != cc; o = o->next)
        n++;
    return n;
}

/* Subflows are coupled as long as they are open. */
static void congestion_control_sees_the_others(void **state)
{
    start(7, 3);
    assert_int_equal(pair_open_n(&p, 0), 3);
    for (int i = 0; i < 2; i++)
        MP_EACH(o, p.side[i].conn)
            assert_int_equal(company(o), o->phase == MP_PHASE_OPEN ? 2 : 0);
    mp_subflow_abort(s, PLAIT_REASON_RETRIES, p.now);
    assert_int_equal(company(s), 0);
    MP_EACH(o, p.side[0].conn)
        assert_int_equal(company(o), o->phase == MP_PHASE_OPEN ? 1 : 0);
    end();
}

static void first_dies_the_connection_goes_on(void **state)
{
    start(4, 2);
    mp_subflow_abort(s, PLAIT_REASON_RETRIES, p.now);
    assert_int_equal(s->phase, MP_PHASE_DOWN);
    assert_int_equal(mp_error(p.side[0].conn, NULL), 0);
    p.side[0].to_write = 200000;
    pair_run(&p, p.now + 500 * PLAIT_MSEC);
    assert_int_equal(p.side[1].read, 200000);
    assert_int_equal(pair_open_n(&p, 1), 1);
    pair_run(&p, p.now + 3 * PLAIT_SEC); /* and the pair is tried again */
    assert_int_equal(pair_open_n(&p, 0), 2);
    end();
}

static void fin_from_the_peer_ends_one_subflow(void **state)
{
    start(5, 2);
    mp_subflow_close(pair_sub(&p, 1, 0), p.now);
    p.side[0].to_write = 200000;
    pair_run(&p, p.now + 500 * PLAIT_MSEC);
    assert_int_equal(p.side[1].read, 200000);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_false(p.side[1].eof);
    end();
}

/*= RFC 8684 3.3.6
 * The sender will declare the subflow failed after a predefined upper bound on retransmissions is
 * reached (which MAY be lower than the usual TCP limits of the MSL) or on the receipt of an ICMP
 * error, and only then delete the outstanding data segments. */
static void patience_depends_on_company(void **state)
{
    start(6, 2);
    assert_int_equal(s->tcb.retries, 8);
    mp_subflow_abort(pair_sub(&p, 0, 1), PLAIT_REASON_RETRIES, p.now);
    assert_int_equal(s->tcb.retries, 15);
    end();
}

/*= RFC 8684 3.2-8, 3.6-1 */
static void a_reset_tells_why(void **state)
{
    struct mp_plan plan;

    start(7, 2);
    s = pair_sub(&p, 0, 1);
    mp_subflow_abort(s, PLAIT_REASON_DSS_CONFLICT, p.now);
    assert_null(mp_next_dead(p.side[0].conn)); /* the RST goes first */
    assert_true(mp_plan(p.side[0].conn, p.now, &plan));
    assert_ptr_equal(plan.subflow, s);
    assert_int_equal(plan.tcp.why, TCP_WHY_RST);
    assert_true(wire_mp_has(&plan.mp, WIRE_MP_TCPRST));
    assert_int_equal(plan.mp.rst.reason, 1);
    pair_run(&p, p.now + 100 * PLAIT_MSEC);
    assert_null(pair_sub(&p, 0, 1));
    assert_int_equal(pair_open_n(&p, 1), 1);
    end();
}

/*= RFC 6897 4.4.1-1 */
static void each_obeys_the_connection(void **state)
{
    pair_init(&p, 9, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].cfg.tcp.keepalive_idle = 77 * PLAIT_SEC;
    p.side[0].cfg.tcp.cc = cc_find("reno");
    pair_transfer(&p, 100, 100);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    for (uint8_t id = 0; id < 2; id++) {
        assert_int_equal(pair_sub(&p, 0, id)->tcb.cfg->keepalive_idle, 77 * PLAIT_SEC);
        assert_ptr_equal(pair_sub(&p, 0, id)->tcb.loss.cc.ops, cc_find("reno"));
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carry_list), cmocka_unit_test(moved_runs_do_not_grow),
        cmocka_unit_test(phases),
        cmocka_unit_test(congestion_control_sees_the_others),
        cmocka_unit_test(first_dies_the_connection_goes_on),
        cmocka_unit_test(fin_from_the_peer_ends_one_subflow),
        cmocka_unit_test(patience_depends_on_company), cmocka_unit_test(a_reset_tells_why),
        cmocka_unit_test(each_obeys_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
