/* SPDX-License-Identifier: Apache-2.0 */
/* `link` of scenarios, and the same words in events. Called by the scenario parser. */
#include "scn_parse.h"

#include <stdio.h>
#include <string.h>

enum { QUEUE_PACKETS = 100, MTU = 1500, BYTES_MAX = 1 << 30, RED_SHIFT = 9,
       TAIL_MAX = 1000000 };

/* What a line speaks of: both directions, or the way back alone. */
struct both {
    struct sim_scn_dir *dir[2];
    unsigned n;
};

typedef void put_fn(struct sim_scn_dir *d, uint64_t value);

static void put(struct both *b, unsigned set, put_fn *fn, uint64_t value)
{
    for (unsigned i = 0; i < b->n; i++) {
        fn(b->dir[i], value);
        b->dir[i]->set |= set;
    }
}

/* ---- one word each --------------------------------------------------------------------------- */

static void put_rate(struct sim_scn_dir *d, uint64_t v) { d->cfg.rate = v; }
static void put_delay(struct sim_scn_dir *d, uint64_t v) { d->cfg.delay = v; }
static void put_jitter(struct sim_scn_dir *d, uint64_t v) { d->cfg.jitter = v; }
static void put_loss(struct sim_scn_dir *d, uint64_t v) { d->cfg.loss_ppm = (uint32_t)v; }
static void put_duplicate(struct sim_scn_dir *d, uint64_t v) { d->cfg.duplicate_ppm = (uint32_t)v; }
static void put_mark(struct sim_scn_dir *d, uint64_t v) { d->cfg.mark = (uint32_t)v; }
static void put_mtu(struct sim_scn_dir *d, uint64_t v) { d->cfg.mtu = (uint32_t)v; }
static void put_hole(struct sim_scn_dir *d, uint64_t v) { d->cfg.black_hole = v != 0; }
static void put_down(struct sim_scn_dir *d, uint64_t v) { d->cfg.down = v != 0; }

static bool rate(struct sim_scn_parser *p, void *target, unsigned arg)
{
    uint64_t v;

    (void)arg;
    if (!sim_scn_want_rate(p, &v))
        return false;
    put(target, SIM_SCN_RATE_SET, put_rate, v);
    return true;
}

/* arg: how many times the propagation delay of one direction it is */
static bool delay(struct sim_scn_parser *p, void *target, unsigned arg)
{
    plait_time v;

    if (!sim_scn_want_time(p, &v))
        return false;
    put(target, SIM_SCN_DELAY_SET, put_delay, v / arg);
    return true;
}

static bool jitter(struct sim_scn_parser *p, void *target, unsigned arg)
{
    plait_time v;

    (void)arg;
    if (!sim_scn_want_time(p, &v))
        return false;
    put(target, SIM_SCN_JITTER_SET, put_jitter, v);
    return true;
}

static bool loss(struct sim_scn_parser *p, void *target, unsigned arg)
{
    uint32_t ppm;

    if (!sim_scn_want_share(p, &ppm))
        return false;
    put(target, arg, arg == SIM_SCN_LOSS_SET ? put_loss : put_duplicate, ppm);
    return true;
}

static void set_queue(struct sim_scn_dir *d, const struct sim_scn_value *v)
{
    d->queue_time = v->kind == SIM_SCN_TIME ? (plait_time)v->v : 0;
    d->cfg.queue_packets = v->kind == SIM_SCN_PKT ? (uint32_t)(v->v / SIM_SCN_ONE) : 0;
    d->cfg.queue = v->kind == SIM_SCN_SIZE ? (uint32_t)(v->v / SIM_SCN_ONE) : 0;
    d->set |= SIM_SCN_QUEUE_SET;
}

static bool queue(struct sim_scn_parser *p, void *target, unsigned arg)
{
    static const char what[] = "a size, packets or a time, as 64kB, 100pkt or 80ms";
    struct both *b = target;
    struct sim_scn_value v;

    (void)arg;
    if (!sim_scn_want_value(p, what, &v))
        return false;
    if (v.kind != SIM_SCN_SIZE && v.kind != SIM_SCN_PKT && v.kind != SIM_SCN_TIME)
        return sim_scn_fail_last(p, "expected %s, not %s", what, sim_scn_kind_name(v.kind));
    if (v.v / SIM_SCN_ONE < (v.kind == SIM_SCN_PKT) || v.v == 0 ||
        v.v / SIM_SCN_ONE > (v.kind == SIM_SCN_TIME ? 3600 : BYTES_MAX))
        return sim_scn_fail_last(p, "a queue of at least a packet and at most a gigabyte");
    for (unsigned i = 0; i < b->n; i++)
        set_queue(b->dir[i], &v);
    return true;
}

/* `tail PACKETS SHARE` */
static bool tail(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct both *b = target;
    struct sim_scn_value v;
    uint32_t ppm;

    (void)arg;
    if (!sim_scn_want_value(p, "packets, as 3pkt", &v))
        return false;
    if (v.kind != SIM_SCN_PKT || v.v / SIM_SCN_ONE < 1 || v.v / SIM_SCN_ONE > TAIL_MAX)
        return sim_scn_fail_last(p, "expected 1pkt to %dpkt", TAIL_MAX);
    if (!sim_scn_want_share(p, &ppm))
        return false;
    for (unsigned i = 0; i < b->n; i++) {
        b->dir[i]->cfg.tail_packets = (uint32_t)(v.v / SIM_SCN_ONE);
        b->dir[i]->cfg.tail_ppm = ppm;
        b->dir[i]->set |= SIM_SCN_TAIL_SET;
    }
    return true;
}

static bool red(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct both *b = target;
    uint64_t min, max;
    uint32_t ppm;

    (void)arg;
    if (!sim_scn_want_size(p, BYTES_MAX, &min) || !sim_scn_want_size(p, BYTES_MAX, &max))
        return false;
    if (min == 0 || max <= min)
        return sim_scn_fail_last(p, "'red MIN MAX SHARE' with 0 < MIN < MAX");
    if (!sim_scn_want_share(p, &ppm))
        return false;
    for (unsigned i = 0; i < b->n; i++) {
        bool mark = b->dir[i]->cfg.red.ecn;
        b->dir[i]->cfg.red = (struct sim_red){.min = (uint32_t)min, .max = (uint32_t)max,
                                              .max_ppm = ppm, .shift = RED_SHIFT, .ecn = mark};
        b->dir[i]->set |= SIM_SCN_RED_SET;
    }
    return true;
}

/* `mark red`: RED marks; `mark SIZE`: a packet that finds more than this is marked. */
static bool mark(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct both *b = target;
    uint64_t v;

    (void)arg;
    if (sim_scn_take(p, "red")) {
        for (unsigned i = 0; i < b->n; i++)
            b->dir[i]->cfg.red.ecn = true;
        return true;
    }
    if (!sim_scn_want_size(p, BYTES_MAX, &v))
        return false;
    put(b, SIM_SCN_MARK_SET, put_mark, v);
    return true;
}

static bool reorder(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct both *b = target;
    uint32_t ppm;
    plait_time by;

    (void)arg;
    if (!sim_scn_want_share(p, &ppm) || !sim_scn_want_time(p, &by))
        return false;
    for (unsigned i = 0; i < b->n; i++) {
        b->dir[i]->cfg.reorder_ppm = ppm;
        b->dir[i]->cfg.reorder_delay = by;
        b->dir[i]->set |= SIM_SCN_REORDER_SET;
    }
    return true;
}

static bool mtu(struct sim_scn_parser *p, void *target, unsigned arg)
{
    enum { LEAST = 576, MOST = 65535 };
    uint64_t v;

    (void)arg;
    if (!sim_scn_want_size(p, MOST, &v))
        return false;
    if (v < LEAST)
        return sim_scn_fail_last(p, "an MTU of at least %dB", LEAST);
    put(target, SIM_SCN_MTU_SET, put_mtu, v);
    return true;
}

static bool hole(struct sim_scn_parser *p, void *target, unsigned arg)
{
    (void)p;
    put(target, SIM_SCN_HOLE_SET, put_hole, arg);
    return true;
}

static bool down(struct sim_scn_parser *p, void *target, unsigned arg)
{
    (void)p;
    put(target, SIM_SCN_DOWN_SET, put_down, arg);
    return true;
}

static bool back(struct sim_scn_parser *p, void *target, unsigned arg)
{
    struct both *b = target;

    (void)arg;
    if (b->n == 1)
        return sim_scn_fail_last(p, "'back' once");
    b->dir[0] = b->dir[1];
    b->n = 1;
    return true;
}

static const struct sim_scn_word words[] = {
    {"rate", rate, 0},
    {"delay", delay, 1},
    {"rtt", delay, 2},
    {"jitter", jitter, 0},
    {"loss", loss, SIM_SCN_LOSS_SET},
    {"queue", queue, 0},
    {"tail", tail, 0},
    {"red", red, 0},
    {"mark", mark, 0},
    {"reorder", reorder, 0},
    {"duplicate", loss, SIM_SCN_DUPLICATE_SET},
    {"mtu", mtu, 0},
    {"blackhole", hole, 1},
    {"down", down, 1},
    {"up", down, 0},
    {"back", back, 0},
};

bool sim_scn_link_props(struct sim_scn_parser *p, struct sim_scn_dir dir[2])
{
    static const struct sim_scn_words all = {words, sizeof words / sizeof *words, "a link"};
    struct both b = {{&dir[0], &dir[1]}, 2};

    return sim_scn_each(p, &all, &b);
}

/* ---- a link ---------------------------------------------------------------------------------- */

int sim_scn_find_link(const struct sim_scn *s, const char *name, size_t len)
{
    for (unsigned i = 0; i < s->link_n; i++)
        if (strlen(s->link[i].name) == len && memcmp(s->link[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

static void defaults(struct sim_scn_dir *d)
{
    *d = (struct sim_scn_dir){.cfg = {.mtu = MTU, .queue_packets = QUEUE_PACKETS}};
}

/* A queue that is a time is so many bytes at this rate, and never less than two packets. */
static void settle(struct sim_scn_dir *d)
{
    enum { LEAST = 2 * MTU };
    uint64_t bytes;

    if (d->queue_time == 0)
        return;
    bytes = d->cfg.rate / 8 * (d->queue_time / 1000) / 1000;
    if (d->queue_time < PLAIT_SEC)
        bytes = d->cfg.rate * d->queue_time / 8000000;
    d->cfg.queue = bytes > BYTES_MAX ? BYTES_MAX : bytes < LEAST ? LEAST : (uint32_t)bytes;
}

void sim_scn_dir_apply(struct sim_scn_dir *to, const struct sim_scn_dir *c)
{
    struct sim_link_config *t = &to->cfg;

    t->rate = c->set & SIM_SCN_RATE_SET ? c->cfg.rate : t->rate;
    t->delay = c->set & SIM_SCN_DELAY_SET ? c->cfg.delay : t->delay;
    t->jitter = c->set & SIM_SCN_JITTER_SET ? c->cfg.jitter : t->jitter;
    t->loss_ppm = c->set & SIM_SCN_LOSS_SET ? c->cfg.loss_ppm : t->loss_ppm;
    t->duplicate_ppm = c->set & SIM_SCN_DUPLICATE_SET ? c->cfg.duplicate_ppm : t->duplicate_ppm;
    t->mark = c->set & SIM_SCN_MARK_SET ? c->cfg.mark : t->mark;
    t->mtu = c->set & SIM_SCN_MTU_SET ? c->cfg.mtu : t->mtu;
    t->black_hole = c->set & SIM_SCN_HOLE_SET ? c->cfg.black_hole : t->black_hole;
    t->down = c->set & SIM_SCN_DOWN_SET ? c->cfg.down : t->down;
    if (c->set & SIM_SCN_RED_SET)
        t->red = c->cfg.red;
    if (c->set & SIM_SCN_TAIL_SET) {
        t->tail_packets = c->cfg.tail_packets;
        t->tail_ppm = c->cfg.tail_ppm;
    }
    if (c->set & SIM_SCN_REORDER_SET) {
        t->reorder_ppm = c->cfg.reorder_ppm;
        t->reorder_delay = c->cfg.reorder_delay;
    }
    if (c->set & SIM_SCN_QUEUE_SET) {
        to->queue_time = c->queue_time;
        t->queue = c->cfg.queue;
        t->queue_packets = c->cfg.queue_packets;
    }
    settle(to);
}

struct sim_scn_link *sim_scn_link_add(struct sim_scn_parser *p, const char *name)
{
    struct sim_scn *s = p->s;
    struct sim_scn_link *l;

    if (sim_scn_find_link(s, name, strlen(name)) >= 0 ||
        sim_scn_find_flow(s, name, strlen(name)) >= 0) {
        (void)sim_scn_fail_last(p, "there is a link or flow '%s' already", name);
        return NULL;
    }
    if (s->link_n == SIM_SCN_LINKS_MAX) {
        (void)sim_scn_fail_last(p, "at most %d links", SIM_SCN_LINKS_MAX);
        return NULL;
    }
    s->link = sim_scn_grow(s->link, s->link_n, sizeof *s->link);
    l = &s->link[s->link_n++];
    (void)snprintf(l->name, sizeof l->name, "%s", name);
    l->group = -1;
    defaults(&l->dir[0]);
    defaults(&l->dir[1]);
    return l;
}

static bool check(struct sim_scn_parser *p, const struct sim_scn_link *l)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct sim_scn_dir *d = &l->dir[i];
        unsigned waits = SIM_SCN_QUEUE_SET | SIM_SCN_TAIL_SET | SIM_SCN_RED_SET | SIM_SCN_MARK_SET;
        if (d->cfg.rate == 0 && (d->set & waits))
            return sim_scn_fail_at(p, p->from[p->token[1]],
                                   "link '%s' has no rate, so nothing waits; say `rate 10mbit`",
                                   l->name);
    }
    return true;
}

bool sim_scn_link_stmt(struct sim_scn_parser *p)
{
    char name[SIM_SCN_NAME_MAX];
    struct sim_scn_link *l;

    if (!sim_scn_want_name(p, "the name of a link", name))
        return false;
    l = sim_scn_link_add(p, name);
    if (l == NULL || !sim_scn_link_props(p, l->dir))
        return false;
    settle(&l->dir[0]);
    settle(&l->dir[1]);
    return check(p, l);
}
