/* SPDX-License-Identifier: Apache-2.0 */
/* `plait sim FILE.sim`'s options. Each mistake is told with the argument that is wrong and what
 * would be right. */
#include "sim_options.h"

#include "plugin.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_SET = 256,
    OPT_SWEEP,
    OPT_SEED,
    OPT_JSON,
    OPT_TRACE,
    OPT_PCAP,
    OPT_PLOT,
    OPT_X,
    OPT_Y,
    OPT_BY,
    OPT_CHECK,
    OPT_CC,
    OPT_SCHED,
    OPT_PM,
};

static const struct option long_options[] = {
    {"set", required_argument, NULL, OPT_SET},
    {"sweep", required_argument, NULL, OPT_SWEEP},
    {"seed", required_argument, NULL, OPT_SEED},
    {"jobs", required_argument, NULL, 'j'},
    {"out", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, OPT_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"check", no_argument, NULL, OPT_CHECK},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"pcap", required_argument, NULL, OPT_PCAP},
    {"plot", required_argument, NULL, OPT_PLOT},
    {"x", required_argument, NULL, OPT_X},
    {"y", required_argument, NULL, OPT_Y},
    {"by", required_argument, NULL, OPT_BY},
    {"cc", required_argument, NULL, OPT_CC},
    {"sched", required_argument, NULL, OPT_SCHED},
    {"pm", required_argument, NULL, OPT_PM},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "Usage: plait sim [OPTION...] FILE.sim\n"
    "       plait sim run [OPTION...] SCRIPT.pkt...      (plait sim run --help)\n"
    "Runs a scenario in virtual time: networks, connections and what happens to them, as the file\n"
    "says. The same file, parameters and seed give the same result on every machine.\n\n"
    "      --set KEY=VALUE     another value for a parameter of the scenario\n"
    "      --seed N            of everything that is drawn at random (default: the file's, or 1)\n"
    "      --sweep KEY=LIST    a run for each value: a,b,c or 1..10 or 10ms..50ms..10ms or\n"
    "                          1mbit..64mbit..*2, each twice the last; KEY may be seed; with\n"
    "                          several --sweep each value meets each other one\n"
    "  -j, --jobs N            so many runs at a time (default: one for each processor)\n"
    "  -o, --out FILE          a line of JSON for each run; what is there is not run again\n"
    "      --json              the same on standard output\n"
    "      --plot FILE.svg|png --y RESULT [--x KEY] [--by KEY]\n"
    "                          RESULT over KEY, a line for each value of the other KEY, median\n"
    "                          and spread of several runs; without --x, of one run: cwnd, rtt\n"
    "                          or rate of each subflow over time (needs gnuplot)\n"
    "      --trace FILE        what happened, as lines of JSON like those of qlog; one run only\n"
    "      --pcap FILE         the packets, as pcapng; one run only\n"
    "      --cc, --sched, --pm FILE.so\n"
    "                          a policy of one's own, for flows that name it `own`\n"
    "      --check             read the scenario, and run nothing\n"
    "  -q, --quiet             no progress\n"
    "  -h, --help              this text\n\n"
    "Under mpirun the runs of a sweep are shared by all ranks, if plait was built with -Dmpi.\n\n"
    "Exit status: 0 all runs were made, 1 one could not be, 2 usage, or a scenario that cannot be\n"
    "read or makes no sense, 128 + N ended by signal N. See plait-sim(1) and doc/scenario.md.\n\n"
    "Examples:\n"
    "  plait sim two.sim\n"
    "  plait sim two.sim --set cc=olia --json\n"
    "  plait sim two.sim --sweep cc=reno,lia,olia --sweep seed=1..10 --out two.jsonl\n"
    "  plait sim two.sim --sweep c2=2mbit..16mbit..2mbit --sweep seed=1..5 --sweep cc=lia,olia \\\n"
    "                    --out c2.jsonl --plot c2.svg --x c2 --by cc --y share\n"
    "  plait sim two.sim --plot cwnd.png --y cwnd\n"
    "  mpirun -n 64 plait sim two.sim --sweep seed=1..1000 --out two.jsonl\n";

#define bad(...) args_bad("sim", __VA_ARGS__)

/* "KEY=VALUE" is cut. */
static enum args_verdict take_set(struct sim_options *o, char *arg)
{
    char *equals = strchr(arg, '=');

    if (equals == NULL || equals == arg || equals[1] == '\0')
        return bad("--set %s: it has to be KEY=VALUE, as in cc=lia", arg);
    if (o->set_n == SIM_SETS_MAX)
        return bad("at most %d --set", SIM_SETS_MAX);
    *equals = '\0';
    o->set[o->set_n++] = (struct sim_scn_set){arg, equals + 1};
    return ARGS_OK;
}

static enum args_verdict take_sweep(struct sim_options *o, const char *arg)
{
    const char *equals = strchr(arg, '=');

    if (equals == NULL || equals == arg || equals[1] == '\0')
        return bad("--sweep %s: it has to be KEY=LIST, as in cc=reno,lia or seed=1..10", arg);
    if (o->sweep_n == SIM_SWEEPS_MAX)
        return bad("at most %d --sweep", SIM_SWEEPS_MAX);
    o->sweep[o->sweep_n++] = arg;
    return ARGS_OK;
}

static enum args_verdict take_number(const char *option, const char *arg, uint64_t max,
                                     uint64_t *out)
{
    const char *end = args_digits(arg, 10, out);

    if (end == NULL || *end != '\0' || *out > max)
        return bad("%s %s: it has to be a whole number up to %llu", option, arg,
                   (unsigned long long)max);
    return ARGS_OK;
}

static enum args_verdict take_jobs(struct sim_options *o, const char *arg)
{
    uint64_t n;
    enum args_verdict verdict = take_number("--jobs", arg, SIM_JOBS_MAX, &n);

    o->jobs = (unsigned)n;
    return verdict == ARGS_OK && n == 0 ? bad("--jobs 0: at least one") : verdict;
}

static enum args_verdict take_own(struct sim_options *o, const char *kind, const char *arg)
{
    if (!plugin_is_path(arg))
        return bad("--%s %s: it has to be a path, as ./mine.so; the scenario names the policies of "
                   "plait", kind, arg);
    return plugin_load("sim", kind, arg, &o->own);
}

/* Options that keep their argument as it is. */
static bool take_text(struct sim_options *o, int option, const char *arg)
{
    switch (option) {
    case 'o': o->out = arg; return true;
    case OPT_TRACE: o->trace = arg; return true;
    case OPT_PCAP: o->pcap = arg; return true;
    case OPT_PLOT: o->plot = arg; return true;
    case OPT_X: o->x = arg; return true;
    case OPT_Y: o->y = arg; return true;
    case OPT_BY: o->by = arg; return true;
    default: return false;
    }
}

static enum args_verdict take_option(struct sim_options *o, int option, char **argv)
{
    switch (option) {
    case OPT_SET: return take_set(o, optarg);
    case OPT_SWEEP: return take_sweep(o, optarg);
    case OPT_SEED: o->seed_given = true; return take_number("--seed", optarg, 1000000000, &o->seed);
    case 'j': return take_jobs(o, optarg);
    case OPT_JSON: o->json = true; return ARGS_OK;
    case 'q': o->quiet = true; return ARGS_OK;
    case OPT_CHECK: o->check = true; return ARGS_OK;
    case OPT_CC: return take_own(o, "cc", optarg);
    case OPT_SCHED: return take_own(o, "sched", optarg);
    case OPT_PM: return take_own(o, "pm", optarg);
    case 'h': (void)fputs(usage, stdout); return ARGS_DONE;
    default: return take_text(o, option, optarg) ? ARGS_OK : args_bad_option("sim", option, argv);
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && strcmp(text + n - m, end) == 0;
}

/* What cannot be together. */
static enum args_verdict check(const struct sim_options *o)
{
    if (o->plot == NULL && (o->x != NULL || o->y != NULL || o->by != NULL))
        return bad("--x, --y and --by say what is to be plotted: --plot FILE is missing");
    if (o->plot != NULL && !ends_with(o->plot, ".svg") && !ends_with(o->plot, ".png"))
        return bad("--plot %s: its name has to end in .svg or .png", o->plot);
    if (o->plot != NULL && o->y == NULL)
        return bad("--plot %s: what is to be plotted is missing, as --y share", o->plot);
    if (o->by != NULL && o->x == NULL)
        return bad("--by %s: --x KEY is missing", o->by);
    if (o->sweep_n > 0 && (o->trace != NULL || o->pcap != NULL))
        return bad("--trace and --pcap are for one run");
    if (o->plot != NULL && o->x == NULL && o->sweep_n > 0)
        return bad("--plot %s: over what? --x KEY is missing", o->plot);
    if (o->plot != NULL && o->x == NULL && strcmp(o->y, "cwnd") != 0 && strcmp(o->y, "rtt") != 0 &&
        strcmp(o->y, "rate") != 0)
        return bad("--y %s: over time there are cwnd, rtt and rate; else --x KEY is missing", o->y);
    return ARGS_OK;
}

enum args_verdict sim_options_parse(struct sim_options *o, int argc, char **argv)
{
    enum args_verdict verdict = ARGS_OK;
    int option;

    *o = (struct sim_options){0};
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":j:o:qh", long_options, NULL)) != -1) {
        verdict = take_option(o, option, argv);
        if (verdict != ARGS_OK)
            return verdict;
    }
    if (optind == argc)
        return bad("no scenario was named");
    if (argc - optind > 1)
        return bad("one scenario at a time; unexpected '%s'", argv[optind + 1]);
    o->file = argv[optind];
    return check(o);
}
