/* SPDX-License-Identifier: Apache-2.0 */
/* `plait cat`'s options. Each mistake is told with the argument that is wrong and what would be
 * right. */
#include "cat_options.h"

#include "driver/addr.h"
#include "policy.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_PATH = 256,
    OPT_DRIVER,
    OPT_SPIN,
    OPT_QUEUES,
    OPT_ANNOUNCE,
    OPT_CHECKSUM,
    OPT_CC,
    OPT_SCHED,
    OPT_PM,
    OPT_LIMITS,
    OPT_ECN,
    OPT_REQUIRE,
    OPT_NO_MPTCP,
    OPT_NODELAY,
    OPT_CONNECT_TIMEOUT,
    OPT_USER_TIMEOUT,
    OPT_PCAP,
    OPT_STATS,
    OPT_STATUS,
    OPT_CONTROL,
    OPT_SERVER_JOINS,
    OPT_NO_OFFLOAD,
    OPT_BUFFER,
    OPT_VERSION,
    OPT_FASTOPEN,
    OPT_COOKIE,
};

static const struct option long_options[] = {
    {"listen", no_argument, NULL, 'l'},
    {"source-port", required_argument, NULL, 'p'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"path", required_argument, NULL, OPT_PATH},
    {"driver", required_argument, NULL, OPT_DRIVER},
    {"queues", required_argument, NULL, OPT_QUEUES},
    {"spin", required_argument, NULL, OPT_SPIN},
    {"announce", required_argument, NULL, OPT_ANNOUNCE},
    {"checksum", no_argument, NULL, OPT_CHECKSUM},
    {"ecn", no_argument, NULL, OPT_ECN},
    {"fastopen", no_argument, NULL, OPT_FASTOPEN},
    {"cookie", required_argument, NULL, OPT_COOKIE},
    {"cc", required_argument, NULL, OPT_CC},
    {"sched", required_argument, NULL, OPT_SCHED},
    {"pm", required_argument, NULL, OPT_PM},
    {"limits", required_argument, NULL, OPT_LIMITS},
    {"require-mptcp", no_argument, NULL, OPT_REQUIRE},
    {"no-mptcp", no_argument, NULL, OPT_NO_MPTCP},
    {"mptcp-version", required_argument, NULL, OPT_VERSION},
    {"nodelay", no_argument, NULL, OPT_NODELAY},
    {"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
    {"user-timeout", required_argument, NULL, OPT_USER_TIMEOUT},
    {"server-joins", no_argument, NULL, OPT_SERVER_JOINS},
    {"no-offload", no_argument, NULL, OPT_NO_OFFLOAD},
    {"buffer", required_argument, NULL, OPT_BUFFER},
    {"pcap", required_argument, NULL, OPT_PCAP},
    {"stats", no_argument, NULL, OPT_STATS},
    {"status", required_argument, NULL, OPT_STATUS},
    {"control", required_argument, NULL, OPT_CONTROL},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "Usage: plait cat [OPTION...] HOST PORT\n"
    "       plait cat -l [OPTION...] [HOST] PORT\n"
    "Sends standard input to a Multipath TCP connection and writes what it receives to standard "
    "output.\n"
    "HOST is an IPv4 or IPv6 address or a name.\n"
    "\n"
    "  -l, --listen             wait for one connection instead of making one\n"
    "      --path IF[=ADDR][,backup]\n"
    "                           use this interface (and address); repeat for each path. Default: "
    "every\n"
    "                           interface that is up and has a route to HOST\n"
    "      --announce ADDR[:PORT]\n"
    "                           tell the peer of this address of ours, and of no other; "
    "repeatable\n"
    "  -4, -6                   use only IPv4, only IPv6\n"
    "  -p, --source-port PORT   connect from this port\n"
    "      --require-mptcp      fail when the peer speaks only plain TCP\n"
    "      --no-mptcp           speak plain TCP\n"
    "      --mptcp-version V    offer version 1 (default), 0, or both: 1, and 0 where that gets no "
    "answer;\n"
    "                           listening: take only 1, only 0, or both (default)\n"
    "      --checksum           protect the data with MPTCP's checksums\n"
    "      --cc NAME            congestion control: see below\n"
    "      --sched NAME         which path carries what is to be sent: see below\n"
    "      --pm NAME            which subflows are opened: see below; ndiffports:N, "
    "on-demand:BYTES,TIME\n"
    "      --limits N[,M]       at most N subflows beyond the first (default 7), M addresses of "
    "the peer's (8)\n"
    "      --ecn                let routers mark packets instead of dropping them\n"
    "      --fastopen           Fast Open: data in the first packet, for requests that may be "
    "repeated\n"
    "      --cookie FILE        keep the server's Fast Open cookie in FILE for the next time\n"
    "      --nodelay            send small writes at once\n"
    "      --server-joins       let the accepting side open subflows too\n"
    "      --buffer BYTES       largest send and receive buffer, with k, M or G (default 8M)\n"
    "      --connect-timeout T  give up connecting after T (5, 2.5s, 300ms, 2min)\n"
    "      --user-timeout T     give up when nothing is acknowledged for T\n"
    "      --driver NAME        how packets come: auto (default), afpacket, afpacket-ring or tun\n"
    "      --queues N           of each device, with --driver tun\n"
    "      --spin US            look so long for packets before sleeping, while it pays\n"
    "      --no-offload         send one packet at a time and compute checksums here\n"
    "  -v, --verbose            tell each subflow's life on standard error; -vv: losses and "
    "timeouts too\n"
    "      --pcap FILE          write all packets sent and received to FILE (pcapng)\n"
    "      --stats              end with one line of JSON on standard error\n"
    "      --status FILE[=MS]   write a line of JSON every MS milliseconds (default 100); FILE or "
    "fd:N\n"
    "      --control FIFO       take commands while running; a fifo or fd:N\n"
    "  -h, --help               this text\n"
    "\n"
    "Examples:\n"
    "  plait cat -l 5000 > copy.iso                           receive a file\n"
    "  plait cat 192.0.2.7 5000 < file.iso                    send it over every way there is\n"
    "  plait cat --path eth0 --path wwan0,backup host 5000    over the cable, mobile as a backup\n"
    "  plait cat --driver tun --path tun0=10.9.0.2 host 5000  from an address of its own, routed "
    "by the host\n"
    "  plait cat -v --require-mptcp --stats host 5000 < file  and tell what happened\n"
    "\n"
    "Exit status: 0 done, 1 connection failed or was reset, 2 usage, 3 the peer speaks only plain "
    "TCP,\n"
    "4 no permission, 124 timeout. See plait-cat(1).\n";

#define bad(...) args_bad("cat", __VA_ARGS__)

static enum args_verdict take_announce(struct cat_options *o, const char *arg)
{
    if (o->paths.announce_n == DRV_ANNOUNCE_MAX)
        return bad("--announce %s: too many addresses, the limit is %d", arg, DRV_ANNOUNCE_MAX);
    if (!drv_addr_parse(arg, &o->paths.announce[o->paths.announce_n]))
        return bad("--announce %s: it has to be an address, as in 192.0.2.7, 192.0.2.7:81 or "
                   "[2001:db8::7]:81",
                   arg);
    o->paths.announce_n++;
    return ARGS_OK;
}

static enum args_verdict take_version(struct cat_options *o, const char *arg)
{
    static const struct {
        const char *name;
        uint8_t set;
    } versions[] = {
        {"0", PLAIT_MPTCP_V0},
        {"1", PLAIT_MPTCP_V1},
        {"both", PLAIT_MPTCP_V0 | PLAIT_MPTCP_V1},
    };
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (strcmp(versions[i].name, arg) == 0) {
            o->conn.offer_versions = o->conn.accept_versions = versions[i].set;
            return ARGS_OK;
        }
    return bad("--mptcp-version %s: it has to be 0, 1 or both", arg);
}

static enum args_verdict take_duration(const char *option, const char *arg, plait_time *out)
{
    if (args_duration(arg, out) && *out > 0)
        return ARGS_OK;
    return bad("%s %s: it has to be a time, as in 5, 2.5s, 300ms or 2min", option, arg);
}

/* FILE[=MS]. The file's name may have a '=' in it, where no number follows the last one. */
static enum args_verdict take_status(struct cat_options *o, char *arg)
{
    char *eq = strrchr(arg, '=');
    uint64_t ms = 0;
    const char *end = eq ? args_digits(eq + 1, 7, &ms) : NULL;

    o->status = arg;
    if (!end || *end != '\0')
        return ARGS_OK;
    if (ms == 0)
        return bad("--status %s: the time between lines has to be at least 1 millisecond", arg);
    *eq = '\0';
    o->status_every = ms * PLAIT_MSEC;
    return ARGS_OK;
}

static enum args_verdict take_port(const char *what, const char *arg, uint16_t *port)
{
    if (drv_addr_parse_port(arg, port))
        return ARGS_OK;
    return bad("%s '%s': it has to be a number from 1 to 65535", what, arg);
}

static enum args_verdict take_flag(struct cat_options *o, int option)
{
    switch (option) {
    case 'l':
        o->listening = o->paths.listening = true;
        break;
    case '4':
        o->paths.family = 4;
        break;
    case '6':
        o->paths.family = 6;
        break;
    case 'v':
        o->verbose++;
        break;
    case OPT_CHECKSUM:
        o->conn.checksum = true;
        break;
    case OPT_REQUIRE:
        o->conn.require_mptcp = true;
        break;
    case OPT_NO_MPTCP:
        o->conn.mptcp = false;
        break;
    case OPT_ECN:
        o->conn.ecn = PLAIT_ECN_ON;
        break;
    case OPT_FASTOPEN:
        o->conn.fastopen = true;
        break;
    case OPT_NODELAY:
        o->conn.nodelay = true;
        break;
    case OPT_SERVER_JOINS:
        o->conn.server_joins = true;
        break;
    case OPT_NO_OFFLOAD:
        o->offload = false;
        break;
    case OPT_STATS:
        o->stats = true;
        break;
    default:
        break;
    }
    return ARGS_OK;
}

static enum args_verdict take_buffer(struct cat_options *o, const char *arg)
{
    uint64_t amount;
    uint32_t bytes;

    if (!args_amount(arg, &amount) || amount < 4096 || amount > 1u << 30)
        return bad("--buffer %s: it has to be a size from 4k to 1G", arg);
    bytes = (uint32_t)amount;
    o->conn.sndbuf_max = o->conn.rcvbuf_max = bytes;
    if (o->conn.rcvbuf_init > bytes)
        o->conn.rcvbuf_init = bytes;
    return ARGS_OK;
}

static enum args_verdict take_option(struct cat_options *o, int option, char **argv)
{
    switch (option) {
    case 'h':
        (void)fputs(usage, stdout);
        policy_help();
        return ARGS_DONE;
    case 'p':
        return take_port("--source-port", optarg, &o->source_port);
    case OPT_PATH:
        return args_path("cat", optarg, &o->paths);
    case OPT_DRIVER:
        return args_driver("cat", optarg, &o->driver);
    case OPT_QUEUES:
        return args_queues("cat", optarg, &o->queues);
    case OPT_SPIN:
        return args_spin("cat", optarg, &o->spin);
    case OPT_ANNOUNCE:
        return take_announce(o, optarg);
    case OPT_CC:
        return policy_cc("cat", optarg, &o->conn);
    case OPT_SCHED:
        return policy_sched("cat", optarg, &o->conn);
    case OPT_PM:
        return policy_pm("cat", optarg, &o->conn);
    case OPT_LIMITS:
        return policy_limits("cat", optarg, &o->conn);
    case OPT_VERSION:
        return take_version(o, optarg);
    case OPT_BUFFER:
        return take_buffer(o, optarg);
    case OPT_CONNECT_TIMEOUT:
        return take_duration("--connect-timeout", optarg, &o->connect_timeout);
    case OPT_USER_TIMEOUT:
        return take_duration("--user-timeout", optarg, &o->conn.user_timeout);
    case OPT_STATUS:
        return take_status(o, optarg);
    case OPT_PCAP:
        o->pcap = optarg;
        return ARGS_OK;
    case OPT_CONTROL:
        o->control = optarg;
        return ARGS_OK;
    case OPT_COOKIE:
        o->cookie = optarg;
        return ARGS_OK;
    case ':':
    case '?':
        return args_bad_option("cat", option, argv);
    default:
        return take_flag(o, option);
    }
}

static enum args_verdict take_words(struct cat_options *o, int n, char **words)
{
    struct args_place place = {.serving = o->listening};
    enum args_verdict verdict = args_place("cat", n, words, &place);

    o->host = place.host;
    o->port = place.port;
    return verdict;
}

/* Options that make no sense together. */
static enum args_verdict check(const struct cat_options *o)
{
    if (o->conn.require_mptcp && !o->conn.mptcp)
        return bad("--require-mptcp and --no-mptcp exclude each other");
    if (o->listening && o->source_port != 0)
        return bad("--source-port is for connecting; with -l give PORT alone");
    if (o->cookie != NULL && (o->listening || !o->conn.fastopen))
        return bad("--cookie is for connecting with --fastopen");
    return ARGS_OK;
}

enum args_verdict cat_options_parse(struct cat_options *o, int argc, char **argv)
{
    struct plait_config defaults;
    enum args_verdict verdict;
    int option;

    plait_config_init(&defaults);
    memset(o, 0, sizeof *o);
    o->conn = defaults.conn;
    o->paths.automatic = true;
    o->offload = true;
    o->status_every = 100 * PLAIT_MSEC;
    opterr = 0;
    optind = 0; /* glibc: start afresh, also in the middle of a word */
    while ((option = getopt_long(argc, argv, ":lp:46vh", long_options, NULL)) != -1) {
        verdict = take_option(o, option, argv);
        if (verdict != ARGS_OK)
            return verdict;
    }
    verdict = take_words(o, argc - optind, argv + optind);
    return verdict == ARGS_OK ? check(o) : verdict;
}
