/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP header and its plain options: RFC 9293 3.1 and 3.2 (MSS), RFC 7323 (window scale,
 * timestamps), RFC 2018 (SACK), RFC 7413 (Fast Open). Parse and emit of each option stand side by
 * side.
 *
 * An option of the wrong length is skipped and counted. A length that leads out of the option area
 * ends the parsing, the segment itself stays valid. Of two options of a kind the first one
 * counts. */
#include "internal.h"

#include "base/csum.h"

#include <string.h>

enum { OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK_PERMITTED = 4, OPT_SACK = 5, OPT_TS = 8,
       OPT_TFO = 34 };
enum { TFO_COOKIE_MIN = 4, TFO_COOKIE_MAX = 16 };

/* NOPs in front of an option of len bytes, so that it ends on a multiple of 4. */
void wire_opt_pad(struct wcursor *w, unsigned len, bool pad)
{
    while (pad && (wcursor_used(w) + len) % 4 != 0 && !w->bad)
        wcursor_u8(w, WIRE_OPT_NOP);
}

static void emit_head(struct wcursor *w, uint8_t kind, unsigned len, bool pad)
{
    wire_opt_pad(w, len, pad);
    wcursor_u8(w, kind);
    wcursor_u8(w, (uint8_t)len);
}

/* Each parse function gets the bytes behind kind and length and answers whether their number is
 * right. */

/* ---- maximum segment size ---- */

/*= RFC 9293 3.2
 * This field may be sent in the initial connection request (i.e., in segments with the SYN control
 * bit set) and MUST NOT be sent in other segments (MUST-65). */
static bool parse_mss(struct cursor *c, struct wire_seg *seg)
{
    if (cursor_left(c) != 2)
        return false;
    if ((seg->flags & WIRE_SYN) != 0 && !seg->opt.has_mss) {
        seg->opt.has_mss = true;
        seg->opt.mss = cursor_u16(c);
    }
    return true;
}

/*= RFC 9293 MUST-14 */
static void emit_mss(struct wcursor *w, const struct wire_tcpopts *opt, bool pad)
{
    emit_head(w, OPT_MSS, 4, pad);
    wcursor_u16(w, opt->mss);
}

/* ---- window scale ---- */

/*= RFC 7323 2.2-7 */
static bool parse_wscale(struct cursor *c, struct wire_seg *seg)
{
    if (cursor_left(c) != 1)
        return false;
    if ((seg->flags & WIRE_SYN) != 0 && !seg->opt.has_wscale) {
        seg->opt.has_wscale = true;
        seg->opt.wscale = cursor_u8(c);
    }
    return true;
}

static void emit_wscale(struct wcursor *w, const struct wire_tcpopts *opt, bool pad)
{
    emit_head(w, OPT_WSCALE, 3, pad);
    wcursor_u8(w, opt->wscale);
}

/* ---- SACK ---- */

static bool parse_sack_permitted(struct cursor *c, struct wire_seg *seg)
{
    if (cursor_left(c) != 0)
        return false;
    if ((seg->flags & WIRE_SYN) != 0)
        seg->opt.sack_permitted = true;
    return true;
}

static bool parse_sack(struct cursor *c, struct wire_seg *seg)
{
    size_t n = cursor_left(c) / 8;

    if (cursor_left(c) % 8 != 0 || n == 0 || n > WIRE_SACK_MAX)
        return false;
    if ((seg->flags & WIRE_SYN) != 0 || seg->opt.sack_n > 0)
        return true;
    for (size_t i = 0; i < n; i++) {
        seg->opt.sack[i].lo = cursor_u32(c);
        seg->opt.sack[i].hi = cursor_u32(c);
    }
    seg->opt.sack_n = (uint8_t)n;
    return true;
}

static void emit_sack(struct wcursor *w, const struct wire_tcpopts *opt, bool pad)
{
    unsigned n = opt->sack_n < WIRE_SACK_MAX ? opt->sack_n : WIRE_SACK_MAX;

    emit_head(w, OPT_SACK, 2 + 8 * n, pad);
    for (unsigned i = 0; i < n; i++) {
        wcursor_u32(w, opt->sack[i].lo);
        wcursor_u32(w, opt->sack[i].hi);
    }
}

/* ---- timestamps ---- */

static bool parse_ts(struct cursor *c, struct wire_seg *seg)
{
    if (cursor_left(c) != 8)
        return false;
    if (!seg->opt.has_ts) {
        seg->opt.has_ts = true;
        seg->opt.tsval = cursor_u32(c);
        seg->opt.tsecr = cursor_u32(c);
    }
    return true;
}

/* SACK-permitted fills the two bytes in front of timestamps, where there would be NOPs. */
static void emit_sack_permitted_ts(struct wcursor *w, const struct wire_tcpopts *opt, bool syn,
                                   bool pad)
{
    bool sack = syn && opt->sack_permitted;

    if (sack)
        emit_head(w, OPT_SACK_PERMITTED, 2, pad && !opt->has_ts);
    if (opt->has_ts) {
        emit_head(w, OPT_TS, 10, pad);
        wcursor_u32(w, opt->tsval);
        wcursor_u32(w, opt->tsecr);
    }
}

/* ---- Fast Open ---- */

static bool parse_tfo(struct cursor *c, struct wire_seg *seg)
{
    size_t n = cursor_left(c);

    if (n != 0 && (n < TFO_COOKIE_MIN || n > TFO_COOKIE_MAX || n % 2 != 0))
        return false;
    if ((seg->flags & WIRE_SYN) != 0 && !seg->opt.has_tfo) {
        seg->opt.has_tfo = true;
        seg->opt.tfo_len = (uint8_t)n;
        memcpy(seg->opt.tfo, cursor_bytes(c, n), n);
    }
    return true;
}

static void emit_tfo(struct wcursor *w, const struct wire_tcpopts *opt, bool pad)
{
    unsigned n = opt->tfo_len < TFO_COOKIE_MAX ? opt->tfo_len : TFO_COOKIE_MAX;

    emit_head(w, OPT_TFO, 2 + n, pad);
    wcursor_bytes(w, opt->tfo, n);
}

/* ---- all of them ---- */

static void parse_option(uint8_t kind, const uint8_t *body, unsigned len, struct wire_seg *seg)
{
    struct cursor c;
    bool good = true;

    cursor_init(&c, body, len - 2);
    switch (kind) {
    case OPT_MSS: good = parse_mss(&c, seg); break;
    case OPT_WSCALE: good = parse_wscale(&c, seg); break;
    case OPT_SACK_PERMITTED: good = parse_sack_permitted(&c, seg); break;
    case OPT_SACK: good = parse_sack(&c, seg); break;
    case OPT_TS: good = parse_ts(&c, seg); break;
    case OPT_TFO: good = parse_tfo(&c, seg); break;
    case WIRE_OPT_MPTCP: wire_mp_parse(body, len, seg); break;
    /*= RFC 9293 3.1
     * A TCP implementation MUST (MUST-6) ignore without error any TCP Option it does not implement,
     * assuming that the option has a length field. */
    default: break;
    }
    if (!good)
        seg->bad_options++;
}

/*= RFC 9293 MUST-4, MUST-64, MUST-68 */
void wire_parse_options(const uint8_t *p, size_t len, struct wire_seg *seg)
{
    struct cursor c;

    memset(&seg->opt, 0, sizeof seg->opt);
    memset(&seg->mp, 0, sizeof seg->mp);
    seg->bad_options = seg->bad_mp = 0;
    cursor_init(&c, p, len);
    while (cursor_left(&c) > 0) {
        uint8_t kind = cursor_u8(&c);
        unsigned n;
        const uint8_t *body;

        if (kind == WIRE_OPT_EOL)
            break;
        if (kind == WIRE_OPT_NOP)
            continue;
        /*= RFC 9293 3.1
         * TCP implementations MUST be prepared to handle an illegal option length (e.g., zero); a
         * suggested procedure is to reset the connection and log the error cause (MUST-7). */
        n = cursor_u8(&c);
        body = n >= 2 ? cursor_bytes(&c, n - 2) : NULL;
        if (body == NULL) {
            seg->bad_options++;
            break;
        }
        parse_option(kind, body, n, seg);
    }
}

void wire_tcpopts_emit(struct wcursor *w, const struct wire_tcpopts *opt, bool syn, bool pad)
{
    if (syn && opt->has_mss)
        emit_mss(w, opt, pad);
    emit_sack_permitted_ts(w, opt, syn, pad);
    if (syn && opt->has_wscale)
        emit_wscale(w, opt, pad);
    if (syn && opt->has_tfo)
        emit_tfo(w, opt, pad);
    if (!syn && opt->sack_n > 0)
        emit_sack(w, opt, pad);
}

unsigned wire_tcpopts_len(const struct wire_tcpopts *opt, bool syn)
{
    uint8_t scratch[64];
    struct wcursor w;

    wcursor_init(&w, scratch, sizeof scratch);
    wire_tcpopts_emit(&w, opt, syn, true);
    return (unsigned)wcursor_used(&w);
}

/* ---- the header ---- */

/* Every segment is a SYN, a RST or carries an ACK; a SYN opens and so cannot end. Scanners send the
 * others to tell stacks apart. */
static bool flags_make_sense(uint8_t flags)
{
    if ((flags & (WIRE_SYN | WIRE_RST | WIRE_ACK)) == 0)
        return false;
    return (flags & WIRE_SYN) == 0 || (flags & (WIRE_FIN | WIRE_RST)) == 0;
}

enum plait_reason wire_tcp_parse(const struct wire_ip *ip, bool csum_ok, struct wire_seg *seg)
{
    struct cursor c;
    size_t head;

    cursor_init(&c, ip->data, ip->len);
    seg->src = ip->src;
    seg->dst = ip->dst;
    seg->ecn = ip->ecn;
    seg->src.port = cursor_u16(&c);
    seg->dst.port = cursor_u16(&c);
    seg->seq = cursor_u32(&c);
    seg->ack = cursor_u32(&c);
    head = (size_t)(cursor_u8(&c) >> 4) * 4;
    seg->flags = cursor_u8(&c);
    seg->wnd = cursor_u16(&c);
    cursor_skip(&c, 2);
    seg->urg = cursor_u16(&c);
    if (c.bad || head < WIRE_TCP_LEN || head > ip->len)
        return PLAIT_REASON_TCP_TRUNCATED;
    /*= RFC 9293 MUST-3 */
    if (!csum_ok) {
        uint64_t sum = wire_pseudo_sum(&ip->src, &ip->dst, WIRE_PROTO_TCP, ip->len);
        if (csum_fold(csum_add(sum, ip->data, ip->len)) != 0xffff)
            return PLAIT_REASON_TCP_CSUM;
    }
    if (!flags_make_sense(seg->flags))
        return PLAIT_REASON_TCP_FLAGS;
    seg->data = ip->data + head;
    seg->len = (uint32_t)(ip->len - head);
    /*= RFC 9293 MUST-5 */
    wire_parse_options(ip->data + WIRE_TCP_LEN, head - WIRE_TCP_LEN, seg);
    return PLAIT_REASON_NONE;
}
