/* SPDX-License-Identifier: Apache-2.0 */
/* What packets teach the runner, and the comparison of an expected packet with one that came.
 * Called by the runner.
 *
 * Fields are compared as written; what was not written is not looked at, except options: a packet
 * without `<...>` has none. NOPs and the order of options do not matter. */
#include "pkt_match.h"

#include "../base/addr.h"
#include "../wire/wire.h"

#include <string.h>

/* ---- learning -------------------------------------------------------------------------------- */

static const struct sim_pkt_opt *find(const struct sim_pkt_seg *seg, uint8_t kind)
{
    for (unsigned i = 0; i < seg->opt_n; i++)
        if (seg->opt[i].kind == kind)
            return &seg->opt[i];
    return NULL;
}

/* A mapping that carries payload: where its bytes stand in the stream. */
static void learn_map(struct sim_pkt_map *map, const struct sim_pkt_seg *seg)
{
    const struct sim_pkt_opt *dss = find(seg, SIM_PKT_DSS), *cap = find(seg, SIM_PKT_CAPABLE);

    if (cap != NULL && cap->capable.has_dll)
        *map = (struct sim_pkt_map){1, 1};
    if (dss == NULL || !dss->dss.has_map || seg->len == 0)
        return;
    map->dsn = dss->dss.dsn;
    map->ssn = dss->dss.ssn;
}

void sim_pkt_learn_map_out(struct sim_pkt_flow *f, const struct sim_pkt_seg *came)
{
    learn_map(&f->map_out, came);
}

static const char *set_keys(struct sim_pkt_world *w, const struct sim_pkt_capable *cap)
{
    uint64_t value;

    for (unsigned i = 0; i < 2; i++)
        if (cap->key[i].how == SIM_PKT_SET) {
            w->var[cap->key[i].var] = cap->key[i].value;
            w->known[cap->key[i].var] = true;
        }
    if (cap->key[0].how == SIM_PKT_NONE)
        return NULL;
    if (!sim_pkt_key_value(w, &cap->key[0], &value))
        return "a variable has no value yet";
    sim_pkt_learn_key(w, SIM_PKT_PEER, value);
    return NULL;
}

const char *sim_pkt_learn_in(struct sim_pkt_world *w, struct sim_pkt_flow *f,
                             const struct sim_pkt_seg *seg)
{
    const struct sim_pkt_opt *cap = find(seg, SIM_PKT_CAPABLE);
    const char *wrong = cap != NULL ? set_keys(w, &cap->capable) : NULL;

    for (unsigned i = 0; i < seg->opt_n; i++) {
        const struct sim_pkt_opt *opt = &seg->opt[i];
        if ((opt->kind == SIM_PKT_JOIN_SYN || opt->kind == SIM_PKT_JOIN_SYN_ACK) &&
            opt->join.nonce.how == SIM_PKT_VALUE)
            f->nonce_remote = (uint32_t)opt->join.nonce.value;
    }
    learn_map(&f->map_in, seg);
    return wrong;
}

/* A variable that stands for a key of the stack has the value that the stack chose. */
static void bind_keys(struct sim_pkt_world *w, const struct sim_pkt_capable *came,
                      const struct sim_pkt_capable *expected)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct sim_pkt_value *v = &expected->key[i];
        if (v->how != SIM_PKT_VAR || w->known[v->var] || came->key[i].how == SIM_PKT_NONE)
            continue;
        w->known[v->var] = true;
        w->var[v->var] = came->key[i].value;
    }
}

void sim_pkt_learn_out(struct sim_pkt_world *w, struct sim_pkt_flow *f,
                       const struct sim_pkt_seg *came, const struct sim_pkt_seg *expected)
{
    const struct sim_pkt_opt *cap = find(came, SIM_PKT_CAPABLE), *ts = find(came, SIM_PKT_TS);
    const struct sim_pkt_opt *want_cap = find(expected, SIM_PKT_CAPABLE);
    const struct sim_pkt_opt *want_ts = find(expected, SIM_PKT_TS), *fo = find(came, SIM_PKT_FO);

    if ((!f->iss_known || f->isn_stale) && (came->flags & WIRE_SYN) != 0) {
        f->iss = came->seq + (f->iss_known ? f->iss : 0) - expected->seq;
        f->iss_known = true;
        f->isn_stale = false;
        f->map_in = f->map_out = (struct sim_pkt_map){1, 1};
    }
    if (cap != NULL && want_cap != NULL)
        bind_keys(w, &cap->capable, &want_cap->capable);
    if (cap != NULL && cap->capable.key[0].how != SIM_PKT_NONE)
        sim_pkt_learn_key(w, SIM_PKT_STACK, cap->capable.key[0].value);
    for (unsigned i = 0; i < came->opt_n; i++)
        if (came->opt[i].kind == SIM_PKT_JOIN_SYN || came->opt[i].kind == SIM_PKT_JOIN_SYN_ACK)
            f->nonce_local = (uint32_t)came->opt[i].join.nonce.value;
    if (ts != NULL && want_ts != NULL && want_ts->val.how == SIM_PKT_VALUE && !w->ts_known) {
        w->ts_known = true;
        w->ts_offset = (uint32_t)(ts->val.value - want_ts->val.value);
    }
    if (fo != NULL && fo->n > 0) {
        w->cookie_n = fo->n;
        memcpy(w->cookie, fo->bytes, fo->n);
    }
}

void sim_pkt_accept_out(struct sim_pkt_world *w, struct sim_pkt_flow *f,
                        const struct sim_pkt_seg *came, const struct sim_pkt_seg *expected)
{
    const struct sim_pkt_opt *ts = find(came, SIM_PKT_TS), *want = find(expected, SIM_PKT_TS);

    f->out_known = true;
    if (ts == NULL || want == NULL || want->val.how != SIM_PKT_VALUE)
        return;
    unsigned at = f->ts_n++ % SIM_PKT_TS_MAX;
    f->ts[at].script = (uint32_t)want->val.value;
    f->ts[at].live = (uint32_t)ts->val.value + w->ts_offset;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_key(const struct sim_pkt_world *w, const struct sim_pkt_value *want,
                     const struct sim_pkt_value *got)
{
    uint64_t value;

    if (want->how == SIM_PKT_NONE || got->how == SIM_PKT_NONE)
        return want->how == got->how;
    return sim_pkt_key_value(w, want, &value) && value == got->value;
}

/* AUTO, BAD, ANY, VALUE of a digest or checksum */
static bool same_computed(const struct sim_pkt_value *want, const struct sim_pkt_value *got)
{
    if (want->how == SIM_PKT_NONE || got->how == SIM_PKT_NONE)
        return want->how == got->how;
    if (want->how == SIM_PKT_ANY)
        return true;
    if (want->how == SIM_PKT_VALUE)
        return want->value == got->value;
    return (want->how == SIM_PKT_AUTO) == (got->how == SIM_PKT_AUTO);
}

static bool same_capable(const struct sim_pkt_world *w, const struct sim_pkt_capable *want,
                         const struct sim_pkt_capable *got)
{
    return want->version == got->version && want->flags == got->flags &&
           same_key(w, &want->key[0], &got->key[0]) && same_key(w, &want->key[1], &got->key[1]) &&
           want->has_dll == got->has_dll && want->dll == got->dll &&
           same_computed(&want->csum, &got->csum);
}

static bool same_join(const struct sim_pkt_join *want, const struct sim_pkt_join *got)
{
    bool token = want->token.how == SIM_PKT_VAR
                     ? got->token.how == SIM_PKT_VAR && want->token.var == got->token.var
                     : want->token.how == got->token.how && want->token.value == got->token.value;

    return want->backup == got->backup && want->id == got->id && token &&
           same_computed(&want->hmac, &got->hmac);
}

static bool same_dss(const struct sim_pkt_dss *want, const struct sim_pkt_dss *got)
{
    if (want->has_ack != got->has_ack || want->ack8 != got->ack8)
        return false;
    if (want->has_ack && want->ack.how != SIM_PKT_ANY && want->ack.value != got->ack.value)
        return false;
    return want->has_map == got->has_map && want->dsn8 == got->dsn8 && want->dsn == got->dsn &&
           want->ssn == got->ssn && (!want->has_map || want->dll == got->dll) &&
           want->fin == got->fin && want->reserved == got->reserved &&
           same_computed(&want->csum, &got->csum);
}

static bool same_add(const struct sim_pkt_add_addr *want, const struct sim_pkt_add_addr *got)
{
    return want->echo == got->echo && want->id == got->id && want->reserved == got->reserved &&
           addr_equal(&want->addr, &got->addr) && same_computed(&want->hmac, &got->hmac);
}

static bool same_ts(const struct sim_pkt_world *w, const struct sim_pkt_opt *want,
                    const struct sim_pkt_opt *got)
{
    bool val = w->script->setup.ts_tick == 0 || want->val.how == SIM_PKT_ANY ||
               want->val.value == got->val.value;

    return val && (want->ecr.how == SIM_PKT_ANY || want->ecr.value == got->ecr.value);
}

static bool same_sack(const struct sim_pkt_opt *want, const struct sim_pkt_opt *got)
{
    for (unsigned i = 0; i < want->n; i++)
        if (want->sack[i].lo != got->sack[i].lo || want->sack[i].hi != got->sack[i].hi)
            return false;
    return want->n == got->n;
}

static bool same_option(const struct sim_pkt_world *w, const struct sim_pkt_opt *want,
                        const struct sim_pkt_opt *got)
{
    if (want->kind != got->kind)
        return false;
    switch (want->kind) {
    case SIM_PKT_MSS:
        return want->mss == got->mss;
    case SIM_PKT_SACK:
        return same_sack(want, got);
    case SIM_PKT_TS:
        return same_ts(w, want, got);
    case SIM_PKT_CAPABLE:
        return same_capable(w, &want->capable, &got->capable);
    case SIM_PKT_JOIN_SYN:
    case SIM_PKT_JOIN_SYN_ACK:
    case SIM_PKT_JOIN_ACK:
        return same_join(&want->join, &got->join);
    case SIM_PKT_DSS:
        return same_dss(&want->dss, &got->dss);
    case SIM_PKT_ADD_ADDR:
        return same_add(&want->add, &got->add);
    case SIM_PKT_FAIL:
        return want->val.value == got->val.value;
    case SIM_PKT_FASTCLOSE:
        return same_key(w, &want->val, &got->val);
    case SIM_PKT_FO:
        if (want->flag)
            return got->n > 0;
        return want->n == got->n && memcmp(want->bytes, got->bytes, want->n) == 0;
    case SIM_PKT_RAW:
    case SIM_PKT_REMOVE_ADDR:
        return want->n == got->n && memcmp(want->bytes, got->bytes, want->n) == 0;
    default: /* WSCALE, SACKOK, PRIO, RST */
        return want->number == got->number && want->flag == got->flag;
    }
}

static bool has_partner(const struct sim_pkt_world *w, const struct sim_pkt_opt *want,
                        const struct sim_pkt_seg *came, uint32_t *taken)
{
    for (unsigned i = 0; i < came->opt_n; i++)
        if ((*taken & 1u << i) == 0 && same_option(w, want, &came->opt[i])) {
            *taken |= 1u << i;
            return true;
        }
    return false;
}

static bool same_options(const struct sim_pkt_world *w, const struct sim_pkt_seg *expected,
                         const struct sim_pkt_seg *came)
{
    uint32_t taken = 0;
    unsigned n = 0;

    for (unsigned i = 0; i < expected->opt_n; i++) {
        const struct sim_pkt_opt *want = &expected->opt[i];
        if (want->kind == SIM_PKT_NOP || want->kind == SIM_PKT_EOL)
            continue;
        n++;
        if (!has_partner(w, want, came, &taken))
            return false;
    }
    return n == came->opt_n;
}

const char *sim_pkt_differs(const struct sim_pkt_world *w, const struct sim_pkt_seg *expected,
                            const struct sim_pkt_seg *came)
{
    if (expected->flags != came->flags)
        return "flags";
    if (expected->seq != came->seq)
        return "sequence number";
    if (expected->len != came->len)
        return "payload length";
    if (expected->has_ack && expected->ack != came->ack)
        return "acknowledgment number";
    if (expected->wnd.how == SIM_PKT_VALUE && expected->wnd.value != came->wnd.value)
        return "window";
    if (expected->urg != came->urg)
        return "urgent pointer";
    if (expected->ecn.how == SIM_PKT_VALUE && expected->ecn.value != came->ecn.value)
        return "ECN bits";
    if (!expected->any_opts && !same_options(w, expected, came))
        return "options";
    return NULL;
}

void sim_pkt_hide_unasked(const struct sim_pkt_seg *expected, struct sim_pkt_seg *came)
{
    came->from = expected->from;
    came->to = expected->to;
    if (expected->wnd.how == SIM_PKT_NONE)
        came->wnd.how = SIM_PKT_NONE;
    if (expected->ecn.how == SIM_PKT_NONE)
        came->ecn.how = SIM_PKT_NONE;
}

bool sim_pkt_payload_ok(const struct sim_pkt_flow *f, const struct sim_pkt_seg *came,
                        const uint8_t *payload, uint32_t *at)
{
    uint32_t first = came->seq + ((came->flags & WIRE_SYN) != 0);
    uint64_t pos = f->map_out.dsn - 1 + (uint64_t)(int64_t)(int32_t)(first - f->map_out.ssn);

    for (*at = 0; *at < came->len; ++*at)
        if (payload[*at] != sim_pkt_stream_byte(SIM_PKT_STACK, pos + *at))
            return false;
    return true;
}
