/* SPDX-License-Identifier: Apache-2.0 */
/* The program `plait`: finds the subcommand and hands over to it. */
#include "cat.h"
#include "demo_sim.h"
#include "link.h"
#include "perf.h"
#include "sim_cmd.h"

#include <stdio.h>
#include <string.h>

#ifndef PLAIT_VERSION
#define PLAIT_VERSION "unknown"
#endif

enum { STATUS_USAGE = 2 };

struct command {
    const char *name, *summary; /* summary NULL: for scripts, and not listed */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; the exit status */
};

static const struct command commands[] = {
    {"cat", "standard input and output over Multipath TCP", cat_main},
    {"link", "join two interfaces by an emulated link (for tests)", link_main},
    {"perf", "how fast a Multipath TCP connection is, client and server", perf_main},
    {"sim", "simulate networks, or run scripts in packetdrill's spelling", sim_cmd_main},
    {"demo-sim", NULL, demo_sim_main},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *to)
{
    (void)fputs("Usage: plait COMMAND [OPTION...] [ARGUMENT...]\n"
                "Multipath TCP (RFC 8684) in userspace.\n\n",
                to);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].summary != NULL)
            (void)fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\n"
                "  --help     this text; `plait COMMAND --help` tells of one command\n"
                "  --version  the version\n\n"
                "Examples:\n"
                "  plait cat -l 5000 > copy.iso\n"
                "  plait cat 192.0.2.7 5000 < file.iso\n",
                to);
}

static int unknown(const char *name)
{
    (void)fprintf(stderr, "plait: unknown command '%s'; there are:", name);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].summary != NULL)
            (void)fprintf(stderr, "%s %s", i ? "," : "", commands[i].name);
    (void)fputs("\nTry `plait --help`.\n", stderr);
    return STATUS_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("plait " PLAIT_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
