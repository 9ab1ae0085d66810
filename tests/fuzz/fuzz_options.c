/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP and MPTCP options: what was parsed can be emitted, and parses to the same again.
 *
 * Input: flags of the segment, bytes of payload (one byte each), then the options area. */
#include "fuzz.h"

#include "wire/wire.h"

#include <string.h>

enum { AREA_MAX = 255, HEADERS = 40 };

static void check_bounds(const struct wire_seg *seg)
{
    FUZZ_CHECK(seg->opt.sack_n <= WIRE_SACK_MAX, "no more SACK blocks than there is room for");
    FUZZ_CHECK(seg->opt.tfo_len <= sizeof seg->opt.tfo, "a cookie fits its place");
    if (wire_mp_has(&seg->mp, WIRE_MP_REMOVE_ADDR))
        FUZZ_CHECK(seg->mp.remove.n > 0 && seg->mp.remove.n <= WIRE_MP_REMOVE_MAX,
                   "ids of REMOVE_ADDR fit their place");
    FUZZ_CHECK(seg->mp.present == 0 || seg->mp.any, "what is present was seen");
}

static void check_plain(const struct wire_tcpopts *a, const struct wire_tcpopts *b)
{
    FUZZ_CHECK(a->has_mss == b->has_mss && a->mss == b->mss, "MSS survives");
    FUZZ_CHECK(a->has_wscale == b->has_wscale && a->wscale == b->wscale, "window scale survives");
    FUZZ_CHECK(a->sack_permitted == b->sack_permitted, "SACK-permitted survives");
    FUZZ_CHECK(a->has_ts == b->has_ts && a->tsval == b->tsval && a->tsecr == b->tsecr,
               "timestamps survive");
    FUZZ_CHECK(a->sack_n == b->sack_n, "the number of SACK blocks survives");
    for (unsigned i = 0; i < a->sack_n; i++)
        FUZZ_CHECK(a->sack[i].lo == b->sack[i].lo && a->sack[i].hi == b->sack[i].hi,
                   "SACK blocks survive");
    FUZZ_CHECK(a->has_tfo == b->has_tfo && a->tfo_len == b->tfo_len &&
                   memcmp(a->tfo, b->tfo, a->tfo_len) == 0,
               "the cookie survives");
}

static void check_capable(const struct wire_mp_capable *a, const struct wire_mp_capable *b)
{
    FUZZ_CHECK(a->version == b->version && a->flags == b->flags && a->len == b->len &&
                   a->key_sender == b->key_sender && a->key_receiver == b->key_receiver &&
                   a->dll == b->dll && a->csum == b->csum,
               "MP_CAPABLE survives");
}

static void check_join(const struct wire_mp_join *a, const struct wire_mp_join *b)
{
    FUZZ_CHECK(a->len == b->len && a->backup == b->backup && a->addr_id == b->addr_id &&
                   a->token == b->token && a->nonce == b->nonce &&
                   memcmp(a->hmac, b->hmac, sizeof a->hmac) == 0,
               "MP_JOIN survives");
}

static void check_dss(const struct wire_mp_dss *a, const struct wire_mp_dss *b)
{
    FUZZ_CHECK(a->has_ack == b->has_ack && a->ack64 == b->ack64 && a->ack == b->ack,
               "the DATA_ACK survives");
    FUZZ_CHECK(a->has_map == b->has_map && a->dsn64 == b->dsn64 && a->dsn == b->dsn &&
                   a->ssn == b->ssn && a->dll == b->dll && a->data_fin == b->data_fin &&
                   a->has_csum == b->has_csum && a->csum == b->csum,
               "the mapping survives");
}

static void check_addrs(const struct wire_mp *a, const struct wire_mp *b)
{
    const struct wire_mp_add_addr *x = &a->add_addr, *y = &b->add_addr;

    if (wire_mp_has(a, WIRE_MP_ADD_ADDR))
        FUZZ_CHECK(x->echo == y->echo && x->has_hmac == y->has_hmac && x->id == y->id &&
                       x->addr.family == y->addr.family && x->addr.port == y->addr.port &&
                       memcmp(x->addr.ip, y->addr.ip, sizeof x->addr.ip) == 0 &&
                       memcmp(x->hmac, y->hmac, sizeof x->hmac) == 0,
                   "ADD_ADDR survives");
    if (wire_mp_has(a, WIRE_MP_REMOVE_ADDR))
        FUZZ_CHECK(a->remove.n == b->remove.n &&
                       memcmp(a->remove.id, b->remove.id, a->remove.n) == 0,
                   "REMOVE_ADDR survives");
}

static void check_mp(const struct wire_mp *a, const struct wire_mp *b)
{
    FUZZ_CHECK(a->present == b->present, "the same options are there");
    if (wire_mp_has(a, WIRE_MP_CAPABLE))
        check_capable(&a->capable, &b->capable);
    if (wire_mp_has(a, WIRE_MP_JOIN))
        check_join(&a->join, &b->join);
    if (wire_mp_has(a, WIRE_MP_DSS))
        check_dss(&a->dss, &b->dss);
    check_addrs(a, b);
    if (wire_mp_has(a, WIRE_MP_PRIO))
        FUZZ_CHECK(a->prio_backup == b->prio_backup && a->prio_has_id == b->prio_has_id &&
                       a->prio_id == b->prio_id,
                   "MP_PRIO survives");
    if (wire_mp_has(a, WIRE_MP_FAIL))
        FUZZ_CHECK(a->fail_dsn == b->fail_dsn, "MP_FAIL survives");
    if (wire_mp_has(a, WIRE_MP_FASTCLOSE))
        FUZZ_CHECK(a->fastclose_key == b->fastclose_key, "MP_FASTCLOSE survives");
    if (wire_mp_has(a, WIRE_MP_TCPRST))
        FUZZ_CHECK(a->rst.transient == b->rst.transient && a->rst.reason == b->rst.reason,
                   "MP_TCPRST survives");
}

static void check_print(const struct wire_seg *seg)
{
    char line[64], all[2048];
    size_t want = wire_print_seg(seg, line, sizeof line);

    FUZZ_CHECK(strlen(line) == (want < sizeof line ? want : sizeof line - 1),
               "a line that is cut is terminated");
    FUZZ_CHECK(wire_print_seg(seg, all, sizeof all) == want, "the length wanted does not vary");
}

/* What fitted once fits again: an option that was counted twice or not at all takes no room. */
static void check_again(const struct wire_seg *seg, size_t area)
{
    static const struct plait_addr from = {.family = 4, .port = 1, .ip = {10, 0, 0, 1}};
    static const struct plait_addr to = {.family = 4, .port = 2, .ip = {10, 0, 0, 2}};
    struct wire_emit how = {.src = &from,
                            .dst = &to,
                            .flags = seg->flags,
                            .opt = &seg->opt,
                            .mp = &seg->mp,
                            .payload_len = seg->len};
    struct wire_seg again = {.flags = seg->flags, .len = seg->len};
    uint8_t head[100], ip_len = 0;
    unsigned n = wire_emit_headers(&how, head, &ip_len);

    FUZZ_CHECK(n > 0 || area > WIRE_OPTS_MAX, "what came in one header fits one header");
    if (n == 0)
        return;
    FUZZ_CHECK(n >= HEADERS && n <= HEADERS + WIRE_OPTS_MAX && n % 4 == 0, "the header's length");
    wire_parse_options(head + HEADERS, n - HEADERS, &again);
    FUZZ_CHECK(again.bad_options == 0 && again.bad_mp == 0, "nothing malformed is emitted");
    check_plain(&seg->opt, &again.opt);
    check_mp(&seg->mp, &again.mp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_seg seg = {.flags = 0};

    if (size < 2 || size > 2 + AREA_MAX)
        return 0;
    seg.flags = data[0];
    seg.len = data[1];
    wire_parse_options(data + 2, size - 2, &seg);
    check_bounds(&seg);
    check_print(&seg);
    check_again(&seg, size - 2);
    return 0;
}
