/* SPDX-License-Identifier: Apache-2.0 */
/* `plait sim`: hands over to sim_scenario.c for scenarios; else `plait sim run FILE...`: scripts in
 * packetdrill's spelling against the stack, in virtual time. Called by main.c. The scripts are
 * parsed and run by src/sim; here are files, options and what is printed. doc/plait-sim.1.scd. */
#include "sim_cmd.h"

#include "json.h"
#include "plugin.h"
#include "sim_scenario.h"
#include "sim/pkt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_OK, STATUS_FAILED, STATUS_USAGE };

static const char usage[] =
    "Usage: plait sim run [-v] [--json | --tap] [--pcap FILE] [--cc FILE.so] SCRIPT...\n"
    "Runs scripts in packetdrill's spelling, with MPTCP options, against plait in virtual time.\n\n"
    "  -v, --verbose  print each event as it happens\n"
    "  --json         print one JSON object for each script\n"
    "  --tap          print as the Test Anything Protocol has it\n"
    "  --pcap FILE    write the packets as pcapng; one script only\n"
    "  --cc, --sched, --pm FILE.so\n"
    "                 a policy of one's own, in place of the one that scripts name\n"
    "  --help         this text\n\n"
    "Exit status: 0 each script came out as written, 1 one did not, 2 usage, or a script that\n"
    "cannot be read or makes no sense.\n\n"
    "Examples:\n"
    "  plait sim run tests/pkt/tcp/*.pkt\n"
    "  plait sim run -v handshake.pkt\n"
    "  plait sim run --pcap join.pcapng join.pkt && tshark -r join.pcapng\n";

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_TAP };

struct options {
    enum format format;
    struct sim_pkt_options run;
    int first; /* script among the arguments */
    bool help;
};

/* ---- the command line ------------------------------------------------------------------------ */

static bool complain(const char *what, const char *arg)
{
    (void)fprintf(stderr, "plait sim: %s%s; `plait sim --help` tells what is understood\n", what,
                  arg);
    return false;
}

/* --cc, --sched or --pm. False: it is none, or it was complained of. */
static bool take_policy(struct options *o, const char *option, const char *path)
{
    struct plait_conn_config conn = {0};

    if (strcmp(option, "--cc") != 0 && strcmp(option, "--sched") != 0 &&
        strcmp(option, "--pm") != 0)
        return complain("not an option, or one without its value: ", option);
    if (plugin_load("sim", option + 2, path, &conn) != ARGS_OK)
        return false;
    o->run.own_cc = conn.own_cc != NULL ? conn.own_cc : o->run.own_cc;
    o->run.own_sched = conn.own_sched != NULL ? conn.own_sched : o->run.own_sched;
    o->run.own_pm = conn.own_pm != NULL ? conn.own_pm : o->run.own_pm;
    return true;
}

static bool parse(struct options *o, int argc, char **argv)
{
    int i = 1;

    *o = (struct options){0};
    for (; i < argc && (argv[i][0] == '-' || strcmp(argv[i], "run") == 0); i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            o->help = true;
        else if (strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--verbose") == 0)
            o->run.verbose = stdout;
        else if (strcmp(argv[i], "--json") == 0)
            o->format = FORMAT_JSON;
        else if (strcmp(argv[i], "--tap") == 0)
            o->format = FORMAT_TAP;
        else if (strcmp(argv[i], "--pcap") == 0 && i + 1 < argc)
            o->run.pcap = argv[++i];
        else if (strcmp(argv[i], "run") != 0) {
            if (i + 1 == argc || !take_policy(o, argv[i], argv[i + 1]))
                return i + 1 == argc
                           ? complain("not an option, or one without its value: ", argv[i])
                           : false;
            i++;
        }
    }
    o->first = i;
    if (o->help)
        return true;
    if (argc < 2 || strcmp(argv[1], "run") != 0)
        return complain("the only thing to do is: ", "run");
    if (i == argc)
        return complain("no script was named", "");
    if (o->run.pcap != NULL && argc - i > 1)
        return complain("--pcap is for one script", "");
    return true;
}

/* ---- one script ------------------------------------------------------------------------------ */

/* Up to one byte more than a script may have. NULL: *error tells why. */
static char *read_file(const char *path, size_t *len, struct sim_pkt_error *error)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(SIM_PKT_TEXT_MAX + 1);

    *error = (struct sim_pkt_error){0};
    if (text == NULL)
        abort();
    *len = file != NULL ? fread(text, 1, SIM_PKT_TEXT_MAX + 1, file) : 0;
    if (file == NULL || ferror(file) != 0) {
        (void)snprintf(error->text, sizeof error->text, "%s", strerror(errno));
        free(text);
        text = NULL;
    }
    if (file != NULL)
        (void)fclose(file);
    return text;
}

/* The exit status that this script alone would have. */
static int run_one(const struct options *o, const char *path, struct sim_pkt_report *report)
{
    size_t len;
    struct sim_pkt_script *script = NULL;
    char *text;

    *report = (struct sim_pkt_report){0};
    text = read_file(path, &len, &report->error);
    if (text != NULL)
        script = sim_pkt_parse(text, len, &report->error);
    free(text);
    if (script == NULL)
        return STATUS_USAGE;
    bool good = sim_pkt_run(script, &o->run, report);
    sim_pkt_free(script);
    return good ? STATUS_OK : STATUS_FAILED;
}

/* ---- what is printed ------------------------------------------------------------------------- */

static void print_place(FILE *to, const char *path, const struct sim_pkt_error *e,
                        const char *margin)
{
    const char *line = e->text, *end;

    (void)fprintf(to, "%s%s:", margin, path);
    if (e->line != 0)
        (void)fprintf(to, "%u:%u:", e->line, e->column);
    for (; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        (void)fprintf(to, "%s%.*s\n", line == e->text ? " " : margin, (int)(end - line), line);
    }
}

static void print_json(const char *path, int status, const struct sim_pkt_report *r)
{
    struct json j = {0};

    json_object(&j, NULL);
    json_string(&j, "script", path);
    json_bool(&j, "ok", status == STATUS_OK);
    json_fraction(&j, "time", r->took, 6);
    json_number(&j, "packets", r->packets);
    if (status != STATUS_OK) {
        json_number(&j, "line", r->error.line);
        json_number(&j, "column", r->error.column);
        json_string(&j, "error", r->error.text);
    }
    json_object_end(&j);
    (void)json_line(&j, STDOUT_FILENO);
    json_free(&j);
}

static void print(const struct options *o, const char *path, int status, int number,
                  const struct sim_pkt_report *r)
{
    if (o->format == FORMAT_JSON) {
        print_json(path, status, r);
    } else if (o->format == FORMAT_TAP) {
        (void)printf("%sok %d - %s\n", status == STATUS_OK ? "" : "not ", number, path);
        if (status != STATUS_OK)
            print_place(stdout, path, &r->error, "# ");
    } else if (status != STATUS_OK) {
        print_place(stderr, path, &r->error, "");
    }
    (void)fflush(stdout);
}

/* `plait sim run` is for scripts, unless it names a scenario; all else is for scenarios. */
static bool is_scenario(int argc, char **argv)
{
    return argc < 2 || strcmp(argv[1], "run") != 0 || sim_scenario_named(argc, argv);
}

static int scenario(int argc, char **argv)
{
    bool run = argc > 1 && strcmp(argv[1], "run") == 0;

    if (run)
        argv[1] = argv[0];
    return sim_scenario_main(argc - run, argv + run);
}

int sim_cmd_main(int argc, char **argv)
{
    struct options o;
    struct sim_pkt_report report;
    int worst = STATUS_OK, failed = 0, total;

    if (is_scenario(argc, argv))
        return scenario(argc, argv);
    if (!parse(&o, argc, argv))
        return STATUS_USAGE;
    if (o.help) {
        (void)fputs(usage, stdout);
        return STATUS_OK;
    }
    total = argc - o.first;
    if (o.format == FORMAT_TAP)
        (void)printf("1..%d\n", total);
    for (int i = o.first; i < argc; i++) {
        int status = run_one(&o, argv[i], &report);
        print(&o, argv[i], status, i - o.first + 1, &report);
        worst = status > worst ? status : worst;
        failed += status != STATUS_OK;
    }
    if (o.format == FORMAT_TEXT && failed > 0)
        (void)fprintf(stderr, "%d of %d failed\n", failed, total);
    return worst;
}
