/* SPDX-License-Identifier: Apache-2.0 */
/* The way out: headers of a segment, and its checksum where no device makes it.
 *
 * Called by the stack when it plans a packet, and by drivers and the simulator that have no
 * checksum offload. The checksum field is left as what offload wants: the folded sum of the pseudo
 * header. */
#include "internal.h"

#include "base/csum.h"

/* Options with less and less padding until they fit: each one on a multiple of 4, then only the
 * plain ones, then none. Answers the bytes, a multiple of 4, or -1. */
static int emit_options(const struct wire_emit *how, uint8_t out[WIRE_OPTS_MAX])
{
    bool syn = (how->flags & WIRE_SYN) != 0;

    for (unsigned squeeze = 0; squeeze < 3; squeeze++) {
        struct wcursor w;
        wcursor_init(&w, out, WIRE_OPTS_MAX);
        if (how->opt != NULL)
            wire_tcpopts_emit(&w, how->opt, syn, squeeze < 2);
        if (how->mp != NULL)
            wire_mp_emit(&w, how->mp, squeeze < 1);
        wire_opt_pad(&w, 0, true);
        if (!w.bad)
            return (int)wcursor_used(&w);
    }
    return -1;
}

static void emit_tcp(struct wcursor *w, const struct wire_emit *how, unsigned tcp_len)
{
    uint64_t sum = wire_pseudo_sum(how->src, how->dst, WIRE_PROTO_TCP, tcp_len + how->payload_len);

    wcursor_u16(w, how->src->port);
    wcursor_u16(w, how->dst->port);
    wcursor_u32(w, how->seq);
    wcursor_u32(w, how->ack);
    wcursor_u8(w, (uint8_t)(tcp_len / 4 << 4));
    wcursor_u8(w, how->flags);
    wcursor_u16(w, how->wnd);
    wcursor_u16(w, csum_fold(sum));
    /*= RFC 8684 3.3.1
     * a TCP subflow MUST NOT use the Urgent Pointer to interrupt an existing mapping */
    wcursor_u16(w, 0);
}

unsigned wire_emit_headers(const struct wire_emit *how, uint8_t head[100], uint8_t *ip_len)
{
    uint8_t opts[WIRE_OPTS_MAX];
    int n = emit_options(how, opts);
    unsigned tcp_len = WIRE_TCP_LEN + (unsigned)(n > 0 ? n : 0);
    struct wcursor w;

    if (n < 0)
        return 0;
    wcursor_init(&w, head, 100);
    wire_ip_emit(&w, how, (size_t)tcp_len + how->payload_len);
    *ip_len = (uint8_t)wcursor_used(&w);
    emit_tcp(&w, how, tcp_len);
    wcursor_bytes(&w, opts, (size_t)n);
    return w.bad ? 0 : (unsigned)wcursor_used(&w);
}

/*= RFC 9293 MUST-2 */
void wire_finish_csum(uint8_t *head, unsigned head_len, unsigned ip_len,
                      const struct wire_view *views, unsigned n)
{
    uint64_t sum = csum_add(0, head + ip_len, head_len - ip_len);
    bool odd = false;

    for (unsigned i = 0; i < n; i++) {
        uint64_t part = csum_add(0, views[i].data, views[i].len);
        sum = odd ? csum_add_odd(sum, part) : sum + part;
        odd = odd != (views[i].len % 2 != 0);
    }
    be16_store(head + ip_len + WIRE_TCP_CSUM_AT, (uint16_t)~csum_fold(sum));
}
