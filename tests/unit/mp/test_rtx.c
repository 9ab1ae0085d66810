/* SPDX-License-Identifier: Apache-2.0 */
/* Data-level retransmission: of what a subflow has acknowledged, and the connection has not. */
#include "cm.h"
#include "pair.h"

#include <string.h>

static struct pair p;

/* Up to pair_connect(). */
static void start(uint64_t seed, unsigned paths, uint64_t up)
{
    pair_init(&p, seed, paths);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, up, 100);
}

/* The subflow takes it and the connection does not, as where a middlebox acknowledges data and
 * throws it away. */
static void map_nowhere(struct pair *pair, struct wire_seg *seg)
{
    memset(&seg->mp.dss, 0, sizeof seg->mp.dss);
    seg->mp.dss.has_map = seg->mp.dss.dsn64 = true;
    seg->mp.dss.dsn = mp_dsn_in(pair->side[1].conn, 0) - 5000;
    seg->mp.dss.ssn = tcp_ssn_in(&pair_sub(pair, 1, 0)->tcb, seg->seq);
    seg->mp.dss.dll = (uint16_t)seg->len;
}

static bool swallow(struct pair *pair, int to, struct wire_seg *seg)
{
    unsigned *n = pair->hook_data;

    if (to != 1 || seg->len == 0 || *n == 0)
        return true;
    --*n;
    map_nowhere(pair, seg);
    return true;
}

/*= RFC 8684 4
 * Implementations SHOULD NOT attempt to infer a data-level acknowledgment from the subflow ACKs. */
static void data_level_retransmission(void **state)
{
    unsigned n = 1;

    start(7, 1, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    p.hook = swallow;
    p.hook_data = &n;
    p.side[0].to_write = 3000;
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(n, 0);
    assert_int_equal(p.side[1].read, 3000);
    assert_true(p.side[0].conn->bytes_reinjected > 0);
    pair_wind_up(&p, 3000, 100);
}

/* A peer that acknowledges at the subflow with the DATA_ACK of before, as Linux does while its
 * application reads, until something comes a second time. */
struct lag {
    uint64_t ack;   /* the DATA_ACK that is repeated */
    uint64_t again; /* bytes that had come a second time before */
    bool on;
};

static bool lag_behind(struct pair *pair, int to, struct wire_seg *seg)
{
    struct lag *lag = pair->hook_data;

    if (to != 0 || !wire_mp_has(&seg->mp, WIRE_MP_DSS) || !seg->mp.dss.has_ack)
        return true;
    if (!lag->on || pair->side[0].conn->bytes_reinjected > lag->again)
        lag->ack = seg->mp.dss.ack;
    seg->mp.dss.ack = lag->ack;
    return true;
}

static uint64_t asked(struct lag *lag, uint64_t more, plait_time within)
{
    struct pair_side *me = &p.side[0], *peer = &p.side[1];

    lag->again = me->conn->bytes_reinjected;
    me->to_write += more;
    peer->last_read = p.now;
    peer->longest_gap = 0;
    pair_run(&p, p.now + within);
    assert_int_equal(peer->read, me->to_write);
    return me->conn->bytes_reinjected - lag->again;
}

/* The buffer is full of what the peer has and has not said so: it is asked, by one packet, long
 * before a time-out. Nobody asks where nobody waits. */
static void late_data_ack_is_asked_for(void **state)
{
    struct lag lag = { 0 };

    start(11, 1, 1 << 20);
    p.side[0].cfg.sndbuf_max = 64 << 10;
    p.hook = lag_behind;
    p.hook_data = &lag;
    pair_connect(&p);
    assert_int_equal(asked(&lag, 0, 10 * PLAIT_SEC), 0);
    lag.on = true;
    assert_in_range(asked(&lag, 1 << 20, 10 * PLAIT_SEC), 1, 1500);
    assert_true(p.side[1].longest_gap < 150 * PLAIT_MSEC);
    assert_int_equal(asked(&lag, 1000, 250 * PLAIT_MSEC), 0);
    assert_int_equal(asked(&lag, 0, PLAIT_SEC), 1000); /* the long timer, as ever */
    pair_wind_up(&p, (2 << 20) + 1000, 100);
}

/* A middlebox acknowledges a whole flight and throws it away. The answer to the packet that asks is
 * that no more than this one had been missing, so the rest goes at once, not packet by packet. */
static void lost_flight_is_sent_at_once(void **state)
{
    unsigned n = 40;

    start(12, 1, 1 << 20);
    p.side[0].cfg.sndbuf_max = 64 << 10;
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    p.hook = swallow;
    p.hook_data = &n;
    p.side[0].to_write += 1 << 20;
    p.side[1].last_read = p.now;
    p.side[1].longest_gap = 0;
    pair_run(&p, p.now + 1500 * PLAIT_MSEC);
    assert_int_equal(n, 0);
    assert_true(p.side[0].conn->bytes_reinjected > 30 * 1400);
    assert_true(p.side[1].longest_gap < 250 * PLAIT_MSEC);
    assert_int_equal(p.side[1].read, 2 << 20);
    pair_wind_up(&p, 2 << 20, 100);
}

/* The same on the faster path of two, for as long as it lasts. */
static bool swallow_on_first(struct pair *pair, int to, struct wire_seg *seg)
{
    if (to == 1 && seg->len > 0 && seg->src.ip[2] == 0)
        map_nowhere(pair, seg);
    return true;
}

/*= RFC 8684 3.3.6
 * The Data Sequence Mapping allows senders to resend data with the same data sequence number on a
 * different subflow. */
/* The first path answers sooner, so the oldest bytes go there once more; when that was in vain they
 * go by the other one, however many chunks the run was cut into. */
static void what_was_in_vain_goes_elsewhere(void **state)
{
    start(9, 2, 1000);
    p.path[1].delay = 4 * p.path[0].delay;
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    p.hook = swallow_on_first;
    p.side[0].to_write = 41000;
    pair_run(&p, p.now + 15 * PLAIT_SEC);
    assert_int_equal(p.side[1].read, 41000);
    pair_wind_up(&p, 41000, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_level_retransmission),
        cmocka_unit_test(late_data_ack_is_asked_for),
        cmocka_unit_test(lost_flight_is_sent_at_once),
        cmocka_unit_test(what_was_in_vain_goes_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
