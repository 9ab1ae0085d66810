/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_edit.h"

#include "base/be.h"
#include "base/csum.h"

#include <string.h>

enum { KIND_NOP = 1, KIND_MPTCP = 30 };

static uint32_t ip_len(const struct sim_wire *w)
{
    return w->bytes[0] >> 4 == 4 ? (w->bytes[0] & 15u) * 4 : 40;
}

uint8_t *edit_tcp(const struct sim_wire *w)
{
    uint8_t proto = w->bytes[0] >> 4 == 4 ? w->bytes[9] : w->bytes[6];

    return proto == 6 ? w->bytes + ip_len(w) : NULL;
}

uint8_t edit_flags(const struct sim_wire *w)
{
    const uint8_t *tcp = edit_tcp(w);

    return tcp != NULL ? tcp[13] : 0;
}

static uint32_t tcp_head_len(const struct sim_wire *w)
{
    return (edit_tcp(w)[12] >> 4) * 4u;
}

uint32_t edit_payload(const struct sim_wire *w)
{
    return edit_tcp(w) != NULL ? w->len - ip_len(w) - tcp_head_len(w) : 0;
}

void edit_fix_csum(struct sim_wire *w)
{
    uint8_t *tcp = edit_tcp(w);
    uint32_t len = w->len - ip_len(w);
    uint64_t sum =
        w->bytes[0] >> 4 == 4 ? csum_add(0, w->bytes + 12, 8) : csum_add(0, w->bytes + 8, 32);

    be16_store(tcp + 16, 0);
    sum = csum_add_u16(csum_add_u32(sum, len), 6);
    be16_store(tcp + 16, (uint16_t)~csum_fold(csum_add(sum, tcp, len)));
}

/* The first option of kind 30 from *at on (offset in the TCP header); NULL: none. */
static uint8_t *next_mptcp(const struct sim_wire *w, uint32_t *at)
{
    uint8_t *tcp = edit_tcp(w);
    uint32_t end = tcp != NULL ? tcp_head_len(w) : 0;

    while (*at < end && tcp[*at] != 0) {
        uint32_t here = *at;
        uint32_t len = tcp[here] == KIND_NOP ? 1 : tcp[here + 1];
        if (len == 0 || here + len > end)
            return NULL;
        *at += len;
        if (tcp[here] == KIND_MPTCP)
            return tcp + here;
    }
    return NULL;
}

uint8_t *edit_find_mptcp(const struct sim_wire *w, unsigned subtype)
{
    uint32_t at = 20;
    uint8_t *opt;

    while ((opt = next_mptcp(w, &at)) != NULL)
        if (opt[2] >> 4 == subtype)
            return opt;
    return NULL;
}

bool edit_strip_mptcp(struct sim_wire *w)
{
    uint32_t at = 20;
    uint8_t *opt;
    bool any = false;

    while ((opt = next_mptcp(w, &at)) != NULL) {
        memset(opt, KIND_NOP, opt[1]);
        any = true;
    }
    if (any)
        edit_fix_csum(w);
    return any;
}

void edit_corrupt(struct sim_wire *w, uint32_t at)
{
    w->bytes[w->len - edit_payload(w) + at] ^= 0x10;
    edit_fix_csum(w);
}
