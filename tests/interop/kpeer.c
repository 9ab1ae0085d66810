/* SPDX-License-Identifier: Apache-2.0 */
/* kpeer: the other end of the interop tests and benchmarks, over the sockets of the running
 * kernel (MPTCP, or TCP with --tcp). It moves patterned data both ways at once, or stdin and
 * stdout, and ends with one JSON object. Called by scripts/interop, scripts/demo and
 * tests/bench/run.
 *
 * One thread sends, one receives, the main thread samples and prints. The socket's time-outs let
 * both see `stop` ten times a second. */
#include "kpeer.h"
#include "options.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct peer {
    struct options o;
    int fd;
    uint64_t start_us; /* the connection is there */
    struct direction out, in;
    atomic_bool out_done, in_done, stop, timed_out;
    struct kmptcp kernel;
};

uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void nap(unsigned ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

static void die(const char *what, const struct options *o)
{
    fprintf(stderr, "kpeer: %s, port %s: %s: %s\n", o->host != NULL ? o->host : "pipe",
            o->port != NULL ? o->port : "none", what, strerror(errno));
    exit(1);
}

static uint8_t *buffer(const struct options *o)
{
    void *mem =
        mmap(NULL, o->buf + o->offset, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (mem == MAP_FAILED)
        die("memory for a buffer", o);
    memset(mem, 0x5a, o->buf + o->offset);
    return (uint8_t *)mem + o->offset;
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool is_pause(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* The next piece to send, 0 at the end. */
static size_t next_out(struct peer *p, uint8_t *buf, uint64_t pos)
{
    const struct options *o = &p->o;

    if (o->pipe) {
        ssize_t n = read(STDIN_FILENO, buf, o->buf);
        return n > 0 ? (size_t)n : 0;
    }
    size_t n = o->send - pos < o->buf ? (size_t)(o->send - pos) : o->buf;
    if (!o->zero)
        pattern_fill(buf, n, pos, o->seed_out);
    return n;
}

static bool send_all(struct peer *p, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len && !p->stop;) {
        ssize_t n = send(p->fd, buf + i, len - i, MSG_NOSIGNAL);
        if (n > 0) {
            i += (size_t)n;
            p->out.bytes += (uint64_t)n;
        } else if (!is_pause()) {
            snprintf(p->out.error, sizeof p->out.error, "send: %s", strerror(errno));
            return false;
        }
    }
    return !p->stop;
}

static void end_out(struct peer *p)
{
    if (p->o.close == CLOSE_LAST)
        while (!p->in_done && !p->stop)
            nap(1);
    if (p->o.close == CLOSE_HALF || p->o.close == CLOSE_LAST)
        if (shutdown(p->fd, SHUT_WR) != 0)
            snprintf(p->out.error, sizeof p->out.error, "shutdown: %s", strerror(errno));
}

static void *sender(void *arg)
{
    struct peer *p = arg;
    struct pattern_hash *hash = p->o.hash ? pattern_hash_new() : NULL;
    uint8_t *buf = buffer(&p->o);
    bool good = true;
    uint64_t pos = 0;

    p->out.begin_us = now_us() - p->start_us;
    for (size_t n; good && (n = next_out(p, buf, pos)) > 0; pos += n) {
        if (hash != NULL)
            pattern_hash_add(hash, buf, n);
        good = send_all(p, buf, n);
    }
    p->out.end_us = now_us() - p->start_us;
    if (hash != NULL)
        pattern_hash_end(hash, p->out.sha);
    if (good)
        end_out(p);
    p->out_done = true;
    return NULL;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static bool write_all(const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len;) {
        ssize_t n = write(STDOUT_FILENO, buf + i, len - i);
        if (n <= 0)
            return false;
        i += (size_t)n;
    }
    return true;
}

/* Times, hash, check and forwarding of n bytes that came. */
static void take_in(struct peer *p, struct pattern_hash *hash, const uint8_t *buf, size_t n)
{
    struct direction *d = &p->in;
    uint64_t now = now_us() - p->start_us, pos = d->bytes;

    if (d->end_us != 0 && now - d->end_us > d->stall_us) {
        d->stall_us = now - d->end_us;
        d->stall_at_us = now;
    }
    if (d->begin_us == 0)
        d->begin_us = now;
    d->end_us = now;
    if (hash != NULL)
        pattern_hash_add(hash, buf, n);
    if (p->o.verify && d->wrong_at == UINT64_MAX) {
        size_t good = pattern_check(buf, n, pos, p->o.seed_in);
        if (good < n)
            d->wrong_at = pos + good;
    }
    d->bytes = pos + n;
    if (p->o.pipe && !write_all(buf, n))
        snprintf(d->error, sizeof d->error, "stdout: %s", strerror(errno));
}

static bool wants_more(const struct peer *p)
{
    if (p->o.close == CLOSE_ABORT && p->in.bytes >= p->o.abort_after)
        return false;
    return p->o.close != CLOSE_FULL || p->in.bytes < p->o.recv;
}

static void *receiver(void *arg)
{
    struct peer *p = arg;
    struct pattern_hash *hash = p->o.hash ? pattern_hash_new() : NULL;
    uint8_t *buf = buffer(&p->o);

    nap(p->o.delay_read);
    while (!p->stop && wants_more(p) && p->in.error[0] == 0) {
        ssize_t n = recv(p->fd, buf, p->o.buf, 0);
        if (n > 0) {
            take_in(p, hash, buf, (size_t)n);
        } else if (n == 0) {
            p->in.eof = true;
            break;
        } else if (!is_pause()) {
            snprintf(p->in.error, sizeof p->in.error, "recv: %s", strerror(errno));
        }
    }
    if (hash != NULL)
        pattern_hash_end(hash, p->in.sha);
    p->in_done = true;
    if (p->o.close == CLOSE_ABORT)
        p->stop = true;
    return NULL;
}

/* ---- the connection -------------------------------------------------------------------------- */

static void set_int(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof value) != 0)
        fprintf(stderr, "kpeer: socket option %d/%d: %s\n", level, name, strerror(errno));
}

static void tune(int fd, const struct options *o)
{
    if (o->cc != NULL &&
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, o->cc, (socklen_t)strlen(o->cc)) != 0)
        die("congestion control", o);
    if (o->sndbuf != 0)
        set_int(fd, SOL_SOCKET, SO_SNDBUF, (int)o->sndbuf);
    if (o->rcvbuf != 0)
        set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)o->rcvbuf);
}

/* Waits in short slices, so that the threads see when they should end. Once the connection is
 * there: connect() would give up after a slice. */
static void slice(int fd)
{
    struct timeval span = {.tv_usec = 100000};

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &span, sizeof span);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &span, sizeof span);
}

/* connect() takes as long as the whole run may. */
static void limit_connect(int fd, const struct options *o)
{
    struct timeval limit = {.tv_sec = (time_t)o->timeout};

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static int accept_one(int listener, const struct options *o)
{
    struct pollfd pfd = {.fd = listener, .events = POLLIN};

    if (listen(listener, 4) != 0)
        die("listen", o);
    fprintf(stderr, "kpeer: listening\n");
    if (poll(&pfd, 1, o->timeout != 0 ? (int)o->timeout * 1000 : -1) <= 0)
        die("nobody connected", o);
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        die("accept", o);
    return fd;
}

/* A connected socket. A server's listener stays open: without it the kernel answers no joins. */
static int establish(const struct options *o)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *ai;
    int bad = getaddrinfo(o->host, o->port, &hints, &ai);

    if (bad != 0) {
        fprintf(stderr, "kpeer: %s, port %s: %s\n", o->host, o->port, gai_strerror(bad));
        exit(2);
    }
    int fd = socket(ai->ai_family, SOCK_STREAM, o->tcp ? IPPROTO_TCP : IPPROTO_MPTCP);
    if (fd < 0)
        die("socket", o);
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    tune(fd, o);
    if (o->server) {
        if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0)
            die("bind", o);
        fd = accept_one(fd, o);
        tune(fd, o);
    } else {
        limit_connect(fd, o);
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0)
            die("connect", o);
    }
    slice(fd);
    freeaddrinfo(ai);
    return fd;
}

/* ---- reports --------------------------------------------------------------------------------- */

static void print_direction(const struct direction *d, FILE *out)
{
    fprintf(out, "{\"bytes\": %llu, \"sha256\": \"%s\", \"begin_us\": %llu, \"end_us\": %llu, ",
            (unsigned long long)d->bytes, d->sha, (unsigned long long)d->begin_us,
            (unsigned long long)d->end_us);
    fprintf(out, "\"stall_us\": %llu, \"stall_at_us\": %llu, \"wrong_at\": %lld, ",
            (unsigned long long)d->stall_us, (unsigned long long)d->stall_at_us,
            d->wrong_at == UINT64_MAX ? -1LL : (long long)d->wrong_at);
    fprintf(out, "\"eof\": %s, \"error\": \"%s\"}", d->eof ? "true" : "false", d->error);
}

static void print_report(const struct peer *p, FILE *out)
{
    struct rusage ru;

    getrusage(RUSAGE_SELF, &ru);
    uint64_t cpu = (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 +
                   (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
    fprintf(out, "{\"role\": \"%s\", \"wall_us\": %llu, \"cpu_us\": %llu, \"timed_out\": %s, ",
            p->o.server ? "server" : "client", (unsigned long long)(now_us() - p->start_us),
            (unsigned long long)cpu, p->timed_out ? "true" : "false");
    kmptcp_json(&p->kernel, out);
    fprintf(out, ", \"out\": ");
    print_direction(&p->out, out);
    fprintf(out, ", \"in\": ");
    print_direction(&p->in, out);
    fprintf(out, "}\n");
}

static FILE *report_file(const struct options *o)
{
    FILE *out = o->json != NULL ? fopen(o->json, "w") : o->pipe ? stderr : stdout;

    if (out == NULL) {
        fprintf(stderr, "kpeer: %s: %s\n", o->json, strerror(errno));
        exit(1);
    }
    return out;
}

static void print_status(const struct peer *p)
{
    fprintf(stderr, "status {\"t_us\": %llu, \"sent\": %llu, \"received\": %llu, ",
            (unsigned long long)(now_us() - p->start_us), (unsigned long long)p->out.bytes,
            (unsigned long long)p->in.bytes);
    kmptcp_json(&p->kernel, stderr);
    fprintf(stderr, "}\n");
}

/* Samples and prints until both threads have ended or the time is up. */
static void watch(struct peer *p)
{
    uint64_t sampled = 0, told = 0;

    while (!p->stop && !(p->out_done && p->in_done)) {
        uint64_t now = now_us() - p->start_us;
        if (sampled == 0 || now - sampled >= 50000) {
            kmptcp_sample(&p->kernel, p->fd);
            sampled = now;
        }
        if (p->o.status != 0 && now - told >= (uint64_t)p->o.status * 1000) {
            print_status(p);
            told = now;
        }
        if (p->o.timeout != 0 && now > (uint64_t)p->o.timeout * 1000000) {
            p->timed_out = true;
            p->stop = true;
        }
        nap(5);
    }
    kmptcp_sample(&p->kernel, p->fd);
}

static void finish(struct peer *p)
{
    struct linger abort_now = {.l_onoff = 1};

    if (p->o.close == CLOSE_ABORT)
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now);
    close(p->fd);
}

static bool is_good(const struct peer *p)
{
    const struct options *o = &p->o;

    if (p->timed_out || p->out.error[0] != 0 || p->in.error[0] != 0 || p->in.wrong_at != UINT64_MAX)
        return false;
    if (!o->pipe && o->close != CLOSE_ABORT && p->out.bytes != o->send)
        return false;
    return o->close == CLOSE_ABORT || o->recv == UINT64_MAX || p->in.bytes == o->recv;
}

static int transfer(const struct options *o)
{
    static struct peer p;
    pthread_t threads[2];

    p.o = *o;
    p.in.wrong_at = p.out.wrong_at = UINT64_MAX;
    p.fd = establish(o);
    p.kernel.mptcp = !o->tcp;
    p.start_us = now_us() - 1; /* so that 0 stays "never" */
    if (pthread_create(&threads[0], NULL, sender, &p) != 0 ||
        pthread_create(&threads[1], NULL, receiver, &p) != 0)
        die("thread", o);
    watch(&p);
    if (!p.o.pipe || p.out_done) /* a read of stdin may never come back */
        pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    finish(&p);
    FILE *out = report_file(o);
    print_report(&p, out);
    if (fclose(out) != 0)
        die("report", o);
    return p.timed_out ? 3 : is_good(&p) ? 0 : 1;
}

/* ---- pattern --------------------------------------------------------------------------------- */

static int generate(const struct options *o)
{
    struct pattern_hash *hash = o->hash ? pattern_hash_new() : NULL;
    uint8_t *buf = buffer(o);
    char hex[65] = "";

    for (uint64_t pos = 0; pos < o->send;) {
        size_t n = o->send - pos < o->buf ? (size_t)(o->send - pos) : o->buf;
        pattern_fill(buf, n, pos, o->seed_out);
        if (hash != NULL)
            pattern_hash_add(hash, buf, n);
        if (!write_all(buf, n)) {
            fprintf(stderr, "kpeer: stdout: %s after %llu bytes\n", strerror(errno),
                    (unsigned long long)pos);
            return 1;
        }
        pos += n;
    }
    if (hash != NULL)
        pattern_hash_end(hash, hex);
    fprintf(stderr, "{\"bytes\": %llu, \"sha256\": \"%s\"}\n", (unsigned long long)o->send, hex);
    return 0;
}

static int verify(const struct options *o)
{
    static struct peer p; /* take_in() wants one */
    struct pattern_hash *hash = o->hash ? pattern_hash_new() : NULL;
    uint8_t *buf = buffer(o);

    p.o = *o;
    p.in.wrong_at = UINT64_MAX;
    p.start_us = now_us() - 1;
    for (ssize_t n; (n = read(STDIN_FILENO, buf, o->buf)) > 0;)
        take_in(&p, hash, buf, (size_t)n);
    p.in.eof = true;
    if (hash != NULL)
        pattern_hash_end(hash, p.in.sha);
    FILE *out = report_file(o);
    print_direction(&p.in, out);
    fputc('\n', out);
    if (fclose(out) != 0)
        die("report", o);
    return p.in.wrong_at == UINT64_MAX && (o->recv == UINT64_MAX || p.in.bytes == o->recv) ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct options o;

    switch (options_parse(&o, argc, argv)) {
    case MODE_TRANSFER:
        return transfer(&o);
    case MODE_GENERATE:
        return generate(&o);
    case MODE_VERIFY:
        return verify(&o);
    default:
        return 2;
    }
}
