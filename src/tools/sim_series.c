/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of one run: window, round trip time or rate of each subflow over time. Called by
 * sim_scenario.c. */
#include "sim_plot.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 64, STEPS = 200, NAME_MAX_ = SIM_SCN_NAME_MAX + 32 };

struct at {
    plait_time at;
    uint64_t acked;
    plait_time srtt;
    uint32_t cwnd;
};

/* One subflow. */
struct line {
    unsigned flow, which, path;
    uint8_t id;
    struct at *v;
    unsigned n;
};

struct sim_series {
    const struct sim_scn *s;
    struct line line[LINES_MAX];
    unsigned n;
    bool more; /* than can be told apart */
};

struct sim_series *sim_series_new(const struct sim_scn *s)
{
    struct sim_series *series = calloc(1, sizeof *series);

    if (series == NULL)
        abort();
    series->s = s;
    return series;
}

static struct line *find(struct sim_series *s, const struct sim_scn_point *p)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct line *l = &s->line[i];
        if (l->flow == p->flow && l->which == p->which && l->id == p->info->id)
            return l;
    }
    if (s->n == LINES_MAX) {
        s->more = true;
        return NULL;
    }
    s->line[s->n] = (struct line){p->flow, p->which, p->path, p->info->id, NULL, 0};
    return &s->line[s->n++];
}

void sim_series_point(struct sim_series *s, const struct sim_scn_point *p)
{
    struct line *l = s != NULL ? find(s, p) : NULL;

    if (l == NULL)
        return;
    if ((l->n & (l->n - 1)) == 0) {
        l->v = realloc(l->v, (l->n == 0 ? 1 : 2 * (size_t)l->n) * sizeof *l->v);
        if (l->v == NULL)
            abort();
    }
    l->v[l->n++] = (struct at){p->at, p->info->bytes_acked, p->info->srtt, p->info->cwnd};
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void name_of(const struct sim_series *s, const struct line *l, char *to)
{
    const struct sim_scn_flow *f = &s->s->flow[l->flow];
    char which[16] = "";

    if (f->count > 1)
        (void)snprintf(which, sizeof which, ".%u", l->which + 1);
    if (f->path_n > 1 || f->subflows > 1)
        (void)snprintf(to, NAME_MAX_, "%s%s path %u", f->name, which, l->path + 1);
    else
        (void)snprintf(to, NAME_MAX_, "%s%s", f->name, which);
}

static void values(FILE *to, const struct line *l, const struct sim_options *o, plait_time step)
{
    const struct at *last = &l->v[0];

    for (unsigned i = 0; i < l->n; i++) {
        const struct at *now = &l->v[i];
        double t = (double)now->at / 1e6;
        if (strcmp(o->y, "cwnd") == 0)
            (void)fprintf(to, "%.6f %.6g\n", t, now->cwnd / 1e3);
        else if (strcmp(o->y, "rtt") == 0)
            (void)fprintf(to, "%.6f %.6g\n", t, (double)now->srtt / 1e3);
        else if (now->at - last->at >= step) {
            (void)fprintf(to, "%.6f %.6g\n", t,
                          (double)(now->acked - last->acked) * 8 / (double)(now->at - last->at));
            last = now;
        }
    }
}

bool sim_series_plot(const struct sim_series *s, const struct sim_options *o)
{
    FILE *to = sim_gnuplot_open(o->plot);
    char name[NAME_MAX_];

    if (to == NULL)
        return false;
    if (s->n == 0) {
        (void)fprintf(stderr, "plait sim: --plot: there was no subflow to be drawn\n");
        (void)sim_gnuplot_close(to, o->plot);
        return false;
    }
    for (unsigned i = 0; i < s->n; i++) {
        (void)fprintf(to, "$line%u << EOD\n", i);
        values(to, &s->line[i], o, s->s->run / STEPS);
        (void)fputs("EOD\n", to);
    }
    (void)fprintf(to, "set xlabel 'time (s)'\nset ylabel '%s'\nset yrange [0:*]\n",
                  strcmp(o->y, "cwnd") == 0  ? "congestion window (kB)"
                  : strcmp(o->y, "rtt") == 0 ? "smoothed round trip time (ms)"
                                             : "acknowledged (Mbit/s)");
    for (unsigned i = 0; i < s->n; i++) {
        (void)fprintf(to, "%s$line%u using 1:2 with lines lt %u title ", i == 0 ? "plot " : ", ", i,
                      i + 1);
        name_of(s, &s->line[i], name);
        sim_gnuplot_text(to, name);
    }
    (void)fputc('\n', to);
    if (s->more)
        (void)fprintf(stderr, "plait sim: --plot: the first %d subflows are drawn\n", LINES_MAX);
    return sim_gnuplot_close(to, o->plot);
}

void sim_series_free(struct sim_series *s)
{
    for (unsigned i = 0; s != NULL && i < s->n; i++)
        free(s->line[i].v);
    free(s);
}
