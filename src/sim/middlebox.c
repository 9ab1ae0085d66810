/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of boxes, the flows that a box knows, and the table. It is the world's hook: each
 * packet that a stack sends is taken off the wire here and goes from box to box; what leaves the
 * last one is put on the path again.
 *
 * Invariant: a box sees a connection from its own place, so its flow has the same key in both
 * directions; only a NAT looks flows up by what it made of them. */
#include "middlebox.h"

#include <stdlib.h>
#include <string.h>

#include "../base/be.h"
#include "../base/seq.h"
#include "box_int.h"

struct sim_boxes {
    struct sim *sim;
    unsigned n;
    uint64_t touched;
    struct sim_box *box[SIM_BOXES_MAX];
};

static const struct {
    const char *name;
    sim_box_fn *fn;
    const char *what; /* words of the second part; NULL: checked elsewhere */
} kinds[] = {
    {"nat", sim_box_nat, "|remap|"},
    {"isn", sim_box_isn, "|sack|"},
    {"strip", sim_box_strip, NULL},
    {"eol", sim_box_eol, "|"},
    {"ecn", sim_box_ecn, "|bleach|mark|syn|drop|"},
    {"echo", sim_box_echo, "|replace|"},
    {"split", sim_box_split, "|all|first|last|"},
    {"merge", sim_box_merge, "|first|last|"},
    {"rewrite", sim_box_rewrite, "|grow|shrink|"},
    {"ack", sim_box_ack, "|rtx|lose|"},
    {"clamp", sim_box_clamp, "|"},
    {"rtx", sim_box_rtx, "|before|after|"},
    {"reseg", sim_box_reseg, "|repeat|drop|"},
    {"synproxy", sim_box_synproxy, "|"},
    {"firewall", sim_box_firewall, "|drop|rst|"},
    {"csum", sim_box_csum, "|"},
    {"unknown", sim_box_unknown, "|drop|"},
    {"reorder", sim_box_reorder, "|"},
};

bool sim_box_is(const struct sim_box *b, unsigned part, const char *word)
{
    return strcmp(b->part[part], word) == 0;
}

struct sim *sim_box_world(const struct sim_box *b)
{
    return b->boxes->sim;
}

void sim_box_touch(struct sim_box *b)
{
    b->boxes->touched++;
}

uint64_t sim_boxes_touched(const struct sim_boxes *boxes)
{
    return boxes->touched;
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool set_direction(struct sim_box *b, char *slash)
{
    b->acts[SIM_UP] = slash == NULL || strcmp(slash, "/up") == 0;
    b->acts[SIM_DOWN] = slash == NULL || strcmp(slash, "/down") == 0;
    if (slash != NULL)
        *slash = '\0';
    return b->acts[SIM_UP] || b->acts[SIM_DOWN];
}

/* Is the word one of those between bars? */
static bool among(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = words; (p = strstr(p, word)) != NULL; p++)
        if (p > words && p[-1] == '|' && p[len] == '|')
            return true;
    return len == 0 && words[0] == '|' && (words[1] == '|' || words[1] == '\0');
}

static bool find_kind(struct sim_box *b)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!sim_box_is(b, 0, kinds[i].name))
            continue;
        b->fn = kinds[i].fn;
        if (kinds[i].what == NULL)
            return sim_box_strip_known(b);
        bool alone = sim_box_is(b, 1, "") && kinds[i].what[0] == '|';
        return sim_box_is(b, 2, "") && (alone || among(kinds[i].what, b->part[1]));
    }
    return false;
}

static bool set_name(struct sim_box *b, const char *name)
{
    unsigned n = 0;

    if (strlen(name) >= sizeof b->text)
        return false;
    memcpy(b->text, name, strlen(name) + 1);
    if (!set_direction(b, strchr(b->text, '/')))
        return false;
    for (unsigned i = 0; i < SIM_BOX_PARTS; i++)
        b->part[i] = "";
    for (char *p = b->text; p != NULL; n++) {
        char *colon = strchr(p, ':');
        if (n == SIM_BOX_PARTS)
            return false;
        b->part[n] = p;
        if (colon != NULL)
            *colon++ = '\0';
        p = colon;
    }
    return find_kind(b);
}

/* ---- flows ---------------------------------------------------------------------------------- */

static void make_key(struct sim_box_key *key, struct sim_pkt *p, enum sim_box_dir d)
{
    unsigned client = d == SIM_UP ? 0 : 2;

    memset(key, 0, sizeof *key);
    memcpy(key->client, d == SIM_UP ? sim_pkt_src(p) : sim_pkt_dst(p), sim_pkt_addr_len(p));
    memcpy(key->server, d == SIM_UP ? sim_pkt_dst(p) : sim_pkt_src(p), sim_pkt_addr_len(p));
    memcpy(key->client_port, sim_pkt_tcp(p) + client, 2);
    memcpy(key->server_port, sim_pkt_tcp(p) + 2 - client, 2);
}

/* The flow of a packet; the one that rested longest makes room for a new one. */
static struct sim_box_flow *find_flow(struct sim_box *b, struct sim_pkt *p,
                                      enum sim_box_dir d)
{
    struct sim_box_flow *oldest = &b->flow[0];
    struct sim_box_key key;

    make_key(&key, p, d);
    for (unsigned i = 0; i < SIM_BOX_FLOWS; i++) {
        struct sim_box_flow *f = &b->flow[i];
        if (f->used && memcmp(&f->key, &key, sizeof key) == 0)
            return f;
        if (!f->used || f->last < oldest->last)
            oldest = f;
    }
    *oldest = (struct sim_box_flow){.used = true, .key = key, .last = sim_box_world(b)->now};
    return oldest;
}

static void note_syn(struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p)
{
    const uint8_t *ws = sim_pkt_find(p, SIM_OPT_WSCALE);

    if (!f->known[d] || f->isn[d] != sim_pkt_seq(p))
        f->top[d] = sim_pkt_seq(p) + 1;
    f->known[d] = true;
    f->isn[d] = sim_pkt_seq(p);
    f->scaled[d] = ws != NULL;
    f->wscale[d] = ws != NULL ? ws[2] : 0;
}

/* What the box learns from a packet before it acts. */
static void note(struct sim_box_flow *f, enum sim_box_dir d, struct sim_pkt *p, plait_time now)
{
    const uint8_t *ts = sim_pkt_find(p, SIM_OPT_TS);
    uint32_t end = sim_pkt_seq(p) + sim_pkt_seq_len(p);

    if (sim_pkt_has(p, SIM_TCP_SYN, 0))
        note_syn(f, d, p);
    f->fresh = !seq_lt(sim_pkt_seq(p), f->top[d]);
    if (seq_lt(f->top[d], end))
        f->top[d] = end;
    f->last_ack[d] = sim_pkt_ack(p);
    f->last_wnd[d] = be16_load(sim_pkt_tcp(p) + 14);
    f->ts[d] = ts != NULL;
    if (ts != NULL)
        f->tsval[d] = be32_load(ts + 2);
    f->idle = now - f->last;
    f->last = now;
    f->later_n[d] += !sim_pkt_has(p, SIM_TCP_SYN, 0);
    f->data_n[d] += sim_pkt_payload(p) > 0;
}

/* ---- the chain ------------------------------------------------------------------------------ */

static bool stands_at(const struct sim_box *b, const struct sim_box *like)
{
    return b->at.up == like->at.up && b->at.down == like->at.down;
}

static void enter(struct sim_box *b, enum sim_box_dir d, struct sim_pkt *p)
{
    struct sim_box_flow *f = NULL;

    if (b->fn == sim_box_nat && d == SIM_DOWN) {
        f = sim_box_nat_flow(b, p);
        if (f == NULL) {
            sim_box_touch(b);
            return;
        }
    } else {
        f = find_flow(b, p, d);
    }
    note(f, d, p, sim_box_world(b)->now);
    b->fn(b, f, d, p);
}

/* The route that begins with this link and leads to where the packet goes. */
static const struct sim_route *route_of(const struct sim *sim, unsigned link,
                                        struct sim_pkt *p)
{
    uint8_t family = sim_pkt_addr_len(p) == 4 ? 4 : 6;

    for (unsigned i = 0; i < sim->route_n; i++)
        if (sim->route[i].hop_n > 0 && sim->route[i].hop[0] == link &&
            sim->route[i].dst.family == family &&
            memcmp(sim->route[i].dst.ip, sim_pkt_dst(p), sim_pkt_addr_len(p)) == 0)
            return &sim->route[i];
    return NULL;
}

static void leave(struct sim_box *b, enum sim_box_dir d, struct sim_pkt *p)
{
    struct sim *sim = b->boxes->sim;
    const struct sim_route *route = route_of(sim, d == SIM_UP ? b->at.up : b->at.down, p);

    if (p->touched)
        sim_pkt_finish(p);
    if (route != NULL)
        sim_net_inject(sim, route,
                       &(struct sim_wire){.bytes = p->b, .len = p->len, .delay = p->delay});
}

void sim_box_pass(struct sim_box *b, enum sim_box_dir d, struct sim_pkt *p)
{
    const struct sim_boxes *boxes = b->boxes;

    if (d == SIM_UP) {
        for (unsigned i = b->index + 1; i < boxes->n; i++)
            if (stands_at(boxes->box[i], b)) {
                enter(boxes->box[i], d, p);
                return;
            }
    } else {
        for (unsigned i = b->index; i-- > 0;)
            if (stands_at(boxes->box[i], b)) {
                enter(boxes->box[i], d, p);
                return;
            }
    }
    leave(b, d, p);
}

/* The first box on the way; NULL: none. */
static struct sim_box *first_box(const struct sim_boxes *boxes, unsigned link, enum sim_box_dir *d)
{
    for (unsigned i = 0; i < boxes->n; i++)
        if (boxes->box[i]->at.up == link) {
            *d = SIM_UP;
            return boxes->box[i];
        }
    for (unsigned i = boxes->n; i-- > 0;)
        if (boxes->box[i]->at.down == link) {
            *d = SIM_DOWN;
            return boxes->box[i];
        }
    return NULL;
}

static void hook(void *ctx, struct sim *sim, struct sim_wire *w)
{
    struct sim_boxes *boxes = ctx;
    struct sim_box *b;
    struct sim_pkt p;
    enum sim_box_dir d;

    (void)sim;
    if (w->route == NULL || w->route->hop_n == 0)
        return;
    b = first_box(boxes, w->route->hop[0], &d);
    if (b == NULL || !sim_pkt_load(&p, w->bytes, w->len))
        return;
    w->drop = true;
    enter(b, d, &p);
}

struct sim_boxes *sim_boxes_new(struct sim *sim)
{
    struct sim_boxes *boxes = calloc(1, sizeof *boxes);

    if (boxes == NULL)
        abort();
    boxes->sim = sim;
    sim->hook = hook;
    sim->hook_ctx = boxes;
    return boxes;
}

bool sim_boxes_add(struct sim_boxes *boxes, const char *name, const struct sim_box_at *at)
{
    struct sim_box *b = calloc(1, sizeof *b);

    if (b == NULL)
        abort();
    b->boxes = boxes;
    b->index = boxes->n;
    b->at = *at;
    if (boxes->n == SIM_BOXES_MAX || !set_name(b, name)) {
        free(b);
        return false;
    }
    boxes->box[boxes->n++] = b;
    if (b->fn == sim_box_nat)
        sim_box_nat_routes(b);
    return true;
}

void sim_boxes_free(struct sim_boxes *boxes)
{
    boxes->sim->hook = NULL;
    for (unsigned i = 0; i < boxes->n; i++) {
        sim_box_merge_stop(boxes->box[i]);
        free(boxes->box[i]);
    }
    free(boxes);
}
