/* SPDX-License-Identifier: Apache-2.0 */
/* MP_JOIN: proofs right, wrong and missing, ACKs that get lost, limits. */
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

static void finish(void)
{
    p.hook = NULL;
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 200 * PLAIT_SEC));
    pair_expect_all(&p, 1000, 1000);
    pair_fini(&p);
}

/*= RFC 8684 3.2-1, 3.2-3 */
static void every_pair_joins(void **state)
{
    start(1, 4);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 4);
    assert_int_equal(pair_open_n(&p, 1), 4);
    assert_int_equal(p.side[1].conn->joined, true);
    for (uint8_t id = 1; id < 4; id++) {
        const struct mp_subflow *a = pair_sub(&p, 0, id);
        const struct mp_subflow *b = NULL;
        MP_EACH(s, p.side[1].conn)
            if (s->tcb.remote.ip[2] == a->tcb.local.ip[2])
                b = s;
        assert_non_null(b);
        assert_int_equal(b->remote_id, a->local_id);
        assert_int_equal(a->remote_id, 0);
        assert_int_equal(b->local_id, 0);
    }
    finish();
}

static bool silent_server(struct pair *pair, int to, struct wire_seg *seg)
{
    return to == 1 || (seg->flags & WIRE_SYN) != 0;
}

/*= RFC 8684 3.1
 * Note that new subflows MUST NOT be established (using the process documented in Section 3.2)
 * until a DSS option has been successfully received across the path (as documented in Section
 * 3.3). */
/* RFC 8684 3.1: no join before a DSS was received. */
static void not_before_a_dss(void **state)
{
    start(2, 2);
    p.hook = silent_server;
    pair_connect(&p);
    pair_run(&p, p.now + 5 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->mode, MP_MODE_MULTIPATH);
    assert_false(p.side[0].conn->dss_in);
    assert_int_equal(p.side[0].conn->total, 1);
    p.hook = NULL;
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    finish();
}

/* The acceptor's end of the subflow that seg, which goes to the client, came from. */
static const struct mp_subflow *accepted_end(struct pair *pair, const struct wire_seg *seg)
{
    MP_EACH(s, pair->side[1].conn)
        if (!s->first && s->tcb.local.ip[2] == seg->src.ip[2] &&
            s->tcb.remote.ip[2] == seg->dst.ip[2])
            return s;
    return NULL;
}

struct first_packets {
    unsigned lose;     /* the path to the client is dark until so many HMAC-A came */
    unsigned proofs;
    unsigned payloads; /* seen before the client acknowledged one */
};

static bool first_packet_alone(struct pair *pair, int to, struct wire_seg *seg)
{
    bool down = to == 0 && pair->side[1].conn != NULL;
    const struct mp_subflow *s = down ? accepted_end(pair, seg) : NULL;
    struct first_packets *f = pair->hook_data;

    if (to == 1 && wire_mp_has(&seg->mp, WIRE_MP_JOIN) && seg->mp.join.len == 24)
        f->proofs++;
    if (s == NULL || s->tcb.bytes_acked > 0)
        return true;
    assert_int_equal(seg->seq, s->tcb.iss + 1);
    assert_true(seg->len <= tcp_payload_mss(&s->tcb));
    f->payloads += seg->len > 0;
    return f->proofs > f->lose;
}

static void first_packets(struct first_packets *f)
{
    pair_init(&p, 12, 2);
    pair_transfer(&p, 0, 1000000);
    p.hook = first_packet_alone;
    p.hook_data = f;
    pair_connect(&p);
    assert_true(pair_finish(&p, 200 * PLAIT_SEC));
    pair_expect_all(&p, 0, 1000000);
    pair_fini(&p);
}

/* Linux resets a joined subflow when something comes out of order before its HMAC-A was
 * answered. */
static void acceptor_sends_one_packet_first(void **state)
{
    struct first_packets f = { .lose = 0 };

    first_packets(&f);
    assert_int_equal(f.payloads, 1);
}

static void acceptor_answers_proof_by_first_packet(void **state)
{
    struct first_packets f = { .lose = 1 };

    first_packets(&f);
    assert_true(f.proofs > 1);
    assert_true(f.payloads > 1);
}

enum deed { WRONG_HMAC, NO_OPTION, LOSE };
struct spoil {
    int to;
    uint8_t len;
    enum deed deed;
    unsigned n;
    unsigned resets; /* seen, and the code of the last one */
    uint8_t code;
};

static bool spoil_hook(struct pair *pair, int to, struct wire_seg *seg)
{
    struct spoil *s = pair->hook_data;

    if ((seg->flags & WIRE_RST) != 0) {
        s->resets++;
        s->code = wire_mp_has(&seg->mp, WIRE_MP_TCPRST) ? seg->mp.rst.reason : UINT8_MAX;
    }
    if (to != s->to || !wire_mp_has(&seg->mp, WIRE_MP_JOIN) || seg->mp.join.len != s->len ||
        s->n == 0)
        return true;
    s->n--;
    if (s->deed == WRONG_HMAC)
        seg->mp.join.hmac[3] ^= 1;
    else if (s->deed == NO_OPTION)
        memset(&seg->mp, 0, sizeof seg->mp);
    return s->deed != LOSE;
}

static void spoil(struct spoil *s, plait_time wait)
{
    p.hook = spoil_hook;
    p.hook_data = s;
    pair_connect(&p);
    pair_run(&p, p.now + wait);
}

static void expect_reset(const struct spoil *s)
{
    assert_int_equal(s->resets, 1);
    assert_int_equal(s->code, 1); /* "MPTCP-specific error" */
}

/*= RFC 8684 3.2-7, 3.2-8, 3.9.3-3 */
static void wrong_proof_in_synack(void **state)
{
    struct spoil s = { .to = 0, .len = 16, .deed = WRONG_HMAC, .n = 99 };

    start(3, 2);
    spoil(&s, 10 * PLAIT_SEC);
    expect_reset(&s);
    assert_int_equal(pair_open_n(&p, 0), 1);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_JOIN_HMAC), 1); /* tried once, never again */
    assert_int_equal(pair_open_n(&p, 1), 1);
    finish();
}

/*= RFC 8684 3.2-8, 3.2-10, 3.2-11 */
static void no_proof_in_synack(void **state)
{
    struct spoil s = { .to = 0, .len = 16, .deed = NO_OPTION, .n = 99 };

    start(4, 2);
    spoil(&s, 10 * PLAIT_SEC);
    expect_reset(&s);
    assert_int_equal(pair_count(&p, 0, PLAIT_REASON_JOIN_NO_OPTION), 1);
    assert_int_equal(pair_open_n(&p, 0), 1);
    finish();
}

/*= RFC 8684 3.2-8, 3.2-9 */
static void wrong_proof_in_ack(void **state)
{
    struct spoil s = { .to = 1, .len = 24, .deed = WRONG_HMAC, .n = 99 };

    start(5, 2);
    spoil(&s, 10 * PLAIT_SEC);
    expect_reset(&s);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_JOIN_HMAC), 1);
    assert_true(pair_count(&p, 0, PLAIT_REASON_TCPRST) == 1);
    assert_int_equal(pair_open_n(&p, 0), 1);
    assert_int_equal(pair_open_n(&p, 1), 1);
    finish();
}

/*= RFC 8684 3.2-8, 3.2-9 */
static void no_proof_in_ack(void **state)
{
    struct spoil s = { .to = 1, .len = 24, .deed = NO_OPTION, .n = 99 };

    start(6, 2);
    spoil(&s, 10 * PLAIT_SEC);
    expect_reset(&s);
    assert_int_equal(pair_count(&p, 1, PLAIT_REASON_JOIN_NO_OPTION), 1);
    assert_int_equal(pair_open_n(&p, 0), 1);
    finish();
}

/*= RFC 8684 3.2
 * This data needs to be sent reliably, since it is the only time this HMAC is sent; therefore,
 * receipt of this packet MUST trigger a regular TCP ACK in response, and the packet MUST be
 * retransmitted if this ACK is not received. */
static void ack_is_sent_until_answered(void **state)
{
    struct spoil s = { .to = 1, .len = 24, .deed = LOSE, .n = 3 };

    start(7, 2);
    spoil(&s, 10 * PLAIT_SEC);
    assert_int_equal(s.n, 0);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_int_equal(pair_open_n(&p, 1), 2);
    finish();
}

/* The fourth ACK gets lost: the initiator stays where no data may be sent, and asks again. */
static bool lose_answers(struct pair *pair, int to, struct wire_seg *seg)
{
    unsigned *n = pair->hook_data;
    bool joined = seg->dst.ip[2] == 1 || seg->src.ip[2] == 1;

    if (to != 0 || !joined || (seg->flags & WIRE_SYN) != 0 || *n == 0)
        return true;
    assert_int_equal(pair_sub(pair, 0, 1)->phase, MP_PHASE_PRE);
    assert_int_equal(pair_sub(pair, 0, 1)->tcb.bytes_sent, 0);
    --*n;
    return false;
}

static void no_data_before_the_answer(void **state)
{
    unsigned n = 2;

    start(8, 2);
    pair_transfer(&p, 500000, 0);
    p.path[0].rate = 300000;
    p.hook = lose_answers;
    p.hook_data = &n;
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(n, 0);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_true(p.path[1].bytes[0] > 0);
    p.hook = NULL;
    p.side[0].keep_open = p.side[1].keep_open = false;
    assert_true(pair_finish(&p, 60 * PLAIT_SEC));
    pair_expect_all(&p, 500000, 0);
    pair_fini(&p);
}

/*= RFC 8684 3.2
 * If the token received at Host B is unknown or local policy prohibits the acceptance of the new
 * subflow, the recipient MUST respond with a TCP RST for the subflow. */
static void limit_of_subflows(void **state)
{
    start(9, 4);
    p.side[1].cfg.subflows_max = 2;
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_true(pair_count(&p, 1, PLAIT_REASON_JOIN_LIMIT) == 2);
    finish();
}

static void own_limit_of_subflows(void **state)
{
    start(10, 4);
    p.side[0].cfg.subflows_max = 3;
    pair_connect(&p);
    pair_run(&p, p.now + 10 * PLAIT_SEC);
    assert_int_equal(p.side[0].conn->total, 3);
    finish();
}

/* RST-01. What the peer's reset says decides whether the join is tried again. */
static bool say_transient(struct pair *pair, int to, struct wire_seg *seg)
{
    if (to == 0 && wire_mp_has(&seg->mp, WIRE_MP_TCPRST)) {
        seg->mp.rst.transient = *(bool *)pair->hook_data;
        seg->mp.rst.reason = 2;
    }
    return true;
}

/*= RFC 8684 3.6
 * If the error condition is considered to be Permanent, the receiver of the RST segment SHOULD NOT
 * try to re-establish a subflow for this connection over this path. */
static void transient_and_permanent_resets(void **state)
{
    for (int i = 0; i < 2; i++) {
        bool transient = i == 1;
        pair_init(&p, 20, 2);
        p.side[0].keep_open = p.side[1].keep_open = true;
        p.side[1].cfg.subflows_max = 1;
        p.hook = say_transient;
        p.hook_data = &transient;
        pair_transfer(&p, 1000, 1000);
        pair_connect(&p);
        pair_run(&p, p.now + 20 * PLAIT_SEC);
        if (transient) /* at once, and after 1, 2, 4, 8 seconds */
            assert_int_equal(pair_count(&p, 1, PLAIT_REASON_JOIN_LIMIT), 5);
        else
            assert_int_equal(pair_count(&p, 1, PLAIT_REASON_JOIN_LIMIT), 1);
        p.side[0].conn->released = p.side[1].conn->released = true;
        pair_fini(&p);
    }
}

static void server_may_join_too(void **state)
{
    start(11, 1);
    pair_local(&p, 1, 1, PLAIT_LOCAL_SUBFLOW);
    p.side[1].cfg.server_joins = true;
    pair_connect(&p);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    assert_int_equal(pair_open_n(&p, 0), 2);
    assert_true(pair_sub(&p, 1, 1)->initiator);
    finish();
}

static void join_for_nobody(void **state)
{
    struct mp_half h;
    struct wire_seg syn;

    start(12, 1);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    memset(&syn, 0, sizeof syn);
    syn.flags = WIRE_SYN;
    syn.src = pair_addr(0, 3, 999);
    syn.dst = pair_addr(1, 0, 80);
    assert_int_equal(mp_half_join(&h, p.side[1].conn, &syn, 5), PLAIT_REASON_JOIN_NO_OPTION);
    syn.mp.present = 1u << WIRE_MP_JOIN;
    syn.mp.join.len = 12;
    assert_int_equal(mp_half_join(&h, p.side[1].conn, &syn, 5), PLAIT_REASON_NONE);
    syn.dst = pair_addr(1, 3, 80);
    assert_int_equal(mp_half_join(&h, p.side[1].conn, &syn, 5), PLAIT_REASON_JOIN_POLICY);
    mp_abort(p.side[1].conn, PLAIT_REASON_LOCAL_ABORT, p.now);
    assert_int_equal(mp_half_join(&h, p.side[1].conn, &syn, 5), PLAIT_REASON_JOIN_STATE);
    p.side[1].conn->released = p.side[0].conn->released = true;
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_joins), cmocka_unit_test(not_before_a_dss),
        cmocka_unit_test(acceptor_sends_one_packet_first),
        cmocka_unit_test(acceptor_answers_proof_by_first_packet),
        cmocka_unit_test(wrong_proof_in_synack), cmocka_unit_test(no_proof_in_synack),
        cmocka_unit_test(wrong_proof_in_ack), cmocka_unit_test(no_proof_in_ack),
        cmocka_unit_test(ack_is_sent_until_answered), cmocka_unit_test(no_data_before_the_answer),
        cmocka_unit_test(limit_of_subflows), cmocka_unit_test(own_limit_of_subflows),
        cmocka_unit_test(transient_and_permanent_resets),
        cmocka_unit_test(server_may_join_too), cmocka_unit_test(join_for_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
