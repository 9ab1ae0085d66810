/* SPDX-License-Identifier: Apache-2.0 */
/* DSS on the way in: DATA_ACK, mappings, DATA_FIN; the arithmetic of data sequence numbers and of
 * the DSS checksum.
 *
 * Called by opts.c with acceptable segments, by rx.c for the mapping of what is in order. A
 * subflow's maps are sorted by offset and never overlap; everything below tcb.rcvq.next was
 * delivered and has no map. Without checksums a map is only a shift from offset to position: maps
 * that continue each other are joined, and repeated or overlapping ones that agree are legal.
 * With checksums a map is a unit that is kept as declared. A map that contradicts another one is
 * the end of the subflow.
 *
 * Positions run from 0, so a data sequence number outside +-2^63 of IDSN + 1 means nothing; such
 * bytes are mapped all the same, and dropped (RFC 8684 3.8). RFC 8684 3.3, 3.3.1, 3.3.2. */
#include "mp_int.h"

#include "../base/csum.h"

#define POS_MAX ((uint64_t)1 << 62)

/* ---- numbers -------------------------------------------------------------------------------- */

/*= RFC 8684 3.3.1
 * Data sequence numbers are always 64-bit quantities and MUST be maintained as such in
 * implementations. */
/*= RFC 8684 3.1
 * The SYN with MP_CAPABLE occupies the first octet of data sequence space */
uint64_t mp_dsn_out(const struct mp_conn *c, uint64_t pos)
{
    return c->local.idsn + 1 + pos;
}

uint64_t mp_dsn_in(const struct mp_conn *c, uint64_t pos)
{
    return c->remote.idsn + 1 + pos;
}

/*= RFC 8684 3.3.1
 * An implementation MUST be able to receive and process both 64-bit and 32-bit sequence number
 * values, but it is not required that an implementation be able to send both. */
/*= RFC 8684 3.3.1
 * A sanity check MUST be implemented to ensure that a wrap occurs at an expected time (e.g., the
 * sequence number jumps from a very high number to a very low number) and is not triggered by
 * out-of-order packets. */
/*= RFC 8684 3.3.1
 * Implementations MUST accept a 32-bit DSN and implicitly promote it to a 64-bit quantity by
 * incrementing the upper 32 bits of the sequence number each time the lower 32 bits wrap. */
/* The value nearest to what is expected next: a late packet cannot move the upper half. */
uint64_t mp_pos_of_dsn(const struct mp_conn *c, const struct wire_mp_dss *d)
{
    uint64_t next = mp_dsn_in(c, mp_rx_nxt(c));
    uint64_t dsn = d->dsn64 ? d->dsn : seq_extend(next, (uint32_t)d->dsn);

    return dsn - mp_dsn_in(c, 0);
}

uint64_t mp_off_of_ssn(const struct mp_subflow *s, uint32_t ssn)
{
    return seq_extend(s->tcb.rcv_pos, ssn - 1);
}

/* ---- checksum ------------------------------------------------------------------------------- */

/*= RFC 8684 3.3.1
 * Note that the data sequence number used in the pseudo-header is always the 64-bit value,
 * irrespective of what length is used in the DSS option itself. */
static uint64_t add_pseudo(uint64_t sum, const struct mp_pseudo *p)
{
    return csum_add_u16(csum_add_u32(csum_add_u64(sum, p->dsn), p->ssn), p->dll);
}

uint16_t mp_dss_csum(uint64_t sum, const struct mp_pseudo *p)
{
    return (uint16_t)~csum_fold(add_pseudo(sum, p));
}

bool mp_dss_csum_ok(uint64_t sum, const struct mp_pseudo *p, uint16_t csum)
{
    return csum_fold(csum_add_u16(add_pseudo(sum, p), csum)) == UINT16_MAX;
}

/* ---- maps ----------------------------------------------------------------------------------- */

static uint64_t map_end(const struct mp_map *m) { return m->off + m->len; }

struct mp_map *mp_map_at(const struct mp_subflow *s, uint64_t off)
{
    struct mp_map *m = s->maps.count > 0 ? ring_at(&s->maps, 0) : NULL;

    return m != NULL && off >= m->off && off < map_end(m) ? m : NULL;
}

void mp_map_done(struct mp_subflow *s, uint64_t off)
{
    while (s->maps.count > 0) {
        struct mp_map *m = ring_at(&s->maps, 0);
        uint64_t n = off > m->off ? off - m->off : 0;

        if (n >= m->len) {
            ring_pop(&s->maps, 1);
            continue;
        }
        if (!s->conn->checksum) {
            m->off += n;
            m->pos += n;
            m->len -= (uint32_t)n;
        }
        return;
    }
}

/* A mapping without which the data could never be delivered must find room, so the segment is
 * refused before TCP acknowledges it. In order there is always room: what comes in order is
 * delivered. */
bool mp_map_room(struct mp_subflow *s, const struct wire_seg *seg)
{
    bool in_order = seg->seq == s->tcb.rcv_nxt;

    if (seg->len == 0 || s->conn->mode != MP_MODE_MULTIPATH)
        return true;
    if (s->maps.count >= MP_MAPS_MAX && !in_order)
        return false;
    return ring_reserve(&s->maps, 2);
}

/* Index of the first map that ends behind off. */
static uint32_t first_behind(const struct mp_subflow *s, uint64_t off)
{
    uint32_t lo = 0, hi = s->maps.count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (map_end(ring_at(&s->maps, mid)) > off)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static void conflict(struct mp_subflow *s, plait_time now)
{
    mp_drop(s->conn, s, PLAIT_REASON_DSS_CONFLICT, now);
    mp_subflow_abort(s, PLAIT_REASON_DSS_CONFLICT, now);
}

static bool insert(struct mp_subflow *s, uint32_t at, const struct mp_map *m)
{
    struct mp_map *slot = ring_insert(&s->maps, at);

    if (slot != NULL)
        *slot = *m;
    return slot != NULL;
}

static bool continues(const struct mp_map *a, const struct mp_map *b)
{
    return map_end(a) == b->off && a->pos + a->len == b->pos && a->discard == b->discard &&
           a->len < (1u << 30);
}

/* Puts m, which touches no map, before index at; joins it to its left neighbour. Answers how many
 * maps there are more, or -1. */
static int put_piece(struct mp_subflow *s, uint32_t at, const struct mp_map *m)
{
    struct mp_map *left = at > 0 ? ring_at(&s->maps, at - 1) : NULL;

    if (left != NULL && continues(left, m)) {
        left->len += m->len;
        return 0;
    }
    return insert(s, at, m) ? 1 : -1;
}

static void advance(struct mp_map *m, uint64_t n)
{
    m->off += n;
    m->pos += n;
    m->len -= (uint32_t)n;
}

/* Without checksums: the parts of m that no map covers yet. */
static void add_shift(struct mp_subflow *s, struct mp_map m, plait_time now)
{
    uint64_t done = s->tcb.rcvq.next;
    uint32_t i;

    if (m.off < done)
        advance(&m, done - m.off);
    for (i = first_behind(s, m.off); m.len > 0;) {
        struct mp_map *at = i < s->maps.count ? ring_at(&s->maps, i) : NULL;
        struct mp_map piece = m;
        int more;

        if (at != NULL && at->off <= m.off) {
            uint64_t n = map_end(at) - m.off;
            if (at->pos - at->off != m.pos - m.off || at->discard != m.discard) {
                conflict(s, now);
                return;
            }
            advance(&m, n < m.len ? n : m.len);
            i++;
            continue;
        }
        if (at != NULL && at->off - m.off < m.len)
            piece.len = (uint32_t)(at->off - m.off);
        more = put_piece(s, i, &piece);
        if (more < 0) {
            mp_drop(s->conn, s, PLAIT_REASON_DSS_MAPS_FULL, now);
            return;
        }
        i += (uint32_t)more;
        advance(&m, piece.len);
    }
}

/* Do both say the same of the payload? The sum of length and checksum is what the payload leaves of
 * the pseudo-header's. */
static bool same_payload_sum(const struct mp_map *a, const struct mp_map *b)
{
    uint16_t sum_a = csum_fold((uint64_t)a->dll + a->csum);
    uint16_t sum_b = csum_fold((uint64_t)b->dll + b->csum);

    return sum_a % UINT16_MAX == sum_b % UINT16_MAX; /* 0 and 0xffff are the same number */
}

/* The same mapping again. A sender that closes may add the DATA_FIN to its last mapping between one
 * packet and the next or between two transmissions, as Linux does: one more in the length, and the
 * checksum follows. */
static bool repeats(const struct mp_map *held, const struct mp_map *m)
{
    return held->off == m->off && held->len == m->len && held->pos == m->pos &&
           same_payload_sum(held, m);
}

/* With checksums: a repetition, or new as a whole. */
static void add_unit(struct mp_subflow *s, const struct mp_map *m, plait_time now)
{
    uint32_t i = first_behind(s, m->off);
    struct mp_map *at = i < s->maps.count ? ring_at(&s->maps, i) : NULL;

    if (at != NULL && at->off < map_end(m)) {
        if (!repeats(at, m))
            conflict(s, now);
        else if (m->dll > at->dll) {
            at->dll = m->dll;
            at->csum = m->csum;
        }
    } else if (m->off < s->tcb.rcvq.next) {
        conflict(s, now); /* part of it was delivered under another mapping */
    } else if (!insert(s, i, m)) {
        mp_drop(s->conn, s, PLAIT_REASON_DSS_MAPS_FULL, now);
    }
}

/*= RFC 8684 3.3.1
 * The mapping provided by a Data Sequence Mapping MUST apply to some or all of the subflow sequence
 * space in the TCP segment that carries the option. */
static bool touches(const struct mp_subflow *s, const struct wire_seg *seg, const struct mp_map *m)
{
    uint64_t begin = mp_off_of_ssn(s, tcp_ssn_in(&s->tcb, seg->seq));

    return m->off < POS_MAX && (int64_t)begin < (int64_t)map_end(m) &&
           (int64_t)(begin + seg->len) > (int64_t)m->off;
}

static void add_map(struct mp_subflow *s, const struct wire_seg *seg, const struct mp_map *m,
                    plait_time now)
{
    if (!touches(s, seg, m))
        mp_drop(s->conn, s, PLAIT_REASON_DSS_OUTSIDE, now);
    else if (map_end(m) <= s->tcb.rcvq.next)
        return; /* repeated, and delivered long ago */
    else if (s->conn->checksum)
        add_unit(s, m, now);
    else
        add_shift(s, *m, now);
}

/* ---- the option ----------------------------------------------------------------------------- */

static void ack_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    const struct mp_conn *c = s->conn;
    const struct wire_mp_dss *d = &seg->mp.dss;
    uint64_t una = mp_dsn_out(c, c->snd_una);
    /*= RFC 8684 3.3.2
     * If the DSN received is 32 bits, an implementation can choose whether to send a 32-bit or
     * 64-bit Data ACK, and an implementation MUST accept either in this situation. */
    uint64_t ack = d->ack64 ? d->ack : seq_extend(una, (uint32_t)d->ack);

    mp_tx_data_ack(s, ack - mp_dsn_out(c, 0), (uint32_t)seg->wnd << s->tcb.snd_wscale, now);
}

/*= RFC 8684 3.3
 * If a checksum is present but its use had not been negotiated in the MP_CAPABLE handshake, the
 * receiver MUST close the subflow with a RST, as it is not behaving as negotiated. */
/*= RFC 8684 3.3
 * If a checksum is not present when its use has been negotiated, the receiver MUST close the
 * subflow with a RST, as it is considered broken. */
/*= RFC 6824 3.3
 * If a checksum is present, but its use had not been negotiated in the MP_CAPABLE handshake, the
 * checksum field MUST be ignored. */
static bool csum_as_agreed(struct mp_subflow *s, bool present, plait_time now)
{
    enum plait_reason why = present ? PLAIT_REASON_DSS_CSUM_UNEXPECTED
                                    : PLAIT_REASON_DSS_CSUM_MISSING;

    if (present == s->conn->checksum || (present && s->conn->version == 0))
        return true;
    mp_drop(s->conn, s, why, now);
    mp_subflow_abort(s, why, now);
    return false;
}

/*= RFC 8684 3.3.3
 * The checksum in this case will only cover the pseudo-header. */
static bool fin_csum_ok(const struct mp_conn *c, const struct wire_mp_dss *d, uint64_t pos)
{
    struct mp_pseudo p = { mp_dsn_in(c, pos), d->ssn, d->dll };

    return !c->checksum || mp_dss_csum_ok(0, &p, d->csum);
}

static void map_input(struct mp_subflow *s, const struct wire_seg *seg,
                      const struct wire_mp_dss *d, plait_time now)
{
    struct mp_conn *c = s->conn;
    uint64_t pos = mp_pos_of_dsn(c, d);
    uint32_t len = (uint32_t)d->dll - (d->data_fin ? 1 : 0);
    struct mp_map m = {
        .off = mp_off_of_ssn(s, d->ssn), .pos = pos, .len = len, .discard = pos >= POS_MAX,
        .dll = d->dll, .csum = d->csum,
    };

    if (!csum_as_agreed(s, d->has_csum, now))
        return;
    c->dsn64_in = c->dsn64_in || d->dsn64;
    if (m.discard)
        mp_drop(c, s, PLAIT_REASON_DSS_WINDOW, now);
    else if (d->data_fin && len == 0 && !fin_csum_ok(c, d, pos))
        mp_drop(c, s, PLAIT_REASON_DSS_CSUM, now);
    else if (d->data_fin && (len == 0 || !c->checksum)) /* else when the checksum was proven */
        mp_rx_data_fin(s, pos + len, now);
    /* The DATA_FIN may have joined a mapping that was proven and delivered without it. */
    if (d->data_fin && len > 0 && c->checksum && pos + len == reasm_inorder_end(&c->rx))
        mp_rx_data_fin(s, pos + len, now);
    if (len > 0 && seg->len > 0)
        add_map(s, seg, &m, now);
    else if (len > 0)
        mp_drop(c, s, PLAIT_REASON_DSS_OUTSIDE, now);
}

void mp_dss_input(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    struct mp_conn *c = s->conn;
    const struct wire_mp_dss *d = &seg->mp.dss;

    if (s->first && !c->dss_in) {
        c->dss_in = true;
        mp_path_changed(c);
    }
    /*= RFC 8684 3.3.2
     * the Data ACK is present in segments only when the Data ACK value advances, and this behavior
     * MUST be treated as valid */
    if (d->has_ack)
        ack_input(s, seg, now);
    if (!d->has_map || s->failed || s->phase != MP_PHASE_OPEN) {
        if (d->has_map && d->dll == 0 && s->phase == MP_PHASE_OPEN)
            mp_infinite_input(s, d, now);
        return;
    }
    if (d->dll == 0)
        mp_infinite_input(s, d, now);
    else
        map_input(s, seg, d, now);
}

/*= RFC 8684 3.1
 * This MP_CAPABLE option is used in place of the DSS and simply specifies (1) the Data-Level
 * Length of the payload and (2) the checksum (if the use of checksums is negotiated). */
void mp_dss_capable(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    const struct wire_mp_capable *cap = &seg->mp.capable;
    struct mp_conn *c = s->conn;
    struct wire_mp_dss d = {
        .has_map = true, .dsn64 = true, .dsn = mp_dsn_in(c, c->rcv_first), .ssn = 1,
        .dll = cap->dll,
        .has_csum = cap->len == 24, .csum = cap->csum,
    };

    if (cap->key_sender != c->remote.key || cap->key_receiver != c->local.key)
        mp_drop(c, s, PLAIT_REASON_MP_KEY, now);
    else if (cap->dll > 0 && !s->failed)
        map_input(s, seg, &d, now);
}
