/* SPDX-License-Identifier: Apache-2.0 */
/* `plait perf`'s options. Each mistake is told with the argument that is wrong and what would be
 * right. */
#include "perf_options.h"

#include "policy.h"
#include "sched/sched.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_PATH = 256,
    OPT_BIDIR,
    OPT_RR,
    OPT_CRR,
    OPT_CUT,
    OPT_STACK,
    OPT_CHECKSUM,
    OPT_JSON,
    OPT_JSON_STREAM,
    OPT_DRIVER,
    OPT_SPIN,
    OPT_SCHED,
    OPT_PM,
    OPT_LIMITS,
    OPT_QUEUES,
    OPT_THREADS,
};

static const struct option long_options[] = {
    {"server", no_argument, NULL, 's'},
    {"one", no_argument, NULL, '1'},
    {"time", required_argument, NULL, 't'},
    {"bytes", required_argument, NULL, 'n'},
    {"reverse", no_argument, NULL, 'R'},
    {"bidir", no_argument, NULL, OPT_BIDIR},
    {"parallel", required_argument, NULL, 'P'},
    {"rr", required_argument, NULL, OPT_RR},
    {"crr", required_argument, NULL, OPT_CRR},
    {"cut", required_argument, NULL, OPT_CUT},
    {"stack", required_argument, NULL, OPT_STACK},
    {"cc", required_argument, NULL, 'C'},
    {"sched", required_argument, NULL, OPT_SCHED},
    {"pm", required_argument, NULL, OPT_PM},
    {"limits", required_argument, NULL, OPT_LIMITS},
    {"checksum", no_argument, NULL, OPT_CHECKSUM},
    {"path", required_argument, NULL, OPT_PATH},
    {"driver", required_argument, NULL, OPT_DRIVER},
    {"queues", required_argument, NULL, OPT_QUEUES},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"spin", required_argument, NULL, OPT_SPIN},
    {"interval", required_argument, NULL, 'i'},
    {"json", no_argument, NULL, OPT_JSON},
    {"json-stream", no_argument, NULL, OPT_JSON_STREAM},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "Usage: plait perf -s [OPTION...] [HOST] PORT\n"
    "       plait perf [OPTION...] HOST PORT\n"
    "Measures a Multipath TCP connection: the server (-s) takes tests until it is interrupted, the "
    "client\n"
    "makes one. HOST is an IPv4 or IPv6 address or a name.\n"
    "\n"
    "  -s, --server             take tests\n"
    "  -1, --one                end after one test (server)\n"
    "  -t, --time T             test for so long: 10, 2.5s, 300ms, 2min (default 10)\n"
    "  -n, --bytes N            test so many bytes, with k, M or G; requests with --rr and --crr\n"
    "  -R, --reverse            the server sends\n"
    "      --bidir              both send, each on connections of its own\n"
    "  -P, --parallel N         so many connections side by side (default 1)\n"
    "      --rr SIZE            request and response of SIZE bytes on one connection, over and "
    "over\n"
    "      --crr SIZE           connect, request, response, close, over and over\n"
    "      --cut IF@T           lose every packet of this interface from T on (kernel: link down)\n"
    "      --stack NAME         plait (default), kernel-mptcp or kernel-tcp\n"
    "  -C, --cc NAME            congestion control (plait: see below)\n"
    "      --sched NAME         which path carries what this side sends: see below (plait)\n"
    "      --pm NAME            which subflows are opened: see below (plait)\n"
    "      --limits N[,M]       at most N subflows beyond the first, M addresses of the peer's "
    "(plait)\n"
    "      --checksum           protect the data with MPTCP's checksums (plait)\n"
    "      --path IF[=ADDR][,backup]\n"
    "                           use this interface (and address); repeat for each path (plait)\n"
    "      --driver NAME        how packets come: auto (default), afpacket, afpacket-ring, tun "
    "(plait)\n"
    "      --queues N           of each device, with --driver tun\n"
    "      --threads N          so many threads, each with its part of the connections (default "
    "1)\n"
    "      --spin US            look so long for an answer before sleeping, while it pays (plait)\n"
    "  -4, -6                   use only IPv4, only IPv6\n"
    "  -i, --interval T         time between lines (default 1)\n"
    "      --json               one JSON object at the end in place of text\n"
    "      --json-stream        and one for each interval\n"
    "  -h, --help               this text\n"
    "\n"
    "Examples:\n"
    "  plait perf -s 5201                                 the server\n"
    "  plait perf 192.0.2.7 5201                          ten seconds to it, over every path\n"
    "  plait perf -R -P 4 -t 30 192.0.2.7 5201            from it, by four connections\n"
    "  plait perf --rr 64 192.0.2.7 5201                  how long an answer takes\n"
    "  plait perf --stack kernel-mptcp 192.0.2.7 5201     the kernel's MPTCP to the same server\n"
    "  plait perf --cut wlan0@5 192.0.2.7 5201            how long a dead path is felt\n"
    "\n"
    "Exit status: 0 done, 1 the test failed, 2 usage, 4 no permission, 124 timeout,\n"
    "128 + N ended by signal N. See plait-perf(1).\n";

#define bad(...) args_bad("perf", __VA_ARGS__)

bool perf_parse_cut(const char *text, char ifname[IF_NAMESIZE], plait_time *at)
{
    const char *sign = strrchr(text, '@');
    size_t len = sign ? (size_t)(sign - text) : 0;

    if (len == 0 || len >= IF_NAMESIZE)
        return false;
    memcpy(ifname, text, len);
    ifname[len] = '\0';
    return args_duration(sign + 1, at);
}

static const char *const stacks[] = {
    [PERF_STACK_PLAIT] = "plait",
    [PERF_STACK_KERNEL_MPTCP] = "kernel-mptcp",
    [PERF_STACK_KERNEL_TCP] = "kernel-tcp",
};

const char *perf_stack_name(enum perf_stack stack)
{
    return stacks[stack];
}

static enum args_verdict take_stack(struct perf_options *o, const char *arg)
{
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++)
        if (strcmp(stacks[i], arg) == 0) {
            o->stack = (enum perf_stack)i;
            return ARGS_OK;
        }
    return bad("--stack %s: it has to be plait, kernel-mptcp or kernel-tcp", arg);
}

static enum args_verdict take_duration(const char *option, const char *arg, plait_time *out)
{
    if (args_duration(arg, out) && *out > 0 && *out <= PERF_DURATION_MAX)
        return ARGS_OK;
    return bad("%s %s: it has to be a time, as in 5, 2.5s, 300ms or 2min, and at most a day",
               option, arg);
}

static enum args_verdict take_requests(struct perf_options *o, enum perf_mode mode, const char *arg)
{
    uint64_t size;

    if (o->mode != PERF_BULK)
        return bad("--rr and --crr exclude each other");
    if (!args_amount(arg, &size) || size > PERF_SIZE_MAX)
        return bad("--%s %s: it has to be a size from 1 to 1G", mode == PERF_RR ? "rr" : "crr",
                   arg);
    o->mode = mode;
    o->size = (uint32_t)size;
    return ARGS_OK;
}

static enum args_verdict take_parallel(struct perf_options *o, const char *arg)
{
    uint64_t n;

    if (!args_amount(arg, &n) || n > PERF_PARALLEL_MAX)
        return bad("--parallel %s: it has to be a number from 1 to %d", arg, PERF_PARALLEL_MAX);
    o->parallel = (uint32_t)n;
    return ARGS_OK;
}

static enum args_verdict take_threads(struct perf_options *o, const char *arg)
{
    uint64_t n;

    if (!args_amount(arg, &n) || n > PERF_THREADS_MAX)
        return bad("--threads %s: it has to be a number from 1 to %d", arg, PERF_THREADS_MAX);
    o->threads = (unsigned)n;
    return ARGS_OK;
}

static enum args_verdict take_amount(struct perf_options *o, const char *arg)
{
    if (args_amount(arg, &o->amount))
        return ARGS_OK;
    return bad("--bytes %s: it has to be a number from 1 on, as in 4096, 64k, 10M or 2G", arg);
}

static enum args_verdict take_cut(struct perf_options *o, const char *arg)
{
    if (perf_parse_cut(arg, o->cut, &o->cut_at))
        return ARGS_OK;
    return bad("--cut %s: it has to be IFNAME@SECONDS, as in wlan0@5", arg);
}

static enum args_verdict take_flag(struct perf_options *o, int option)
{
    switch (option) {
    case 's':
        o->serving = o->paths.listening = true;
        break;
    case '1':
        o->once = true;
        break;
    case 'R':
        o->reverse = true;
        break;
    case '4':
        o->paths.family = 4;
        break;
    case '6':
        o->paths.family = 6;
        break;
    case OPT_BIDIR:
        o->bidir = true;
        break;
    case OPT_CHECKSUM:
        o->checksum = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case OPT_JSON_STREAM:
        o->json = o->json_stream = true;
        break;
    default:
        break;
    }
    return ARGS_OK;
}

static enum args_verdict take_option(struct perf_options *o, int option, char **argv)
{
    switch (option) {
    case 'h':
        (void)fputs(usage, stdout);
        policy_help();
        return ARGS_DONE;
    case 't':
        return take_duration("--time", optarg, &o->duration);
    case 'i':
        return take_duration("--interval", optarg, &o->interval);
    case 'n':
        return take_amount(o, optarg);
    case 'P':
        return take_parallel(o, optarg);
    case 'C':
        o->cc = optarg;
        return ARGS_OK;
    case OPT_SCHED:
        return policy_sched("perf", optarg, &o->conn);
    case OPT_PM:
        o->path_options = true;
        return policy_pm("perf", optarg, &o->conn);
    case OPT_LIMITS:
        o->path_options = true;
        return policy_limits("perf", optarg, &o->conn);
    case OPT_RR:
        return take_requests(o, PERF_RR, optarg);
    case OPT_CRR:
        return take_requests(o, PERF_CRR, optarg);
    case OPT_CUT:
        return take_cut(o, optarg);
    case OPT_STACK:
        return take_stack(o, optarg);
    case OPT_PATH:
        return args_path("perf", optarg, &o->paths);
    case OPT_DRIVER:
        return args_driver("perf", optarg, &o->driver);
    case OPT_QUEUES:
        return args_queues("perf", optarg, &o->queues);
    case OPT_THREADS:
        return take_threads(o, optarg);
    case OPT_SPIN:
        return args_spin("perf", optarg, &o->spin);
    case ':':
    case '?':
        return args_bad_option("perf", option, argv);
    default:
        return take_flag(o, option);
    }
}

static enum args_verdict take_words(struct perf_options *o, int n, char **words)
{
    struct args_place place = {.serving = o->serving};
    enum args_verdict verdict = args_place("perf", n, words, &place);

    o->host = place.host;
    o->port = place.port;
    return verdict;
}

/* What only the side that makes the test decides. */
static bool asks_for_test(const struct perf_options *o)
{
    return o->reverse || o->bidir || o->mode != PERF_BULK || o->parallel > 1 || o->amount > 0 ||
           o->duration > 0;
}

static enum args_verdict check_stack(struct perf_options *o)
{
    if (o->stack == PERF_STACK_PLAIT)
        return policy_cc("perf", o->cc, &o->conn);
    if (!o->paths.automatic)
        return bad("--path is for --stack plait; the kernel's paths are those of `ip mptcp "
                   "endpoint`");
    if (o->driver != NULL || o->spin > 0 || o->queues > 0)
        return bad("--driver, --queues and --spin are for --stack plait");
    if (o->path_options)
        return bad("--pm and --limits are for --stack plait; for the kernel see `ip mptcp`");
    if (o->conn.sched != sched_at(0)->name || o->conn.own_sched != NULL)
        return bad("--sched is for --stack plait; for the kernel set net.mptcp.scheduler");
    if (o->checksum)
        return bad("--checksum is for --stack plait; for the kernel set "
                   "net.mptcp.checksum_enabled");
    return ARGS_OK;
}

/* Options that make no sense together. */
static enum args_verdict check(struct perf_options *o)
{
    if (o->serving && asks_for_test(o))
        return bad("the client says what is tested: -s takes no -t, -n, -R, --bidir, -P, --rr or "
                   "--crr");
    if (!o->serving && o->once)
        return bad("--one is for the server (-s)");
    if (o->amount > 0 && o->duration > 0)
        return bad("--bytes and --time exclude each other");
    if (o->reverse && o->bidir)
        return bad("--reverse and --bidir exclude each other");
    if (o->mode != PERF_BULK && (o->reverse || o->bidir))
        return bad("--rr and --crr go both ways: no --reverse or --bidir with them");
    if (o->bidir && o->parallel > PERF_PARALLEL_MAX / 2)
        return bad("--parallel %u: with --bidir the limit is %d", o->parallel,
                   PERF_PARALLEL_MAX / 2);
    if (!o->serving && o->threads > o->parallel)
        return bad("--threads %u: each needs a connection: --parallel %u or more", o->threads,
                   o->threads);
    if (o->amount > 0 && o->amount < o->parallel)
        return bad("--bytes: there are fewer than connections");
    if (o->amount == 0 && o->duration == 0)
        o->duration = 10 * PLAIT_SEC;
    return check_stack(o);
}

enum args_verdict perf_options_parse(struct perf_options *o, int argc, char **argv)
{
    struct plait_config defaults;
    enum args_verdict verdict;
    int option;

    memset(o, 0, sizeof *o);
    o->mode = PERF_BULK;
    o->interval = PLAIT_SEC;
    o->parallel = o->threads = 1;
    o->cc = "cubic";
    plait_config_init(&defaults);
    o->conn = defaults.conn;
    o->conn.sched = sched_at(0)->name;
    o->paths.automatic = true;
    opterr = 0;
    optind = 0; /* glibc: start afresh, also in the middle of a word */
    while ((option = getopt_long(argc, argv, ":s1t:n:RP:C:46i:h", long_options, NULL)) != -1) {
        verdict = take_option(o, option, argv);
        if (verdict != ARGS_OK)
            return verdict;
    }
    verdict = take_words(o, argc - optind, argv + optind);
    return verdict == ARGS_OK ? check(o) : verdict;
}

uint64_t perf_options_share(const struct perf_options *o, uint32_t i)
{
    return o->amount / o->parallel + (i < o->amount % o->parallel ? 1 : 0);
}

struct perf_options perf_options_part(const struct perf_options *o, unsigned i)
{
    struct perf_options part = *o;
    uint32_t each = o->parallel / o->threads, more = o->parallel % o->threads;
    uint32_t first = i * each + (i < more ? i : more);

    part.thread = i;
    if (o->serving)
        return part;
    part.parallel = each + (i < more ? 1 : 0);
    part.amount = 0;
    for (uint32_t c = first; c < first + part.parallel; c++)
        part.amount += perf_options_share(o, c);
    return part;
}
