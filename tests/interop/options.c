/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of kpeer. Called by its main(). */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: kpeer client HOST PORT [OPTION...]\n"
    "       kpeer server HOST PORT [OPTION...]      takes one connection\n"
    "       kpeer generate BYTES [OPTION...]        the pattern to stdout\n"
    "       kpeer verify [BYTES] [OPTION...]        checks the pattern on stdin\n"
    "\n"
    "  --send BYTES      patterned bytes to send (k, m, g: 2^10, 2^20, 2^30); default 0\n"
    "  --recv BYTES      bytes that must come; default: what comes until the end\n"
    "  --seed-out N, --seed-in N  of the pattern; default 1 for client to server, 2 for the other "
    "way\n"
    "  --no-verify, --no-hash, --zero  leave out the check, the SHA-256, the pattern\n"
    "  --pipe            stdin and stdout instead of the pattern; verify: pass on, check nothing\n"
    "  --close half|last|full|abort:BYTES\n"
    "                    half: shutdown when all is sent (default); last: after the peer's; full: "
    "close()\n"
    "                    when --recv bytes are there; abort: linger 0 after BYTES received\n"
    "  --tcp             plain TCP\n"
    "  --cc NAME         congestion control\n"
    "  --buf BYTES       of one read or write; default 256k\n"
    "  --offset BYTES    of the buffers from the start of a page; default 0\n"
    "  --sndbuf BYTES, --rcvbuf BYTES  of the socket\n"
    "  --delay-read MS   wait before the first read\n"
    "  --status MS       status lines to stderr\n"
    "  --timeout S       give up\n"
    "  --json FILE       where the report goes; default stdout, with --pipe stderr\n"
    "\n"
    "Exit status: 0 all came as it should, 1 it did not, 2 usage, 3 time-out.\n";

static _Noreturn void wrong(const char *what, const char *value)
{
    fprintf(stderr, "kpeer: %s '%s'\n\n%s", what, value, usage);
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    unsigned shift = *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;

    if (end == text || end[shift != 0] != 0 || *text == '-')
        wrong("not a number:", text);
    return n << shift;
}

static void parse_close(struct options *o, const char *text)
{
    if (strcmp(text, "half") == 0) {
        o->close = CLOSE_HALF;
    } else if (strcmp(text, "last") == 0) {
        o->close = CLOSE_LAST;
    } else if (strcmp(text, "full") == 0) {
        o->close = CLOSE_FULL;
    } else if (strncmp(text, "abort:", 6) == 0) {
        o->close = CLOSE_ABORT;
        o->abort_after = number(text + 6);
    } else {
        wrong("--close takes half, last, full or abort:BYTES, not", text);
    }
}

enum {
    SEND = 256,
    RECV,
    SEED_OUT,
    SEED_IN,
    NO_VERIFY,
    NO_HASH,
    ZERO,
    PIPE,
    CLOSE,
    TCP,
    CC,
    BUF,
    OFFSET,
    SNDBUF,
    RCVBUF,
    DELAY_READ,
    STATUS,
    TIMEOUT,
    JSON,
    HELP
};

static const struct option table[] = {
    {"send", 1, NULL, SEND},
    {"recv", 1, NULL, RECV},
    {"seed-out", 1, NULL, SEED_OUT},
    {"seed-in", 1, NULL, SEED_IN},
    {"no-verify", 0, NULL, NO_VERIFY},
    {"no-hash", 0, NULL, NO_HASH},
    {"zero", 0, NULL, ZERO},
    {"pipe", 0, NULL, PIPE},
    {"close", 1, NULL, CLOSE},
    {"tcp", 0, NULL, TCP},
    {"cc", 1, NULL, CC},
    {"buf", 1, NULL, BUF},
    {"offset", 1, NULL, OFFSET},
    {"sndbuf", 1, NULL, SNDBUF},
    {"rcvbuf", 1, NULL, RCVBUF},
    {"delay-read", 1, NULL, DELAY_READ},
    {"status", 1, NULL, STATUS},
    {"timeout", 1, NULL, TIMEOUT},
    {"json", 1, NULL, JSON},
    {"help", 0, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static void set_switch(struct options *o, int c)
{
    switch (c) {
    case NO_VERIFY:
        o->verify = false;
        break;
    case NO_HASH:
        o->hash = false;
        break;
    case ZERO:
        o->zero = true;
        break;
    case PIPE:
        o->pipe = true;
        o->verify = false;
        break;
    case TCP:
        o->tcp = true;
        break;
    case HELP:
        fputs(usage, stdout);
        exit(0);
    default:
        exit(2); /* getopt has said why */
    }
}

static void set_value(struct options *o, int c, const char *text)
{
    switch (c) {
    case SEND:
        o->send = number(text);
        break;
    case RECV:
        o->recv = number(text);
        break;
    case SEED_OUT:
        o->seed_out = number(text);
        break;
    case SEED_IN:
        o->seed_in = number(text);
        break;
    case CLOSE:
        parse_close(o, text);
        break;
    case CC:
        o->cc = text;
        break;
    case BUF:
        o->buf = (size_t)number(text);
        break;
    case OFFSET:
        o->offset = (size_t)number(text);
        break;
    case SNDBUF:
        o->sndbuf = (unsigned)number(text);
        break;
    case RCVBUF:
        o->rcvbuf = (unsigned)number(text);
        break;
    case DELAY_READ:
        o->delay_read = (unsigned)number(text);
        break;
    case STATUS:
        o->status = (unsigned)number(text);
        break;
    case TIMEOUT:
        o->timeout = (unsigned)number(text);
        break;
    case JSON:
        o->json = text;
        break;
    default:
        set_switch(o, c);
    }
}

enum mode options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.recv = UINT64_MAX, .hash = true, .verify = true, .buf = 256 << 10};
    o->seed_out = o->seed_in = UINT64_MAX;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;)
        set_value(o, c, optarg);
    char **word = argv + optind;
    int words = argc - optind;
    const char *verb = words > 0 ? word[0] : "";
    o->server = strcmp(verb, "server") == 0;
    if (o->seed_out == UINT64_MAX)
        o->seed_out = o->server ? 2 : 1;
    if (o->seed_in == UINT64_MAX)
        o->seed_in = o->server ? 1 : 2;
    if (o->buf == 0)
        wrong("--buf cannot be", "0");
    if ((o->server || strcmp(verb, "client") == 0) && words == 3) {
        o->host = word[1];
        o->port = word[2];
        return MODE_TRANSFER;
    }
    if (strcmp(verb, "generate") == 0 && words == 2) {
        o->send = number(word[1]);
        return MODE_GENERATE;
    }
    if (strcmp(verb, "verify") == 0 && words <= 2) {
        o->recv = words == 2 ? number(word[1]) : UINT64_MAX;
        return MODE_VERIFY;
    }
    wrong("what to do? Words:", verb);
}
