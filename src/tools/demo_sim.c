/* SPDX-License-Identifier: Apache-2.0 */
/* `plait demo-sim`: a file each way between two hosts over two paths, the faster of which is cut
 * half-way and comes back. Hosts, paths and time are the simulator's; the bytes are the file's.
 * Called by main.c; what it prints, one JSON object a line, is shown by scripts/demo.
 *
 * Each way is a world of its own: the near host connects, and source sends until the file's end.
 * Nothing waits for a real clock, so a way lasts as long as it takes to compute.
 *
 * Invariants: an end's connection is not touched after it was released (conn is NULL then); the
 * sink's digest covers exactly the bytes counted as stored. */
#include "demo_sim.h"

#include "cat_report.h"
#include "json.h"
#include "sim/app.h"
#include "sim/topology.h"

#include <errno.h>
#include <openssl/evp.h>
#include <plait/plait.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 2, PORT = 5001, PIECE = 65536, MIB = 1 << 20, SHA = 32 };
enum { STATUS_OK, STATUS_FAILED, STATUS_USAGE };

#define REPORT_EVERY   (20 * PLAIT_MSEC)
#define DELAY          (5 * PLAIT_MSEC)  /* of a path, one way */
#define QUEUE          (30 * PLAIT_MSEC) /* what a path's queue holds, at its rate */
#define CUT_LONGEST    (8 * PLAIT_SEC) /* the other path may not bring the file to three quarters */
#define HANDSHAKES_MAX 4096            /* bytes on a path that carries no data are fewer */
#define LIMIT          (300 * PLAIT_SEC) /* for one way, beside the time that its bytes need */

static const char usage[] =
    "Usage: plait demo-sim [--rate1 MBIT] [--rate2 MBIT] [--size MIB | --file FILE] [--seed N]\n"
    "A file each way over two simulated paths, the faster one cut and restored; `make demo` calls\n"
    "it where no network namespaces are allowed. Prints JSON lines: status, and a result for each\n"
    "way.\n\n"
    "Exit status: 0 each byte arrived and both paths carried data, 1 not so, 2 usage or no file.\n";

struct options {
    uint64_t rate[PATHS]; /* bits per second */
    uint64_t size;        /* of a generated file, bytes */
    const char *path;     /* the file; NULL: a generated one */
    uint64_t seed;
    bool help;
};

/* One end of the connection. */
struct end {
    struct plait_conn *conn; /* NULL before and after */
    bool shut, eof, done;
    int error;
    enum plait_reason reason;
};

enum stage { STAGE_WHOLE, STAGE_CUT, STAGE_RESTORED };

/* One way of the file. */
struct way {
    const struct options *o;
    FILE *file;
    uint64_t size;
    unsigned number; /* 1: near to far, 2: far to near */
    struct sim *sim;
    struct sim_node *near, *far;
    struct sim_topology topo;
    struct end source, sink;
    uint8_t buf[PIECE]; /* read from the file and not yet taken: at .. len */
    size_t at, len;
    uint64_t sent, stored;
    EVP_MD_CTX *sent_sha, *stored_sha;
    plait_time start, last_at, stall; /* last_at: of the last byte stored */
    plait_time cut_at, report_at, end_at;
    unsigned faster;
    enum stage stage;
    const char *failure; /* of this program, not of the connection; NULL: none */
};

/* ---- the command line ----------------------------------------------------------------------- */

static bool number(const char *text, double factor, uint64_t *value)
{
    char *end;
    double x = strtod(text, &end);

    if (end == text || *end != '\0' || !(x > 0 && x * factor < 1e15))
        return false;
    *value = (uint64_t)(x * factor);
    return *value > 0;
}

static bool set(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--rate1") == 0)
        return number(value, 1e6, &o->rate[0]);
    if (strcmp(name, "--rate2") == 0)
        return number(value, 1e6, &o->rate[1]);
    if (strcmp(name, "--size") == 0)
        return number(value, MIB, &o->size);
    if (strcmp(name, "--seed") == 0)
        return number(value, 1, &o->seed);
    o->path = value;
    return strcmp(name, "--file") == 0;
}

static bool parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.rate = {200000000, 100000000}, .size = 64ull * MIB, .seed = 1};
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            o->help = true;
            return true;
        }
        if (i + 1 == argc || !set(o, argv[i], argv[i + 1])) {
            (void)fprintf(stderr,
                          "plait demo-sim: %s %s: not understood; `plait demo-sim --help` tells "
                          "what is\n",
                          argv[i], i + 1 < argc ? argv[i + 1] : "(no value)");
            return false;
        }
    }
    return true;
}

/* ---- the file ------------------------------------------------------------------------------- */

static FILE *generate(uint64_t size)
{
    static uint8_t buf[PIECE];
    FILE *file = tmpfile();

    for (uint64_t pos = 0; file != NULL && pos < size;) {
        size_t n = size - pos < PIECE ? (size_t)(size - pos) : PIECE;
        sim_pattern_fill(1, pos, buf, n);
        if (fwrite(buf, 1, n, file) != n) {
            (void)fclose(file);
            return NULL;
        }
        pos += n;
    }
    if (file != NULL && fflush(file) != 0) {
        (void)fclose(file);
        return NULL;
    }
    return file;
}

/* NULL: said why. */
static FILE *open_file(const struct options *o, uint64_t *size)
{
    FILE *file = o->path != NULL ? fopen(o->path, "rb") : generate(o->size);
    const char *why = strerror(errno);
    struct stat st;

    if (file != NULL && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        *size = (uint64_t)st.st_size;
        return file;
    }
    if (file != NULL) {
        why = "a regular file with at least one byte is needed";
        (void)fclose(file);
    }
    (void)fprintf(stderr, "plait demo-sim: %s: %s\n", o->path != NULL ? o->path : "temporary file",
                  why);
    return NULL;
}

static bool digest_start(EVP_MD_CTX **ctx)
{
    *ctx = EVP_MD_CTX_new();
    return *ctx != NULL && EVP_DigestInit_ex(*ctx, EVP_sha256(), NULL) == 1;
}

static void digest_add(struct way *w, EVP_MD_CTX *ctx, const uint8_t *bytes, size_t n)
{
    if (EVP_DigestUpdate(ctx, bytes, n) != 1)
        w->failure = "libcrypto refuses SHA-256";
}

static void digest_end(EVP_MD_CTX *ctx, char hex[2 * SHA + 1])
{
    uint8_t sha[SHA] = {0};

    if (EVP_DigestFinal_ex(ctx, sha, NULL) != 1)
        memset(sha, 0, sizeof sha);
    for (unsigned i = 0; i < SHA; i++)
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", sha[i]);
}

/* ---- the ends ------------------------------------------------------------------------------- */

static void let_go(struct way *w, struct end *e)
{
    struct plait_conn *conn = e->conn;

    e->error = plait_conn_error(conn, &e->reason);
    e->done = true;
    e->conn = NULL;
    plait_release(conn, w->sim->now);
}

static void shut(struct way *w, struct end *e)
{
    if (!e->shut)
        (void)plait_shutdown(e->conn, w->sim->now);
    e->shut = true;
}

/* False at the end of the file. */
static bool refill(struct way *w)
{
    uint64_t left = w->size - w->sent;
    size_t want = left < PIECE ? (size_t)left : PIECE;

    w->at = 0;
    w->len = want > 0 ? fread(w->buf, 1, want, w->file) : 0;
    if (w->len < want)
        w->failure = "the file cannot be read, or it became shorter";
    return w->len > 0;
}

static void send_some(struct way *w)
{
    while (w->at < w->len || refill(w)) {
        int64_t n = plait_send(w->source.conn, w->buf + w->at, w->len - w->at, w->sim->now);
        if (n <= 0)
            return; /* no room; or an error, which CLOSED tells about */
        digest_add(w, w->sent_sha, w->buf + w->at, (size_t)n);
        w->at += (size_t)n;
        w->sent += (uint64_t)n;
    }
    if (w->failure == NULL)
        shut(w, &w->source);
}

static void store_some(struct way *w)
{
    struct plait_view view;
    int64_t n;

    while ((n = plait_recv_borrow(w->sink.conn, &view)) > 0) {
        plait_time since = w->sim->now - w->last_at;
        if (w->stored > 0 && since > w->stall)
            w->stall = since;
        w->last_at = w->sim->now;
        w->stored += view.len;
        digest_add(w, w->stored_sha, view.data, view.len);
        plait_recv_done(w->sink.conn, view.len, w->sim->now);
    }
    if (n == 0 && !w->sink.eof) {
        w->sink.eof = true;
        w->end_at = w->sim->now;
        shut(w, &w->sink);
    }
}

/* The source has nothing to read but the end of the stream. */
static void await_eof(struct way *w)
{
    uint8_t byte;
    int64_t n = plait_recv(w->source.conn, &byte, 1, w->sim->now);

    if (n > 0)
        w->failure = "the source received a byte that nobody sent";
    w->source.eof |= n == 0;
}

static void on_event(struct sim_node *node, const struct plait_event *ev)
{
    struct way *w = node->ctx;
    bool sends = (node == w->near) == (w->number == 1);
    struct end *e = sends ? &w->source : &w->sink;

    if (ev->type == PLAIT_EVENT_ACCEPTED) {
        e->conn = plait_accept(ev->listener);
    } else if (ev->conn != e->conn) {
        w->failure = "an event came for a connection that was let go";
        return;
    }
    if (e->conn == NULL)
        return;
    if (sends) {
        send_some(w);
        await_eof(w);
    } else {
        store_some(w);
    }
    if (ev->type == PLAIT_EVENT_CLOSED || (e->shut && e->eof))
        let_go(w, e);
}

/* ---- what is printed ------------------------------------------------------------------------ */

static uint64_t carried(const struct way *w, unsigned path)
{
    unsigned link = w->number == 1 ? w->topo.up[path] : w->topo.down[path];
    return w->sim->link[link].bytes;
}

static void put_paths(struct json *j, const struct way *w)
{
    json_array(j, "paths");
    for (unsigned i = 0; i < PATHS; i++) {
        json_object(j, NULL);
        json_number(j, "rate", w->o->rate[i]);
        json_number(j, "bytes", carried(w, i));
        json_bool(j, "cut", i == w->faster && w->stage == STAGE_CUT);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_head(struct json *j, const struct way *w, plait_time at)
{
    json_object(j, NULL);
    json_number(j, "way", w->number);
    json_fraction(j, "time", at - w->start, 6);
    json_number(j, "stored", w->stored);
    put_paths(j, w);
}

static void put_line(struct json *j, struct way *w)
{
    json_object_end(j);
    if (!json_line(j, STDOUT_FILENO))
        w->failure = "standard output takes no more";
    json_free(j);
}

static void report(struct way *w)
{
    struct json j = {0};

    put_head(&j, w, w->sim->now);
    if (w->source.conn != NULL)
        cat_report_conn(&j, NULL, w->source.conn);
    put_line(&j, w);
}

/* Why the way failed; NULL: it did not. */
static const char *trouble(const struct way *w)
{
    if (w->sim->failure != NULL)
        return w->sim->failure;
    if (w->failure != NULL)
        return w->failure;
    if (w->source.error != 0 || w->sink.error != 0)
        return plait_strerror(w->source.error != 0 ? w->source.error : w->sink.error);
    return w->source.done && w->sink.done ? NULL : "it did not end";
}

static bool result(struct way *w)
{
    struct json j = {0};
    char sent[2 * SHA + 1], stored[2 * SHA + 1];
    const char *why = trouble(w);
    bool good = why == NULL && w->stored == w->size;

    digest_end(w->sent_sha, sent);
    digest_end(w->stored_sha, stored);
    put_head(&j, w, w->end_at != 0 ? w->end_at : w->sim->now);
    json_object(&j, "result");
    if (why != NULL)
        json_string(&j, "error", why);
    else
        json_null(&j, "error");
    json_string(&j, "sha256_sent", sent);
    json_string(&j, "sha256_received", stored);
    json_number(&j, "stall_us", w->stall);
    json_object_end(&j);
    put_line(&j, w);
    for (unsigned i = 0; i < PATHS; i++)
        good = good && carried(w, i) >= w->size / 100 && carried(w, i) >= HANDSHAKES_MAX;
    return good && w->failure == NULL && strcmp(sent, stored) == 0;
}

/* ---- the world ------------------------------------------------------------------------------ */

static uint32_t queue_bytes(uint64_t rate)
{
    uint64_t bytes = rate / 8 * QUEUE / PLAIT_SEC;

    bytes = bytes > 65536 ? bytes : 65536;
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

static bool build(struct way *w)
{
    struct plait_config config;
    struct sim_topology_config cfg;

    plait_config_init(&config);
    sim_topology_defaults(&cfg, PATHS);
    cfg.gso_max = 65535;
    for (unsigned i = 0; i < PATHS; i++) {
        cfg.path[i].up.rate = w->o->rate[i];
        cfg.path[i].up.delay = DELAY;
        cfg.path[i].up.queue = queue_bytes(w->o->rate[i]);
        cfg.path[i].down = cfg.path[i].up;
    }
    w->sim = sim_new(w->o->seed + w->number);
    w->near = sim_node_new(w->sim, "near", &config);
    w->far = sim_node_new(w->sim, "far", &config);
    if (w->near == NULL || w->far == NULL)
        return false;
    w->near->on_event = w->far->on_event = on_event;
    w->near->ctx = w->far->ctx = w;
    return sim_topology_build(&w->topo, &cfg, w->near, w->far) == 0;
}

static int start(struct way *w)
{
    struct plait_addr any = {.port = PORT};
    struct plait_connect how = {.remote = sim_path_addr(&w->topo.cfg, 0, true)};
    struct plait_listener *listener;
    int err = plait_listen(w->far->stack, &any, NULL, &listener);

    how.remote.port = PORT;
    w->start = w->sim->now;
    w->report_at = w->start + REPORT_EVERY;
    if (err == 0)
        err = plait_connect(w->near->stack, &how, w->start,
                            w->number == 1 ? &w->source.conn : &w->sink.conn);
    return err;
}

/* The cut and the restoration, when their time has come. */
static void act(struct way *w)
{
    if (w->stage == STAGE_WHOLE && w->stored >= w->size / 2) {
        w->stage = STAGE_CUT;
        w->cut_at = w->sim->now;
        sim_topology_cut(&w->topo, w->faster, true);
        report(w);
    }
    if (w->stage == STAGE_CUT &&
        (w->stored >= w->size / 4 * 3 || w->sim->now - w->cut_at > CUT_LONGEST)) {
        w->stage = STAGE_RESTORED;
        sim_topology_cut(&w->topo, w->faster, false);
        report(w);
    }
}

static void run(struct way *w)
{
    uint64_t slower = w->o->rate[0] < w->o->rate[1] ? w->o->rate[0] : w->o->rate[1];
    plait_time limit = w->start + LIMIT + (plait_time)((double)w->size * 16e6 / (double)slower);

    sim_pump(w->sim);
    while (!(w->source.done && w->sink.done) && w->failure == NULL && w->sim->now < limit) {
        if (!sim_step(w->sim))
            return;
        act(w);
        if (w->sim->now >= w->report_at && !w->sink.eof) {
            report(w);
            w->report_at = w->sim->now + REPORT_EVERY;
        }
    }
}

/* One way, and whether it went well. */
static bool go(struct way *w)
{
    bool good = false;
    int err;

    if (fseeko(w->file, 0, SEEK_SET) != 0 || !digest_start(&w->sent_sha) ||
        !digest_start(&w->stored_sha)) {
        (void)fputs("plait demo-sim: cannot read the file again, or no SHA-256\n", stderr);
    } else if (!build(w)) {
        (void)fputs("plait demo-sim: the simulated hosts cannot be made\n", stderr);
    } else if ((err = start(w)) != 0) {
        (void)fprintf(stderr, "plait demo-sim: connect: %s\n", plait_strerror(err));
    } else {
        run(w);
        good = result(w);
    }
    if (w->sim != NULL)
        sim_free(w->sim);
    EVP_MD_CTX_free(w->sent_sha);
    EVP_MD_CTX_free(w->stored_sha);
    return good;
}

int demo_sim_main(int argc, char **argv)
{
    static struct way w;
    struct options o;
    uint64_t size = 0;
    bool good = true;

    if (!parse(&o, argc, argv))
        return STATUS_USAGE;
    if (o.help) {
        (void)fputs(usage, stdout);
        return STATUS_OK;
    }
    FILE *file = open_file(&o, &size);
    if (file == NULL)
        return STATUS_USAGE;
    for (unsigned number_ = 1; number_ <= 2 && good; number_++) {
        w = (struct way){.o = &o, .file = file, .size = size, .number = number_};
        w.faster = o.rate[0] >= o.rate[1] ? 0 : 1;
        good = go(&w);
    }
    (void)fclose(file);
    return good ? STATUS_OK : STATUS_FAILED;
}
