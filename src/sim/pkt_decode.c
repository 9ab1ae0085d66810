/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what the stack sent into the form that scripts have. Called by the runner. NOPs are left
 * out; an option that is none of the known ones, or has a length that it cannot have, is RAW. */
#include "pkt_wire.h"

#include "../base/addr.h"
#include "../base/cursor.h"
#include "../wire/wire.h"

#include <string.h>

enum { IP4 = 20, IP6 = 40, TCP = 20, KIND_MPTCP = 30 };

/* What the option readers need. */
struct job {
    const struct sim_pkt_world *w;
    const struct sim_pkt_flow *f;
    struct cursor in; /* the option's body: behind the subtype for MPTCP */
    uint8_t len;      /* of the whole option */
    uint8_t low;      /* MPTCP: the bits below the subtype */
};

static struct sim_pkt_value number(uint64_t v)
{
    return (struct sim_pkt_value){.how = SIM_PKT_VALUE, .value = v};
}

/* The variable that has this value, if there is one. */
static struct sim_pkt_value key(const struct job *j, uint64_t v)
{
    for (unsigned i = 0; i < j->w->script->var_n; i++)
        if (j->w->known[i] && j->w->var[i] == v)
            return (struct sim_pkt_value){.how = SIM_PKT_VAR, .var = (uint8_t)i, .value = v};
    return number(v);
}

static struct sim_pkt_value computed(uint64_t v, uint64_t right)
{
    return (struct sim_pkt_value){.how = v == right ? SIM_PKT_AUTO : SIM_PKT_VALUE, .value = v};
}

static struct sim_pkt_value csum(struct job *j, const struct sim_pkt_mapping *m)
{
    return computed(cursor_u16(&j->in), sim_pkt_dss_csum(j->w, m));
}

static bool read_capable(struct job *j, struct sim_pkt_opt *opt)
{
    struct sim_pkt_capable *cap = &opt->capable;

    opt->kind = SIM_PKT_CAPABLE;
    cap->version = j->low;
    cap->flags = cursor_u8(&j->in);
    if (j->len >= 12)
        cap->key[0] = key(j, cursor_u64(&j->in));
    if (j->len >= 20)
        cap->key[1] = key(j, cursor_u64(&j->in));
    cap->has_dll = j->len >= 22;
    if (cap->has_dll)
        cap->dll = cursor_u16(&j->in);
    if (j->len == 24)
        cap->csum = csum(j, &(struct sim_pkt_mapping){SIM_PKT_STACK, 1, 1, cap->dll, false});
    return j->len == 4 || j->len == 12 || j->len == 20 || j->len == 22 || j->len == 24;
}

static struct sim_pkt_value token(const struct job *j, uint32_t v)
{
    for (unsigned i = 0; i < j->w->script->var_n; i++)
        if (j->w->known[i] && sim_pkt_token(j->w->var[i]) == v)
            return (struct sim_pkt_value){.how = SIM_PKT_VAR, .var = (uint8_t)i};
    return number(v);
}

static struct sim_pkt_value join_hmac(struct job *j, unsigned len)
{
    uint8_t right[32];
    const uint8_t *got = cursor_bytes(&j->in, len);

    sim_pkt_join_hmac(j->w, j->f, SIM_PKT_STACK, right);
    if (got == NULL)
        return number(0);
    if (memcmp(got, right, len) == 0)
        return (struct sim_pkt_value){.how = SIM_PKT_AUTO};
    return number(be64_load(got));
}

static bool read_join(struct job *j, struct sim_pkt_opt *opt)
{
    struct sim_pkt_join *join = &opt->join;

    join->backup = (j->low & 1) != 0;
    join->id = cursor_u8(&j->in);
    if (j->len == 12) {
        opt->kind = SIM_PKT_JOIN_SYN;
        join->token = token(j, cursor_u32(&j->in));
    } else if (j->len == 16) {
        opt->kind = SIM_PKT_JOIN_SYN_ACK;
        join->hmac = join_hmac(j, 8);
    } else {
        opt->kind = SIM_PKT_JOIN_ACK;
        join->hmac = join_hmac(j, 20);
        return j->len == 24 && join->id == 0 && j->low == 0;
    }
    join->nonce = number(cursor_u32(&j->in));
    return (j->low & 0x0e) == 0;
}

static uint64_t relative(struct job *j, uint64_t base, bool eight)
{
    return eight ? cursor_u64(&j->in) - base : (uint32_t)(cursor_u32(&j->in) - (uint32_t)base);
}

static bool read_dss(struct job *j, struct sim_pkt_opt *opt)
{
    struct sim_pkt_dss *d = &opt->dss;
    uint8_t flags = cursor_u8(&j->in);

    opt->kind = SIM_PKT_DSS;
    d->has_ack = (flags & 1) != 0;
    d->ack8 = (flags & 2) != 0;
    d->has_map = (flags & 4) != 0;
    d->dsn8 = (flags & 8) != 0;
    d->fin = (flags & 16) != 0;
    d->reserved = flags & 0xe0;
    if (d->has_ack)
        d->ack = number(relative(j, j->w->idsn[SIM_PKT_PEER], d->ack8));
    if (d->has_map) {
        d->dsn = relative(j, j->w->idsn[SIM_PKT_STACK], d->dsn8);
        d->ssn = cursor_u32(&j->in);
        d->dll = cursor_u16(&j->in);
    }
    struct sim_pkt_mapping m = {SIM_PKT_STACK, d->dsn, d->ssn, d->dll, d->fin};
    if (cursor_left(&j->in) == 2)
        d->csum = csum(j, &m);
    return j->low == 0 && cursor_left(&j->in) == 0;
}

static bool read_add_addr(struct job *j, struct sim_pkt_opt *opt)
{
    struct sim_pkt_add_addr *add = &opt->add;
    unsigned rest = (unsigned)cursor_left(&j->in) - 1, ip;
    const uint8_t *bytes;

    opt->kind = SIM_PKT_ADD_ADDR;
    add->echo = (j->low & 1) != 0;
    add->reserved = j->low & 0x0e;
    add->id = cursor_u8(&j->in);
    rest -= add->echo ? 0 : 8;
    ip = rest >= 16 ? 16 : 4;
    bytes = cursor_bytes(&j->in, ip);
    if (bytes == NULL || (rest != ip && rest != ip + 2))
        return false;
    add->addr.family = ip == 4 ? 4 : 6;
    memcpy(add->addr.ip, bytes, ip);
    if (rest == ip + 2)
        add->addr.port = cursor_u16(&j->in);
    if (!add->echo)
        add->hmac = computed(cursor_u64(&j->in), sim_pkt_addr_hmac(j->w, SIM_PKT_STACK, add));
    return true;
}

static bool read_remove(struct job *j, struct sim_pkt_opt *opt)
{
    opt->kind = SIM_PKT_REMOVE_ADDR;
    while (cursor_left(&j->in) > 0 && opt->n < SIM_PKT_IDS_MAX)
        opt->bytes[opt->n++] = cursor_u8(&j->in);
    return j->low == 0 && opt->n > 0;
}

static bool read_short(struct job *j, unsigned subtype, struct sim_pkt_opt *opt)
{
    opt->flag = (j->low & 1) != 0;
    switch (subtype) {
    case 5:
        opt->kind = SIM_PKT_PRIO;
        return j->len == 3;
    case 6:
        opt->kind = SIM_PKT_FAIL;
        (void)cursor_u8(&j->in);
        opt->val = number(cursor_u64(&j->in) - j->w->idsn[SIM_PKT_PEER]);
        return j->len == 12;
    case 7:
        opt->kind = SIM_PKT_FASTCLOSE;
        (void)cursor_u8(&j->in);
        opt->val = key(j, cursor_u64(&j->in));
        return j->len == 12;
    case 8:
        opt->kind = SIM_PKT_RST;
        opt->number = cursor_u8(&j->in);
        return j->len == 4;
    default:
        return false;
    }
}

static bool read_mptcp(struct job *j, struct sim_pkt_opt *opt)
{
    uint8_t first = cursor_u8(&j->in);
    unsigned subtype = first >> 4;
    bool ok;

    j->low = first & 15;
    switch (subtype) {
    case 0:
        ok = read_capable(j, opt);
        break;
    case 1:
        ok = read_join(j, opt);
        break;
    case 2:
        ok = read_dss(j, opt);
        break;
    case 3:
        ok = read_add_addr(j, opt);
        break;
    case 4:
        ok = read_remove(j, opt);
        break;
    default:
        ok = read_short(j, subtype, opt);
        break;
    }
    return ok && !j->in.bad;
}

static bool read_sack(struct job *j, struct sim_pkt_opt *opt)
{
    opt->kind = SIM_PKT_SACK;
    while (cursor_left(&j->in) >= 8 && opt->n < SIM_PKT_SACK_MAX) {
        opt->sack[opt->n].lo = cursor_u32(&j->in) - j->f->irs;
        opt->sack[opt->n++].hi = cursor_u32(&j->in) - j->f->irs;
    }
    return opt->n > 0 && cursor_left(&j->in) == 0;
}

static bool read_option(struct job *j, uint8_t kind, struct sim_pkt_opt *opt)
{
    switch (kind) {
    case 2:
        opt->kind = SIM_PKT_MSS;
        opt->mss = cursor_u16(&j->in);
        break;
    case 3:
        opt->kind = SIM_PKT_WSCALE;
        opt->number = cursor_u8(&j->in);
        break;
    case 4:
        opt->kind = SIM_PKT_SACKOK;
        break;
    case 5:
        return read_sack(j, opt);
    case 8:
        opt->kind = SIM_PKT_TS;
        opt->val = number((uint32_t)(cursor_u32(&j->in) - j->w->ts_offset));
        opt->ecr = number(cursor_u32(&j->in));
        break;
    case 34:
        opt->kind = SIM_PKT_FO;
        opt->n = (uint8_t)(j->len - 2 <= 16 ? j->len - 2 : 16);
        if (opt->n > 0)
            memcpy(opt->bytes, cursor_bytes(&j->in, opt->n), opt->n);
        break;
    case KIND_MPTCP:
        return read_mptcp(j, opt);
    default:
        return false;
    }
    return !j->in.bad && cursor_left(&j->in) == 0;
}

static void read_options(const struct job *base, const uint8_t *p, size_t len,
                         struct sim_pkt_seg *seg)
{
    for (size_t at = 0; at < len && p[at] != 0 && seg->opt_n < SIM_PKT_OPTS_MAX;) {
        if (p[at] == 1) {
            at++;
            continue;
        }
        size_t n = at + 1 < len ? p[at + 1] : 0;
        struct sim_pkt_opt *opt = &seg->opt[seg->opt_n++];
        struct job j = *base;
        bool broken = n < 2 || n > len - at;
        n = broken ? len - at : n;
        memset(opt, 0, sizeof *opt);
        cursor_init(&j.in, p + at + (broken ? n : 2), broken ? 0 : n - 2);
        j.len = (uint8_t)n;
        if (broken || !read_option(&j, p[at], opt)) {
            *opt = (struct sim_pkt_opt){.kind = SIM_PKT_RAW, .n = (uint8_t)n};
            memcpy(opt->bytes, p + at, n);
        }
        at += n;
    }
}

static size_t ip_len(const uint8_t *ip, size_t len)
{
    size_t n = len > 0 && ip[0] >> 4 == 6 ? IP6 : IP4;

    if (len < n + TCP || (n == IP4 && (ip[0] != 0x45 || ip[9] != 6)) || (n == IP6 && ip[6] != 6))
        return 0;
    return n;
}

bool sim_pkt_decode_ends(const uint8_t *ip, size_t len, struct plait_addr *local,
                         struct plait_addr *remote)
{
    size_t head = ip_len(ip, len);

    *local = *remote = (struct plait_addr){.family = head == IP6 ? 6 : 4};
    if (head == 0)
        return false;
    memcpy(local->ip, ip + (head == IP6 ? 8 : 12), head == IP6 ? 16 : 4);
    memcpy(remote->ip, ip + (head == IP6 ? 24 : 16), head == IP6 ? 16 : 4);
    local->port = be16_load(ip + head);
    remote->port = be16_load(ip + head + 2);
    return true;
}

bool sim_pkt_decode(const struct sim_pkt_world *w, const struct sim_pkt_flow *f,
                    const struct sim_pkt_bytes *in, struct sim_pkt_seg *seg,
                    const uint8_t **payload)
{
    size_t ip = ip_len(in->b, in->len);
    const uint8_t *t = in->b + ip;
    size_t head = ip != 0 ? (size_t)(t[12] >> 4) * 4 : 0;
    struct job j = {.w = w, .f = f};

    memset(seg, 0, sizeof *seg);
    if (head < TCP || ip + head > in->len)
        return false;
    seg->out = true;
    seg->ecn = number(ip == IP6 ? (in->b[1] >> 4 & 3) : (in->b[1] & 3));
    seg->flags = t[13];
    seg->seq = be32_load(t + 4) - (f->iss_known ? f->iss : 0);
    seg->has_ack = (seg->flags & WIRE_ACK) != 0;
    seg->ack = seg->has_ack ? be32_load(t + 8) - f->irs : 0;
    seg->wnd = number(be16_load(t + 14));
    seg->urg = be16_load(t + 18);
    seg->len = in->len - (uint32_t)(ip + head);
    *payload = t + head;
    read_options(&j, t + TCP, head - TCP, seg);
    return true;
}
