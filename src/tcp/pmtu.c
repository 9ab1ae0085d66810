/* SPDX-License-Identifier: Apache-2.0 */
/* The path MTU of a subflow, as the MSS that it leaves. The one writer of tcb.mss after the SYNs.
 *
 * Called by handshake.c and half.c when both SYNs have come, icmp.c for "too big" errors, timer.c
 * when a time-out came, output.c for the next data segment (and from above for a chunk that it can
 * be made of), ack.c for what became of a probe.
 *
 * A connection begins with the largest segment that both ends allow. Three things move it:
 *
 *   - A router's "too big" lowers it at once, but not below a floor that every sane path has, since
 *     anybody can forge one (RFC 1191, 8201, 5927 7).
 *   - A path that lets nothing through any more may be one that swallows large packets and tells
 *     nobody. After the second time-out of a large segment they shrink to a size that nearly every
 *     path carries, after the fourth to the floor (RFC 4821 7.7). Where the path was merely dead
 *     for a while this costs little, because of the third:
 *   - A segment of stream data larger than the others, now and then, asks whether it gets through
 *     (RFC 4821 7.5). First of the size that worked before, then halfway between what is known to
 *     pass and what is known not to, until the two are close; ten minutes later all over again. A
 *     probe that is lost alone is no sign of congestion.
 *
 * Invariants: mss <= pmtu.high <= max_mss(t) once established; at most one probe is out; it is a
 * whole record (TCP_REC_MTU) until it is answered or sent again in pieces. Nothing here has a
 * timer: a probe waits for data. */
#include "internal.h"

enum {
    MTU_MIN_V4 = 552, MTU_MIN_V6 = 1280,
    MTU_BASE_V4 = 1024,   /* RFC 4821 7.2: probably safe enough */
    SEARCH_ENDS = 16,     /* bytes between what passes and what does not: not worth a probe */
    TIMEOUTS_BASE = 2,    /* in a row, until segments shrink, and until they shrink to the floor */
    TIMEOUTS_FLOOR = 4,
    DUP_THRESH_SEGS = 3,  /* room for so many segments behind a probe */
};

/*= RFC 4821 7.3
 * The value for this timer MUST NOT be less than 5 minutes and is recommended to be 10 minutes, per
 * RFC 1981. */
#define RAISE_AFTER (600 * PLAIT_SEC)

static uint32_t headers(const struct tcb *t) { return t->local.family == 6 ? 60 : 40; }

static uint16_t floor_mss(const struct tcb *t)
{
    return (uint16_t)((t->local.family == 6 ? MTU_MIN_V6 : MTU_MIN_V4) - headers(t));
}

static uint16_t base_mss(const struct tcb *t)
{
    return (uint16_t)((t->local.family == 6 ? MTU_MIN_V6 : MTU_BASE_V4) - headers(t));
}

/* What both ends allow. */
static uint16_t max_mss(const struct tcb *t)
{
    return t->mss_peer < t->mss_local ? t->mss_peer : t->mss_local;
}

uint32_t tcp_pmtu_payload_max(const struct tcb *t)
{
    return tcp_payload_mss(t) + (max_mss(t) - t->mss);
}

void tcp_pmtu_init(struct tcb *t)
{
    t->mss = max_mss(t);
    t->pmtu = (struct tcp_pmtu){ .high = t->mss };
}

static bool converged(const struct tcb *t)
{
    return t->pmtu.high < t->mss + SEARCH_ENDS;
}

/* The search goes on at that time; if nothing is left to search, from the beginning and late. */
static void search_on(struct tcb *t, plait_time at, plait_time now)
{
    t->pmtu.probe = 0;
    t->pmtu.at = converged(t) ? now + RAISE_AFTER : at;
}

static void set_mss(struct tcb *t, uint16_t mss)
{
    t->mss = mss;
    tcp_loss_set_mss(&t->loss, &t->sndq, tcp_payload_mss(t));
}

/* ---- down ------------------------------------------------------------------------------------ */

/* An old router told no MTU: the next plateau (RFC 1191 7.1). */
static uint32_t next_plateau(uint32_t mtu)
{
    static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 576 };

    for (unsigned i = 0; i < sizeof plateau / sizeof plateau[0]; i++)
        if (plateau[i] < mtu)
            return plateau[i];
    return MTU_MIN_V4;
}

/* One answer in a round trip: errors about packets that were under way say the same again, and who
 * forges them cannot have all that is in flight sent over and over. */
static void deaf_for_a_while(struct tcb *t, plait_time now)
{
    t->pmtu.deaf_until = now + t->loss.rtt.srtt;
}

/*= RFC 4821 7.6.2
 * Specifically, after a probe failure event and suppressed congestion control, PLPMTUD MUST NOT
 * probe again until an interval that is larger than the expected interval between congestion
 * control events. */
/* Reno's window grows by a segment in a round trip, from its half to the next event. */
static plait_time pause(const struct tcb *t)
{
    const struct tcp_loss *l = &t->loss;
    uint32_t half = l->cc.cwnd / 2;

    if (l->cc.ssthresh != CC_SSTHRESH_INFINITE && l->cc.ssthresh > half)
        half = l->cc.ssthresh;
    return l->rtt.srtt * (half / l->cc.mss + 1);
}

/* The router means the probe: what passes is known to be less, and the probe to be lost. */
static bool probe_too_big(struct tcb *t, uint32_t mss, plait_time now)
{
    if (mss < t->mss || mss >= t->pmtu.probe)
        return false;
    /*= RFC 4821 7.6.2
     * If an ICMP PTB message is received matching the probe packet, then search_high and eff_pmtu
     * MAY be set from the MTU value indicated in the message. */
    t->pmtu.high = (uint16_t)mss;
    t->pmtu_tried_high = false;
    tcp_loss_too_big(&t->loss, &t->sndq, t->pmtu.seq);
    search_on(t, now + pause(t), now);
    return true;
}

/*= RFC 7323 5.7-1 */
bool tcp_pmtu_too_big(struct tcb *t, uint32_t seq, uint32_t mtu, plait_time now)
{
    bool probe = t->pmtu.probe != 0 && seq == t->pmtu.seq;
    uint32_t mss;

    if (now < t->pmtu.deaf_until || (mtu == 0 && t->local.family == 6))
        return false;
    if (mtu == 0)
        mtu = next_plateau((probe ? t->pmtu.probe : t->mss) + headers(t));
    if (mtu < headers(t) + floor_mss(t))
        return false;
    mss = mtu - headers(t);
    if (probe && probe_too_big(t, mss, now))
        return true;
    if (mss >= t->mss)
        return false;
    set_mss(t, (uint16_t)mss);
    deaf_for_a_while(t, now);
    t->pmtu.high = t->mss;
    search_on(t, now, now);
    return true;
}

/*= RFC 4821 7.7
 * If there is a full-stop timeout and there was not an ICMP message indicating a reason (PTB, Net
 * unreachable, etc., or the ICMP message was ignored for some reason), the RECOMMENDED first
 * recovery action is to treat this as a detected ICMP black hole as defined in [RFC2923]. */
void tcp_pmtu_timed_out(struct tcb *t, plait_time now)
{
    uint8_t n = t->loss.rto_n;
    uint16_t to = n >= TIMEOUTS_FLOOR ? floor_mss(t) : base_mss(t), was = t->mss;
    plait_time at = converged(t) || t->pmtu.at < now ? now : t->pmtu.at; /* a probe's pause stays */

    if (n < TIMEOUTS_BASE || to >= was || !tcp_is_synchronized(t) || t->snd_wnd == 0)
        return; /* a peer that closes its window may well have heard */
    if (tcp_sndq_rec(&t->sndq, 0)->len <= tcp_payload_mss(t) - (uint32_t)(was - to))
        return; /* it was small, and got no answer either */
    ctx_count(t->ctx, PLAIT_REASON_MTU_BLACK_HOLE);
    set_mss(t, to);
    t->pmtu_tried_high = false;
    search_on(t, at, now);
}

/* ---- up -------------------------------------------------------------------------------------- */

/* The size that is worth asking for now; 0: none. */
static uint16_t next_size(const struct tcb *t, plait_time now)
{
    const struct tcp_pmtu *p = &t->pmtu;

    if (p->probe != 0 || now < p->at || max_mss(t) <= t->mss)
        return 0;
    if (converged(t))
        return max_mss(t); /* the time has come to begin again */
    return t->pmtu_tried_high ? (uint16_t)((t->mss + p->high + 1u) / 2) : p->high;
}

uint32_t tcp_pmtu_with_followers(const struct tcb *t, uint32_t len)
{
    return len + DUP_THRESH_SEGS * tcp_payload_mss(t);
}

/*= RFC 4821 7.4
 * Before sending a probe, the flow MUST meet at least the following conditions: */
uint32_t tcp_pmtu_probe(const struct tcb *t, plait_time now)
{
    const struct tcp_loss *l = &t->loss;
    uint16_t size = next_size(t, now);
    uint32_t mss = tcp_payload_mss(t), len;

    if (size == 0)
        return 0;
    len = mss + (size - t->mss);
    if (l->f->state != TCP_LOSS_OPEN || t->sndq.f->lost > 0 || t->sndq.f->sacked > 0 ||
        (l->cwr_due && tcp_ecn_on(t)))
        return 0;
    if (tcp_usable(t) < tcp_pmtu_with_followers(t, len) ||
        l->cc.cwnd < tcp_pmtu_with_followers(t, len))
        return 0;
    return tcp_loss_quota(l, &t->sndq) < len ? 0 : len;
}

void tcp_pmtu_probed(struct tcb *t, const struct tcp_plan *plan)
{
    struct tcp_pmtu *p = &t->pmtu;

    p->probe = (uint16_t)(t->mss + (plan->len - tcp_payload_mss(t)));
    p->seq = plan->seq;
    if (p->probe >= p->high) {
        p->high = p->probe;
        t->pmtu_tried_high = true;
    }
}

static void succeed(struct tcb *t, plait_time now)
{
    /*= RFC 4821 7.6.1
     * Set search_low to the probe size.  If the probe size is larger than the eff_pmtu, raise
     * eff_pmtu to the probe size. */
    ctx_count(t->ctx, PLAIT_REASON_MTU_RAISED);
    set_mss(t, t->pmtu.probe);
    search_on(t, now, now);
}

static void fail(struct tcb *t, plait_time wait, plait_time now)
{
    /*= RFC 4821 7.6.2
     * In the absence of other indications, set search_high to the probe size minus one. */
    ctx_count(t->ctx, PLAIT_REASON_MTU_PROBE_LOST);
    t->pmtu.high = (uint16_t)(t->pmtu.probe - 1);
    t->pmtu_tried_high = true;
    deaf_for_a_while(t, now);
    search_on(t, now + wait, now);
}

/*= RFC 4821 7.6.4
 * In this case, the state variables eff_pmtu, search_low, and search_high SHOULD NOT be updated,
 * and the same-sized probe SHOULD be attempted again as soon as the probing preconditions are met
 * (i.e., once the packetization layer has no outstanding unrecovered losses). */
static void inconclusive(struct tcb *t, plait_time now)
{
    t->pmtu_tried_high = t->pmtu.probe < t->pmtu.high;
    search_on(t, now, now);
}

/* The scoreboard may have changed: what became of the probe? */
void tcp_pmtu_review(struct tcb *t, plait_time now)
{
    struct tcp_rec *r;

    if (t->pmtu.probe == 0)
        return;
    r = tcp_sndq_rec_at(&t->sndq, t->pmtu.seq, NULL);
    if (r == NULL || (r->flags & TCP_REC_SACKED) != 0) {
        succeed(t, now);
        return;
    }
    if ((r->flags & TCP_REC_LOST) == 0)
        return;
    tcp_sndq_end_mtu_probe(r);
    if (t->loss.f->state == TCP_LOSS_RTO && t->pmtu.seq == t->sndq.una)
        /*= RFC 4821 7.6.3
         * A time interval that is five times the non-timeout failure case (Section 7.6.2) is
         * RECOMMENDED. */
        fail(t, 5 * pause(t), now);
    else if (t->loss.f->state != TCP_LOSS_OPEN || t->sndq.f->lost > r->len)
        inconclusive(t, now);
    else
        fail(t, pause(t), now);
}
