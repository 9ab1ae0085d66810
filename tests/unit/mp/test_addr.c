/* SPDX-License-Identifier: Apache-2.0 */
/* ADD_ADDR, REMOVE_ADDR, MP_PRIO, and local addresses that come and go. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

static void start(uint64_t seed, unsigned paths)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 1000, 1000);
}

static void go(plait_time wait)
{
    if (p.side[0].conn == NULL)
        pair_connect(&p);
    pair_run(&p, p.now + wait);
}

static void finish(void)
{
    p.hook = NULL;
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 200 * PLAIT_SEC));
    assert_false(p.side[0].bad || p.side[1].bad);
    pair_fini(&p);
}

/*= RFC 8684 3.4.1-7, 3.9.1-2 */
static void announced_address_is_joined(void **state)
{
    start(1, 1);
    pair_local(&p, 0, 1, PLAIT_LOCAL_SUBFLOW);
    p.side[0].locals.n = 1; /* the client has one address */
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    go(3 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_int_equal(pair_sub(&p, 0, 1)->remote_id, 2);
    assert_int_equal(pair_sub(&p, 0, 1)->tcb.remote.port, 80);
    assert_int_equal(pair_sub(&p, 1, 1)->local_id, 2);
    assert_true(mp_announced_at(p.side[1].conn, 0)->echoed);
    finish();
}

/*= RFC 6897 5.3.3-3 */
static void announced_with_a_port(void **state)
{
    start(2, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    p.side[1].locals.v[1].addr.port = 8080;
    go(3 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_int_equal(pair_sub(&p, 0, 1)->tcb.remote.port, 8080);
    finish();
}

enum deed { LOSE, SPOIL };
struct meddle { enum deed deed; bool echo; unsigned n, seen; };

static bool meddle_hook(struct pair *pair, int to, struct wire_seg *seg)
{
    struct meddle *m = pair->hook_data;

    (void)to;
    if (!wire_mp_has(&seg->mp, WIRE_MP_ADD_ADDR) || seg->mp.add_addr.echo != m->echo)
        return true;
    m->seen++;
    if (m->n == 0)
        return true;
    m->n--;
    seg->mp.add_addr.hmac[0] ^= 1;
    return m->deed != LOSE;
}

static void sent_until_echoed(void **state)
{
    struct meddle m = { .deed = LOSE, .n = 2 };

    start(3, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    p.hook = meddle_hook;
    p.hook_data = &m;
    go(20 * PLAIT_SEC);
    assert_int_equal(m.seen, 3);
    assert_int_equal(pair_open_n(&p, 0), 2);
    finish();
}

static void not_for_ever(void **state)
{
    struct meddle m = { .deed = LOSE, .n = 99 };

    start(4, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    p.hook = meddle_hook;
    p.hook_data = &m;
    go(60 * PLAIT_SEC);
    assert_int_equal(m.seen, MP_ANNOUNCE_TRIES);
    assert_int_equal(pair_open_n(&p, 0), 1);
    finish();
}

/*= RFC 8684 3.4.1
 * If a host receives an ADD_ADDR option for which it cannot validate the HMAC, it SHOULD silently
 * ignore the option. */
static void wrong_proof_is_ignored(void **state)
{
    struct meddle m = { .deed = SPOIL, .n = 99 };

    start(5, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    p.hook = meddle_hook;
    p.hook_data = &m;
    go(60 * PLAIT_SEC);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_ADDR_HMAC), MP_ANNOUNCE_TRIES);
    assert_int_equal(p.side[0].conn->remotes.n, 1);
    finish();
}

/* What the peer says, with a proof that is right. */
static void hear(uint8_t id, struct plait_addr addr)
{
    struct mp_conn *c = p.side[0].conn;
    struct wire_seg seg;

    memset(&seg, 0, sizeof seg);
    seg.flags = WIRE_ACK;
    seg.mp.present = 1u << WIRE_MP_ADD_ADDR;
    seg.mp.add_addr = (struct wire_mp_add_addr){ .has_hmac = true, .id = id, .addr = addr };
    mp_addr_hmac(c->remote.key, c->local.key, &seg.mp.add_addr, seg.mp.add_addr.hmac);
    mp_addr_input(mp_first(c), &seg, p.now);
}

static void strangers_are_not_connected_to(void **state)
{
    static const uint8_t bad[][4] = { { 127, 0, 0, 1 }, { 224, 0, 0, 1 }, { 0, 0, 0, 0 },
                                      { 255, 255, 255, 255 }, { 10, 0, 0, 1 }, { 169, 254, 1, 1 } };
    struct plait_addr a = { .family = 4 };

    start(6, 1);
    go(PLAIT_SEC);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memcpy(a.ip, bad[i], 4);
        hear((uint8_t)(20 + i), a);
        assert_int_equal(pair_count(&p, 0, PLAIT_REASON_ADDR_BAD), i + 1);
    }
    assert_int_equal(p.side[0].conn->remotes.n, 1);
    finish();
}

/*= RFC 8684 3.4.1-4, 3.4.1-5 */
static void table_is_bounded(void **state)
{
    struct plait_addr a = { .family = 4, .ip = { 192, 0, 2, 0 } };

    start(7, 1);
    p.side[0].cfg.pm = &pm_none_ops;
    go(PLAIT_SEC);
    for (unsigned i = 0; i < 300; i++) {
        a.ip[3] = (uint8_t)(1 + i % 250);
        hear((uint8_t)(1 + i % 250), a);
    }
    assert_int_equal(p.side[0].conn->remotes.n, 9);
    assert_true(p.side[0].conn->echoes.n <= MP_ECHOES_MAX);
    assert_true(pair_count(&p, 0, PLAIT_REASON_ADDR_LIMIT) > 200);
    finish();
}

/*= RFC 8684 3.4.1-3, 3.4.1-12 */
static void id_keeps_its_address(void **state)
{
    struct plait_addr a = { .family = 4, .ip = { 192, 0, 2, 1 } }, b = a;

    start(8, 1);
    p.side[0].cfg.pm = &pm_none_ops;
    go(PLAIT_SEC);
    hear(5, a);
    assert_int_equal(mp_addr_remote(p.side[0].conn, 5)->addr.port, 80);
    b.ip[3] = 2;
    hear(5, b);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_ADDR_BAD), 1);
    a.port = 99;
    hear(5, a);
    assert_int_equal(mp_addr_remote(p.side[0].conn, 5)->addr.port, 99);
    finish();
}

/*= RFC 8684 3.9.3
 * From the connection initiator's point of view, if an MP_JOIN fails, it SHOULD NOT attempt to
 * connect to the same IP address and port during the lifetime of the connection, unless the other
 * host refreshes the information with another ADD_ADDR option. */
/* A pair that the peer refused is tried again when the address is announced again. */
static void announced_again_is_tried_again(void **state)
{
    struct mp_conn *c;

    start(9, 1);
    p.side[0].cfg.pm = &pm_none_ops;
    go(PLAIT_SEC);
    c = p.side[0].conn;
    mp_path_bar(c, 0, 5, true, p.now);
    assert_int_equal(c->bars.n, 1);
    hear(5, (struct plait_addr){ .family = 4, .ip = { 192, 0, 2, 1 } });
    assert_int_equal(c->bars.n, 0);
    finish();
}

/*= RFC 8684 3.4.2-1 */
/*= RFC 6897 5.3.3-6 */
static void local_address_goes(void **state)
{
    struct plait_local gone;

    start(10, 2);
    pair_transfer(&p, 4 << 20, 0);
    go(100 * PLAIT_MSEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    gone = p.side[0].locals.v[1];
    p.side[0].locals.n = 1;
    p.path[1].down = true;
    mp_local_removed(p.side[0].conn, &gone, p.now);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 1);
    assert_int_equal(pair_open_n(&p, 1), 1);
    assert_int_equal(p.side[1].read, 4 << 20);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_REMOVE_UNKNOWN), 0);
    finish();
}

/*= RFC 8684 3.4.2-4, 3.4.2-8 */
static void removed_but_alive_stays(void **state)
{
    struct wire_seg seg;

    start(11, 2);
    go(PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 1), 2);
    memset(&seg, 0, sizeof seg);
    seg.mp.present = 1u << WIRE_MP_REMOVE_ADDR;
    seg.mp.remove = (struct wire_mp_remove){ 2, { 2, 77 } };
    mp_addr_input(pair_sub(&p, 1, 0), &seg, p.now);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_REMOVE_UNKNOWN), 1);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 1), 2);
    p.path[1].down = true;
    mp_addr_input(pair_sub(&p, 1, 0), &seg, p.now);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 1), 1);
    finish();
}

/*= RFC 8684 3.3.8-1 */
static void backup_is_spared_until_needed(void **state)
{
    start(12, 2);
    p.side[0].locals.v[1].flags |= PLAIT_LOCAL_BACKUP;
    pair_transfer(&p, 8 << 20, 8 << 20);
    go(300 * PLAIT_MSEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_int_equal(p.path[1].payload[0], 0);
    assert_int_equal(p.path[1].payload[1], 0);
    p.path[0].down = true;
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    assert_true(p.path[1].payload[0] > 100000);
    assert_true(p.path[1].payload[1] > 100000);
    p.path[0].down = false;
    finish();
}

/*= RFC 8684 3.3.8
 * It should be noted that the backup flag is a request from a data receiver to a data sender only,
 * and the data sender SHOULD adhere to these requests. */
static void prio_changes_the_use(void **state)
{
    uint64_t before;

    start(13, 2);
    p.path[1].delay = PLAIT_MSEC; /* the better one */
    pair_transfer(&p, 0, 60 << 20);
    go(300 * PLAIT_MSEC);
    assert_int_equal(mp_set_backup(p.side[0].conn, 2, true, p.now), 0);
    assert_int_equal(mp_set_backup(p.side[0].conn, 99, true, p.now), PLAIT_ENOENT);
    pair_run(&p, p.now + 200 * PLAIT_MSEC);
    assert_true(pair_sub(&p, 1, 1)->backup_remote);
    before = p.path[1].payload[1];
    pair_run(&p, p.now + 300 * PLAIT_MSEC);
    assert_int_equal(p.path[1].payload[1], before);
    mp_set_backup(p.side[0].conn, 2, false, p.now);
    pair_run(&p, p.now + 300 * PLAIT_MSEC);
    assert_false(pair_sub(&p, 1, 1)->backup_remote);
    assert_true(p.path[1].payload[1] > before);
    finish();
}

static void new_local_address_is_used(void **state)
{
    start(14, 1);
    go(PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 1);
    pair_local(&p, 0, 1, PLAIT_LOCAL_SUBFLOW);
    mp_local_added(p.side[0].conn, &p.side[0].locals.v[1], p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    finish();
}

static void no_carrier_moves_the_data_at_once(void **state)
{
    start(15, 2);
    pair_transfer(&p, 8 << 20, 0);
    go(200 * PLAIT_MSEC);
    p.side[1].longest_gap = 0;
    p.path[1].down = true;
    p.side[0].locals.v[1].flags |= PLAIT_LOCAL_DOWN;
    mp_local_changed(p.side[0].conn, &p.side[0].locals.v[1], p.now);
    assert_true(pair_sub(&p, 0, 1)->stale);
    pair_run(&p, p.now + 3 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 8 << 20);
    assert_true(p.side[1].longest_gap < 60 * PLAIT_MSEC);
    finish();
}

/*= RFC 8684 3.4.2-2, 3.4.2-5 */
static void announced_and_unused_is_removed(void **state)
{
    struct plait_local gone;

    start(16, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SIGNAL);
    p.side[0].cfg.pm = &pm_none_ops;
    go(2 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->remotes.n, 2);
    gone = p.side[1].locals.v[1];
    p.side[1].locals.n = 1;
    mp_local_removed(p.side[1].conn, &gone, p.now);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(p.side[0].conn->remotes.n, 1);
    finish();
}

struct ends { unsigned fins, resets; };

static bool count_ends(struct pair *pair, int to, struct wire_seg *seg)
{
    struct ends *e = pair->hook_data;

    (void)to;
    if (seg->src.ip[2] == 1 || seg->dst.ip[2] == 1) {
        e->fins += (seg->flags & WIRE_FIN) != 0;
        e->resets += (seg->flags & WIRE_RST) != 0;
    }
    return true;
}

/*= RFC 8684 3.4.2
 * A subflow that is still functioning MUST be closed with a FIN exchange as in regular TCP, rather
 * than using this option. */
static void functioning_subflow_ends_by_fin(void **state)
{
    struct ends e = { 0, 0 };
    struct plait_local gone;

    start(17, 2);
    go(PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    p.hook = count_ends;
    p.hook_data = &e;
    gone = p.side[0].locals.v[1];
    p.side[0].locals.n = 1;
    mp_local_removed(p.side[0].conn, &gone, p.now);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(e.fins, 2);
    assert_int_equal(e.resets, 0);
    assert_int_equal(pair_open_n(&p, 0), 1);
    finish();
}

/*= RFC 8684 3-1, 3.4.1-15, 4-2 */
/* Ten duplicate ACKs in a row with announcements, while data is in flight. */
static void options_on_duplicates_are_no_congestion(void **state)
{
    struct plait_block *none = NULL;
    const struct tcp_loss *l;
    struct mp_subflow *s;
    struct wire_seg seg;
    uint32_t cwnd;

    start(18, 1);
    p.side[0].cfg.pm = &pm_none_ops;
    pair_transfer(&p, 1 << 20, 0);
    go(60 * PLAIT_MSEC);
    s = pair_sub(&p, 0, 0);
    l = &s->tcb.loss;
    cwnd = l->cc.cwnd;
    assert_int_equal(l->f->state, TCP_LOSS_OPEN);
    assert_true(s->tcb.sndq.una != s->tcb.sndq.nxt);
    memset(&seg, 0, sizeof seg);
    seg.src = s->tcb.remote;
    seg.dst = s->tcb.local;
    seg.seq = s->tcb.rcv_nxt;
    seg.ack = s->tcb.sndq.una;
    seg.wnd = UINT16_MAX;
    seg.flags = WIRE_ACK;
    seg.opt.has_ts = true;
    seg.opt.tsval = s->tcb.ts_recent;
    seg.mp.any = true;
    seg.mp.present = 1u << WIRE_MP_ADD_ADDR;
    seg.mp.add_addr = (struct wire_mp_add_addr){
        .has_hmac = true, .id = 9, .addr = { .family = 4, .ip = { 192, 0, 2, 9 } } };
    mp_addr_hmac(s->conn->remote.key, s->conn->local.key, &seg.mp.add_addr,
                 seg.mp.add_addr.hmac);
    for (unsigned i = 0; i < 10; i++)
        mp_input(s, &seg, &none, p.now);
    assert_int_equal(s->conn->remotes.n, 2);
    assert_int_equal(l->f->state, TCP_LOSS_OPEN);
    assert_int_equal(s->tcb.sndq.f->lost, 0);
    assert_int_equal(l->cc.cwnd, cwnd);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(announced_address_is_joined), cmocka_unit_test(announced_with_a_port),
        cmocka_unit_test(sent_until_echoed), cmocka_unit_test(not_for_ever),
        cmocka_unit_test(wrong_proof_is_ignored), cmocka_unit_test(strangers_are_not_connected_to),
        cmocka_unit_test(table_is_bounded), cmocka_unit_test(id_keeps_its_address),
        cmocka_unit_test(announced_again_is_tried_again), cmocka_unit_test(local_address_goes),
        cmocka_unit_test(removed_but_alive_stays), cmocka_unit_test(backup_is_spared_until_needed),
        cmocka_unit_test(prio_changes_the_use), cmocka_unit_test(new_local_address_is_used),
        cmocka_unit_test(no_carrier_moves_the_data_at_once),
        cmocka_unit_test(announced_and_unused_is_removed),
        cmocka_unit_test(functioning_subflow_ends_by_fin),
        cmocka_unit_test(options_on_duplicates_are_no_congestion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
