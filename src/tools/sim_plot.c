/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of a sweep: a result over a parameter, a line for each value of another one. Where
 * several runs meet at a point, their median is drawn with a bar from the 10th to the 90th
 * percentile. Called by sim_scenario.c; sim_series.c draws over time. Floating point is used here
 * and nowhere else: it decides where ink goes. */
#include "sim_plot.h"

#include "sim/scn_result.h"
#include "sim_field.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 64 };

/* ---- gnuplot --------------------------------------------------------------------------------- */

enum { COLORS = 8 };

/* Those of Okabe and Ito, whom everybody can tell apart. */
static const char *color(unsigned i)
{
    static const char *const colors[COLORS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                               "#56b4e9", "#e69f00", "#000000", "#999999"};

    return colors[i % COLORS];
}

FILE *sim_gnuplot_open(const char *plot)
{
    bool svg = strcmp(plot + strlen(plot) - 4, ".svg") == 0;
    FILE *to;

    (void)signal(SIGPIPE, SIG_IGN); /* where it is missing, its end tells */
    to = popen("gnuplot", "w");
    if (to == NULL) {
        (void)fprintf(stderr, "plait sim: --plot: gnuplot: %s\n", strerror(errno));
        return NULL;
    }
    (void)fprintf(to, svg ? "set terminal svg size 800,500 noenhanced font 'sans,14' background "
                            "'white'\n"
                          : "set terminal pngcairo size 1000,625 noenhanced font 'sans,13'\n");
    (void)fputs("set output ", to);
    sim_gnuplot_text(to, plot);
    (void)fputs("\nset grid lc rgb '#d0d0d0' lw 1 lt 1\nset border 3\nset tics nomirror\n"
                "set key outside top center horizontal\n"
                "set style fill solid 0.85 noborder\n", to);
    for (unsigned i = 0; i < COLORS; i++)
        (void)fprintf(to, "set linetype %u lc rgb '%s' lw 2 pt %u ps 0.8\n", i + 1, color(i),
                      5 + 2 * (i % 4)); /* full signs: square, circle, triangle, down */
    (void)fprintf(to, "set linetype cycle %d\n", COLORS);
    return to;
}

bool sim_gnuplot_close(FILE *to, const char *plot)
{
    int status = pclose(to);

    if (status == 0)
        return true;
    if (status == 127 * 256)
        (void)fprintf(stderr, "plait sim: --plot %s: gnuplot is missing; install it, as by "
                              "`apt-get install gnuplot-nox`\n", plot);
    else
        (void)fprintf(stderr, "plait sim: --plot %s: gnuplot could not draw it\n", plot);
    return false;
}

void sim_gnuplot_text(FILE *to, const char *text)
{
    (void)fputc('\'', to);
    for (; *text != '\0'; text++)
        if (*text == '\'')
            (void)fputs("''", to);
        else
            (void)fputc(*text, to);
    (void)fputc('\'', to);
}

double sim_gnuplot_unit(enum sim_scn_kind kind, double most, const char **unit)
{
    switch (kind) {
    case SIM_SCN_RATE:
        *unit = most < 2e6 ? "kbit/s" : most < 2e9 ? "Mbit/s" : "Gbit/s";
        return most < 2e6 ? 1e3 : most < 2e9 ? 1e6 : 1e9;
    case SIM_SCN_TIME:
        *unit = most < 2 ? "ms" : "s";
        return most < 2 ? 1e-3 : 1;
    case SIM_SCN_SIZE:
        *unit = most < 2e6 ? "kB" : "MB";
        return most < 2e6 ? 1e3 : 1e6;
    case SIM_SCN_PKT:
        *unit = "packets";
        return 1;
    default:
        *unit = "";
        return 1;
    }
}

/* ---- what is drawn --------------------------------------------------------------------------- */

struct dot {
    char x[LABEL_MAX], by[LABEL_MAX];
    double y;
};

/* All of one x and one line. */
struct cloud {
    unsigned x, by;
    double *y;
    unsigned n;
};

struct labels {
    char (*v)[LABEL_MAX];
    unsigned n;
};

struct picture {
    const struct sim_options *o;
    struct dot *dot;
    unsigned dot_n;
    struct labels x, by; /* in the order of the runs */
    struct cloud *cloud; /* [by * x.n + x] */
    enum sim_scn_kind x_kind, y_kind;
    double x_unit, y_unit;
    const char *x_name, *y_name; /* of the units */
};

static void *must(void *mem)
{
    if (mem == NULL)
        abort();
    return mem;
}

static unsigned label(struct labels *l, const char *text)
{
    for (unsigned i = 0; i < l->n; i++)
        if (strcmp(l->v[i], text) == 0)
            return i;
    l->v = must(realloc(l->v, (l->n + 1) * sizeof *l->v));
    (void)snprintf(l->v[l->n], LABEL_MAX, "%s", text);
    return l->n++;
}

static bool is_number(enum sim_scn_kind kind)
{
    return kind != SIM_SCN_WORD;
}

/* A value of a parameter in its unit: bits per second, seconds, bytes. */
static double number(const char *text)
{
    struct sim_scn_value v;
    const char *error;

    if (sim_scn_num_parse(text, strlen(text), &v, &error) != strlen(text))
        return 0;
    return (double)v.v / SIM_SCN_ONE;
}

static enum sim_scn_kind kind_of(const struct labels *l)
{
    enum sim_scn_kind kind = SIM_SCN_WORD;
    const char *error;

    for (unsigned i = 0; i < l->n; i++) {
        struct sim_scn_value v;
        if (sim_scn_num_parse(l->v[i], strlen(l->v[i]), &v, &error) != strlen(l->v[i]))
            return SIM_SCN_WORD;
        if (i > 0 && v.kind != kind)
            return SIM_SCN_WORD;
        kind = v.kind;
    }
    return kind;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool no_field(const char *option, const char *name)
{
    (void)fprintf(stderr,
                  "plait sim: --%s %s: no result has that; there are parameters, reports, "
                  "FLOW.goodput, FLOW.1.rtt, LINK.load and others (doc/scenario.md)\n",
                  option, name);
    return false;
}

static bool copy(const char *line, const char *name, const char *option, char to[LABEL_MAX])
{
    struct sim_piece piece;

    if (!sim_field_find(line, name, &piece))
        return no_field(option, name);
    (void)snprintf(to, LABEL_MAX, "%.*s", (int)piece.len, piece.at);
    return true;
}

static bool read_dot(struct picture *p, const char *line)
{
    struct dot dot = {.by = ""};
    char y[LABEL_MAX], *end;

    if (!copy(line, p->o->x, "x", dot.x) || !copy(line, p->o->y, "y", y) ||
        (p->o->by != NULL && !copy(line, p->o->by, "by", dot.by)))
        return false;
    dot.y = strtod(y, &end);
    if (end == y) /* null: it could not be computed in this run */
        return strcmp(y, "null") == 0 || no_field("y", p->o->y);
    if ((p->dot_n & (p->dot_n - 1)) == 0)
        p->dot = must(realloc(p->dot, (p->dot_n == 0 ? 1 : 2 * (size_t)p->dot_n) * sizeof dot));
    p->dot[p->dot_n++] = dot;
    return true;
}

static bool read_dots(struct picture *p, const struct sim_store *store)
{
    bool good = true;

    for (unsigned i = 0; good && i < store->n; i++) {
        char *line;
        size_t len;
        if (!sim_store_has(store, i) || !sim_store_read(store, i, &line, &len))
            continue;
        good = read_dot(p, line);
        free(line);
    }
    if (good && p->dot_n == 0) {
        (void)fprintf(stderr, "plait sim: --plot: there is nothing to be drawn\n");
        return false;
    }
    return good;
}

static int by_number(const void *a, const void *b)
{
    double x = number(a), y = number(b);

    return (x > y) - (x < y);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void gather(struct picture *p)
{
    for (unsigned i = 0; i < p->dot_n; i++) {
        (void)label(&p->x, p->dot[i].x);
        (void)label(&p->by, p->dot[i].by);
    }
    p->x_kind = kind_of(&p->x);
    if (is_number(p->x_kind))
        qsort(p->x.v, p->x.n, sizeof *p->x.v, by_number);
    p->cloud = must(calloc((size_t)p->x.n * p->by.n, sizeof *p->cloud));
    for (unsigned i = 0; i < p->dot_n; i++) {
        unsigned x = label(&p->x, p->dot[i].x), by = label(&p->by, p->dot[i].by);
        struct cloud *c = &p->cloud[by * p->x.n + x];
        c->y = must(realloc(c->y, (c->n + 1) * sizeof *c->y));
        c->y[c->n++] = p->dot[i].y;
    }
    for (unsigned i = 0; i < p->x.n * p->by.n; i++)
        if (p->cloud[i].n > 0)
            qsort(p->cloud[i].y, p->cloud[i].n, sizeof *p->cloud[i].y, by_size);
}

/* What y is: a report, a parameter or a field, as the scenario of the first run has it. */
static enum sim_scn_kind y_kind(const struct sim_runs *runs)
{
    struct sim_run run;
    struct sim_scn_value v = {.kind = SIM_SCN_NUMBER};
    struct sim_scn *s;
    const char *y = runs->o->y;

    sim_run_make(runs, 0, &run);
    s = sim_run_parse(runs, &run);
    if (s == NULL)
        return SIM_SCN_NUMBER;
    for (unsigned i = 0; i < s->report_n; i++)
        if (strcmp(s->report[i].name, y) == 0)
            (void)sim_scn_report_kind(s, i, &v.kind);
    if (strchr(y, '.') != NULL) {
        char tell[SIM_SCN_TELL_MAX];
        struct sim_scn_ref ref = {.name = y, .len = strlen(y), .tell = tell};
        struct sim_scn_target t;
        if (sim_scn_resolve(s, &ref, &t))
            v.kind = sim_scn_target_kind(&t);
    }
    sim_scn_free(s);
    return v.kind;
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* Of sorted values. */
static double rank(const struct cloud *c, unsigned percent)
{
    unsigned r = (c->n * percent + 99) / 100;

    return c->y[r > 0 ? r - 1 : 0];
}

static double median(const struct cloud *c)
{
    return c->n % 2 == 1 ? c->y[c->n / 2] : (c->y[c->n / 2 - 1] + c->y[c->n / 2]) / 2;
}

static void axis(FILE *to, char which, const char *name, const char *unit)
{
    char text[128];

    (void)snprintf(text, sizeof text, unit[0] != '\0' ? "%s (%s)" : "%s", name, unit);
    (void)fprintf(to, "set %clabel ", which);
    sim_gnuplot_text(to, text);
    (void)fputc('\n', to);
}

static void data(const struct picture *p, FILE *to)
{
    for (unsigned b = 0; b < p->by.n; b++) {
        (void)fprintf(to, "$line%u << EOD\n", b);
        for (unsigned i = 0; i < p->x.n; i++) {
            const struct cloud *c = &p->cloud[b * p->x.n + i];
            double x = is_number(p->x_kind) ? number(p->x.v[i]) / p->x_unit
                                            : i + (b + .5) / p->by.n * .8 - .4;
            if (c->n > 0)
                (void)fprintf(to, "%.9g %.9g %.9g %.9g\n", x, median(c) / p->y_unit,
                              rank(c, 10) / p->y_unit, rank(c, 90) / p->y_unit);
        }
        (void)fputs("EOD\n", to);
    }
}

static void commands(const struct picture *p, FILE *to)
{
    bool lines = is_number(p->x_kind), several = p->dot_n > p->x.n * p->by.n;

    axis(to, 'x', p->o->x, p->x_name);
    axis(to, 'y', p->o->y, p->y_name);
    if (p->by.n == 1 && p->o->by == NULL)
        (void)fputs("unset key\n", to);
    (void)fputs(lines ? "set offsets graph 0.02, graph 0.02, graph 0.05, 0\n"
                      : "set yrange [0:*]\nunset xtics\nset xtics scale 0\n", to);
    for (unsigned i = 0; !lines && i < p->x.n; i++) {
        (void)fputs(i == 0 ? "set xtics (" : ", ", to);
        sim_gnuplot_text(to, p->x.v[i]);
        (void)fprintf(to, " %u%s", i, i + 1 == p->x.n ? ")\n" : "");
    }
    if (!lines)
        (void)fprintf(to, "set xrange [-0.6:%g]\nset boxwidth %g\n", p->x.n - .4, .7 / p->by.n);
    for (unsigned b = 0; b < p->by.n; b++) {
        (void)fprintf(to, "%s$line%u using 1:2 with %s lt %u title ", b == 0 ? "plot " : ", ", b,
                      lines ? "linespoints" : "boxes", b + 1);
        sim_gnuplot_text(to, p->by.v[b]);
        /* bars, as lines with a dash at each end */
        if (several)
            (void)fprintf(to, ", $line%u using 1:3:(0):($4-$3) with vectors heads size graph "
                              "0.006,90 lw 1.5 lc rgb '%s' notitle",
                          b, lines ? color(b) : "black");
    }
    (void)fputc('\n', to);
}

static bool draw(struct picture *p)
{
    double most = 0, x_most = 0;
    FILE *to;

    for (unsigned i = 0; i < p->dot_n; i++)
        most = p->dot[i].y > most ? p->dot[i].y : most;
    for (unsigned i = 0; i < p->x.n; i++)
        x_most = number(p->x.v[i]) > x_most ? number(p->x.v[i]) : x_most;
    p->y_unit = sim_gnuplot_unit(p->y_kind, most, &p->y_name);
    p->x_unit = sim_gnuplot_unit(p->x_kind, x_most, &p->x_name);
    to = sim_gnuplot_open(p->o->plot);
    if (to == NULL)
        return false;
    data(p, to);
    commands(p, to);
    return sim_gnuplot_close(to, p->o->plot);
}

bool sim_plot_sweep(const struct sim_runs *runs, const struct sim_store *store)
{
    struct picture p = {.o = runs->o, .y_kind = y_kind(runs)};
    bool good = read_dots(&p, store);

    if (good) {
        gather(&p);
        good = draw(&p);
    }
    for (unsigned i = 0; p.cloud != NULL && i < p.x.n * p.by.n; i++)
        free(p.cloud[i].y);
    free(p.cloud);
    free(p.dot);
    free(p.x.v);
    free(p.by.v);
    return good;
}
