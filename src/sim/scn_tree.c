/* SPDX-License-Identifier: Apache-2.0 */
/* `fattree` of scenarios: its links, and the paths of flows across it. Called by the scenario
 * parser.
 *
 * A tree of degree k has k pods of k/2 edge and k/2 aggregation switches; each edge switch has k/2
 * hosts, and (k/2)^2 core switches join the pods (Al-Fares et al., SIGCOMM 2008). With h = k/2 and
 * counting from the tree's first link: k^3/4 links from host i, in order; then from edge switch e
 * of pod p to its aggregation switch a: (p * h + e) * h + a; then from that to its c-th core
 * switch: (p * h + a) * h + c. Forward is up. */
#include "scn_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { K_MAX = 16, PERCENT = 100 };

static unsigned hosts(const struct sim_scn_tree *t)
{
    return t->k * t->k * t->k / 4;
}

static unsigned up_edge(const struct sim_scn_tree *t, unsigned host, unsigned agg)
{
    unsigned h = t->k / 2;

    return t->link + hosts(t) + host / h * h + agg;
}

static unsigned up_agg(const struct sim_scn_tree *t, unsigned host, unsigned agg, unsigned core)
{
    unsigned h = t->k / 2, pod = host / (h * h);

    return t->link + 2 * hosts(t) + (pod * h + agg) * h + core;
}

static void hop(struct sim_scn_path *path, unsigned link, bool back)
{
    path->hop[path->hop_n++] = (struct sim_scn_hop){(uint16_t)link, back};
}

/* How many shortest paths there are between two hosts, and the i-th of them. */
static unsigned paths_between(const struct sim_scn_tree *t, unsigned a, unsigned b)
{
    unsigned h = t->k / 2;

    return a / h == b / h ? 1 : a / (h * h) == b / (h * h) ? h : h * h;
}

static void make_path(const struct sim_scn_tree *t, unsigned a, unsigned b, unsigned i,
                      struct sim_scn_path *path)
{
    unsigned n = paths_between(t, a, b), h = t->k / 2;
    unsigned agg = n == h * h ? i / h : i;

    *path = (struct sim_scn_path){0};
    hop(path, t->link + a, false);
    if (n > 1)
        hop(path, up_edge(t, a, agg), false);
    if (n == h * h) {
        hop(path, up_agg(t, a, agg, i % h), false);
        hop(path, up_agg(t, b, agg, i % h), true);
    }
    if (n > 1)
        hop(path, up_edge(t, b, agg), true);
    hop(path, t->link + b, true);
}

/* ---- the tree -------------------------------------------------------------------------------- */

static bool add_links(struct sim_scn_parser *p, const struct sim_scn_link *like, unsigned n)
{
    struct sim_scn *s = p->s;

    if (s->link_n + n > SIM_SCN_LINKS_MAX)
        return sim_scn_fail_last(p, "at most %d links", SIM_SCN_LINKS_MAX);
    for (unsigned i = 0; i < n; i++) {
        s->link = sim_scn_grow(s->link, s->link_n, sizeof *s->link);
        s->link[s->link_n] = *like;
        /* no name that a file can write */
        (void)snprintf(s->link[s->link_n].name, SIM_SCN_NAME_MAX, "#%u", s->link_n);
        s->link_n++;
    }
    return true;
}

bool sim_scn_tree_stmt(struct sim_scn_parser *p)
{
    struct sim_scn *s = p->s;
    struct sim_scn_tree tree = {.link = s->link_n};
    struct sim_scn_link *first, like;
    uint64_t k;

    if (!sim_scn_want_name(p, "the name of a tree", tree.name) || !sim_scn_want(p, "k") ||
        !sim_scn_want_count(p, 2, K_MAX, &k))
        return false;
    if (k % 2 != 0)
        return sim_scn_fail_last(p, "an even k");
    tree.k = (unsigned)k;
    first = sim_scn_link_add(p, tree.name);
    if (first == NULL || !sim_scn_link_props(p, first->dir))
        return false;
    if (first->dir[0].cfg.rate == 0)
        return sim_scn_fail_at(p, p->from[p->token[1]],
                               "the links of '%s' have no rate; say `rate 100mbit`", tree.name);
    first->group = (int)s->tree_n;
    like = *first;
    sim_scn_dir_apply(&like.dir[0], &(struct sim_scn_dir){0});
    sim_scn_dir_apply(&like.dir[1], &(struct sim_scn_dir){0});
    s->link_n--; /* its name is the tree's */
    if (!add_links(p, &like, 3 * hosts(&tree)))
        return false;
    s->tree = sim_scn_grow(s->tree, s->tree_n, sizeof *s->tree);
    s->tree[s->tree_n++] = tree;
    return true;
}

/* ---- flows across it ------------------------------------------------------------------------- */

struct traffic {
    const struct sim_scn_tree *tree;
    unsigned n, *from, *to;
    unsigned paths; /* with addresses of their own; 0: all of them, by ECMP */
};

static void add_pair(struct traffic *t, unsigned from, unsigned to)
{
    if (from == to)
        return;
    t->from[t->n] = from;
    t->to[t->n++] = to;
}

/* Nobody sends to himself: a draw in which somebody would is mended by a swap with the next one. */
static void permutation(struct sim_scn_parser *p, struct traffic *t)
{
    unsigned n = hosts(t->tree);

    for (unsigned i = 0; i < n; i++)
        t->to[i] = t->from[i] = i;
    sim_rng_permute(&p->rng, t->to, n);
    for (unsigned i = 0; i < n; i++)
        if (t->to[i] == i) {
            unsigned other = (i + 1) % n, swap = t->to[other];
            t->to[other] = t->to[i];
            t->to[i] = swap;
        }
    t->n = n;
}

static bool stride(struct sim_scn_parser *p, struct traffic *t)
{
    unsigned n = hosts(t->tree);
    uint64_t by;

    if (!sim_scn_want_count(p, 1, n - 1, &by))
        return false;
    for (unsigned i = 0; i < n; i++)
        add_pair(t, i, (i + (unsigned)by) % n);
    return true;
}

static bool some(struct sim_scn_parser *p, struct traffic *t)
{
    unsigned n = hosts(t->tree);
    uint32_t ppm;

    if (!sim_scn_want_share(p, &ppm))
        return false;
    for (unsigned i = 0; i < n; i++)
        if (sim_rng_chance(&p->rng, ppm))
            add_pair(t, i, (i + 1 + (unsigned)sim_rng_below(&p->rng, n - 1)) % n);
    return t->n > 0 || sim_scn_fail_last(p, "a share of hosts of which at least one sends");
}

static bool two(struct sim_scn_parser *p, struct traffic *t)
{
    unsigned n = hosts(t->tree);
    uint64_t from, to;

    if (!sim_scn_want_count(p, 1, n, &from) || !sim_scn_want(p, "to") ||
        !sim_scn_want_count(p, 1, n, &to))
        return false;
    if (from == to)
        return sim_scn_fail_last(p, "two different hosts");
    add_pair(t, (unsigned)from - 1, (unsigned)to - 1);
    return true;
}

static bool who(struct sim_scn_parser *p, struct traffic *t)
{
    const char *have = sim_scn_peek(p);

    if (sim_scn_take(p, "permutation")) {
        permutation(p, t);
        return true;
    }
    if (sim_scn_take(p, "stride"))
        return stride(p, t);
    if (sim_scn_take(p, "random"))
        return some(p, t);
    if (sim_scn_take(p, "from"))
        return two(p, t);
    return sim_scn_fail(p, "expected permutation, stride N, random SHARE or from I to J%s%s%s",
                        have != NULL ? ", not '" : "", have != NULL ? have : "",
                        have != NULL ? "'" : "");
}

/* So many different ones, or all; pairs with fewer use some twice, so that each has as many. */
static void choose_paths(struct sim_scn_parser *p, const struct traffic *t, unsigned pair,
                         struct sim_scn_path *to)
{
    unsigned n = paths_between(t->tree, t->from[pair], t->to[pair]);
    unsigned index[K_MAX * K_MAX / 4];

    for (unsigned i = 0; i < n; i++)
        index[i] = i;
    if (t->paths != 0)
        sim_rng_permute(&p->rng, index, n);
    for (unsigned i = 0; i < (t->paths != 0 ? t->paths : K_MAX * K_MAX / 4) && (t->paths || i < n);
         i++)
        make_path(t->tree, t->from[pair], t->to[pair], index[i % n], &to[i]);
}

static bool lay(struct sim_scn_parser *p, const struct traffic *t, struct sim_scn_flow *f)
{
    unsigned h = t->tree->k / 2;

    f->apart = true;
    f->count = t->n;
    f->ecmp = t->paths == 0;
    f->path_n = t->paths != 0 ? t->paths : h * h;
    f->path = calloc((size_t)f->count * f->path_n, sizeof *f->path);
    if (f->path == NULL)
        abort();
    for (unsigned i = 0; i < t->n; i++)
        choose_paths(p, t, i, f->path + (size_t)i * f->path_n);
    return true;
}

bool sim_scn_across(struct sim_scn_parser *p, struct sim_scn_flow *f)
{
    const char *name = sim_scn_want_word(p, "the name of a tree");
    struct traffic t = {0};
    uint64_t paths = 0;
    bool good;

    for (unsigned i = 0; name != NULL && i < p->s->tree_n; i++)
        if (strcmp(p->s->tree[i].name, name) == 0)
            t.tree = &p->s->tree[i];
    if (name == NULL || t.tree == NULL)
        return name != NULL ? sim_scn_fail_last(p, "there is no fattree '%s'", name) : false;
    if (f->count != 1)
        return sim_scn_fail_last(p, "how many there are follows from the topology");
    t.from = calloc(hosts(t.tree), sizeof *t.from);
    t.to = calloc(hosts(t.tree), sizeof *t.to);
    if (t.from == NULL || t.to == NULL)
        abort();
    good = who(p, &t) && (!sim_scn_take(p, "paths") ||
                          sim_scn_want_count(p, 1, SIM_SCN_PATHS_MAX, &paths));
    t.paths = (unsigned)paths;
    good = good && lay(p, &t, f);
    free(t.from);
    free(t.to);
    return good;
}
