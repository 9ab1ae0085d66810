/* SPDX-License-Identifier: Apache-2.0 */
/* Data-level retransmission: of what a subflow has acknowledged, and the connection has not.
 *
 * Called by conn.c whenever something has happened, and by timer.c when rtx_at has come. What is
 * sent again goes through the reinjection set (tx.c). RFC 8684 3.3.6. */
#include "mp_int.h"

#define RTX_MIN (300 * PLAIT_MSEC)
#define RTX_MAX (10 * PLAIT_SEC)
#define PROBE_SLACK (4 * PLAIT_MSEC) /* for the peer's application to be scheduled */
enum { AGAIN_AT_ONCE = 256 << 10 };

/* Something waits, the application for room or data for the window or by Nagle's rule, and the
 * subflows have nothing out: no ACK is due from the peer, whose DATA_ACK alone can help. Linux
 * makes this happen: while its application reads, a segment is acknowledged at the subflow with the
 * DATA_ACK of before, and once it has been taken in nothing more is said. Not where the peer's
 * MPTCP may have gone, to which a copy is new data. */
static bool holds_up(const struct mp_conn *c)
{
    bool usable = false;

    if ((!c->want_write && c->store.end == c->snd_nxt) || c->reinject.n > 0)
        return false;
    MP_EACH(s, c) {
        if (!mp_subflow_usable(s) || s->stale)
            continue;
        if (s->bare || s->tcb.sndq.una != s->tcb.sndq.nxt)
            return false;
        usable = true;
    }
    return usable;
}

/* One packet makes the peer say what it has. Two round trips, as in RFC 8985 7.2. */
static plait_time probe_wait(const struct mp_conn *c)
{
    plait_time rtt = 0;

    MP_EACH(s, c)
        if (mp_subflow_usable(s) && !s->stale)
            rtt = mp_later(rtt, s->tcb.loss.rtt.srtt);
    return 2 * rtt + PROBE_SLACK;
}

static plait_time timeout(const struct mp_conn *c)
{
    plait_time wait = RTX_MIN;

    MP_EACH(s, c)
        if (mp_subflow_usable(s) && !s->stale)
            wait = mp_later(wait, 2 * s->tcb.loss.rtt.rto);
    return wait;
}

/*= RFC 8684 3.3.6
 * A timer is set when the head of the connection level is ACKed at the subflow level but is not
 * DATA_ACKed at the data level. */
/* It runs while anything awaits a DATA_ACK, for longer than any subflow's own timer, and looks at
 * the head when it comes. Where all waits for the DATA_ACK alone, a probe goes out much earlier,
 * one until there is progress. */
void mp_rtx_rearm(struct mp_conn *c, plait_time now)
{
    bool probe;
    plait_time wait;

    if (c->mode != MP_MODE_MULTIPATH || c->over || c->snd_una == c->snd_nxt) {
        c->rtx_at = PLAIT_NEVER;
        return;
    }
    probe = !c->probed && holds_up(c);
    if (c->rtx_at != PLAIT_NEVER && (c->rtx_probe || !probe))
        return;
    wait = probe ? probe_wait(c) : timeout(c) << (c->rtx_n < 6 ? c->rtx_n : 6);
    c->rtx_at = mp_earlier(c->rtx_at, now + mp_earlier(wait, RTX_MAX));
    c->rtx_probe = probe;
}

/* The lowest position above pos that a living subflow still works on, or `end`. */
static uint64_t next_carried(const struct mp_conn *c, uint64_t pos, uint64_t end)
{
    MP_EACH(s, c)
        for (uint32_t i = 0; i < s->carry.count; i++) {
            const struct mp_carry *r = ring_at(&s->carry, i);
            if (!r->moved && r->pos > pos && r->pos < end)
                end = r->pos;
        }
    return end;
}

/* How much is sent again at a time: a packet to ask, and more where the peer took no more than what
 * had been sent again, or after the long timer. */
static uint64_t amount(const struct mp_conn *c, bool probe)
{
    const struct mp_subflow *s = mp_best(c, NULL);

    if (!probe || s == NULL || (c->snd_una == c->again_end && c->bytes_reinjected > 0))
        return AGAIN_AT_ONCE;
    return tcp_payload_mss(&s->tcb);
}

static void queue_again(struct mp_conn *c, bool probe)
{
    uint64_t end = mp_min(c->snd_nxt, c->snd_una + amount(c, probe));

    mp_tx_again(c, c->snd_una, next_carried(c, c->snd_una, end));
    if (probe)
        c->probed = true;
    else if (c->rtx_n < 8)
        c->rtx_n++;
}

void mp_rtx_expire(struct mp_conn *c, plait_time now)
{
    const struct mp_carry *head = NULL;
    bool probe = c->rtx_probe;

    if (now < c->rtx_at)
        return;
    c->rtx_at = PLAIT_NEVER;
    c->rtx_probe = false;
    MP_EACH(s, c)
        if (head == NULL && !s->stale)
            head = mp_carry_find(s, c->snd_una);
    if (head == NULL && !probe && mp_options_gone(c, now))
        return;
    /* A peer that our MP_FAIL has made plain would take the copy for new data. */
    if (head == NULL && (!probe || holds_up(c)) && !mp_fail_is_out(c) &&
        !rangeset_has(&c->reinject, c->snd_una))
        queue_again(c, probe);
    mp_rtx_rearm(c, now);
}
