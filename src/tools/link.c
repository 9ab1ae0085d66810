/* SPDX-License-Identifier: Apache-2.0 */
/* `plait link`: two interfaces joined by the simulator's link model. Called by main.c.
 *
 * Each direction has a sim_link, which says when a frame arrives, and a list of the frames under
 * way in the order of their arrival; frames of one moment keep the order in which they came. The
 * loop waits for frames, for the first arrival, for commands, and for a signal, which ends it.
 *
 * Invariant: the bytes that a direction holds are bounded (HELD_MAX); what comes beyond is
 * dropped and counted. */
#include "link.h"

#include "sim/link.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HELD_MAX = 256 << 20, BATCH = 64 };

struct waiting { /* a frame under way */
    struct list at_list;
    plait_time at;
    struct virtio_net_hdr vnet;
    uint32_t len;
    uint8_t data[];
};

struct direction {
    struct sim_link link;
    struct list frames; /* of struct waiting, by arrival */
    uint64_t held;      /* bytes in frames */
    int in, out;        /* sockets */
    uint64_t fate[SIM_FATE_TOO_BIG + 1], duplicates, overflow, uncut, refused;
    uint64_t frames_in, frames_out;
    plait_time last_at; /* arrival of the youngest frame in order, to count reordering */
    uint64_t reordered;
};

struct linker {
    struct link_options o;
    struct direction dir[LINK_DIRS];
    int control;    /* -1: no more commands */
    char line[256]; /* a command that has not ended yet */
    size_t line_len;
    plait_time start;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static plait_time clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (plait_time)t.tv_sec * PLAIT_SEC + (plait_time)t.tv_nsec / 1000;
}

/* ---- sockets --------------------------------------------------------------------------------- */

static int fail(const char *name, const char *what)
{
    fprintf(stderr, "plait link: interface '%s': %s: %s%s\n", name, what, strerror(errno),
            errno == EPERM ? " (be root, or in a namespace of your own: unshare -Urn)" : "");
    return -1;
}

static int open_interface(const char *name)
{
    unsigned index = if_nametoindex(name);
    int one = 1, room = 8 << 20;
    struct sockaddr_ll sa = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
    struct packet_mreq all = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};

    if (index == 0)
        return fail(name, "cannot be used (`ip link` shows what there is)");
    /* Protocol 0 until it is bound, so that no frame of another interface slips in. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(name, "raw socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0 ||
        bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        fail(name, "raw socket");
        close(fd);
        return -1;
    }
    return fd;
}

static bool open_all(struct linker *l)
{
    int a = open_interface(l->o.name[0]), b = a < 0 ? -1 : open_interface(l->o.name[1]);

    if (a < 0 || b < 0)
        return false;
    l->dir[LINK_AB].in = l->dir[LINK_BA].out = a;
    l->dir[LINK_BA].in = l->dir[LINK_AB].out = b;
    l->control = STDIN_FILENO;
    /* For reading and writing, so that a writer that leaves does not end it. */
    if (l->o.control != NULL && (l->control = open(l->o.control, O_RDWR | O_CLOEXEC)) < 0) {
        fprintf(stderr, "plait link: --control %s: %s (make it with mkfifo)\n", l->o.control,
                strerror(errno));
        return false;
    }
    return true;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Puts a frame where its arrival belongs: nearly always at the end. */
static void enqueue(struct direction *d, struct waiting *w)
{
    struct list *after = d->frames.prev;

    while (after != &d->frames && LIST_OWNER(after, struct waiting, at_list)->at > w->at)
        after = after->prev;
    list_add_tail(after->next, &w->at_list);
    d->held += w->len;
    if (w->at < d->last_at)
        d->reordered++;
    else
        d->last_at = w->at;
}

static void hold(struct direction *d, const struct link_frame *f, bool mark, plait_time at)
{
    struct waiting *w = d->held + f->len > HELD_MAX ? NULL : malloc(sizeof *w + f->len);

    if (w == NULL) {
        d->overflow++;
        return;
    }
    *w = (struct waiting){.at = at, .vnet = f->vnet, .len = f->len};
    memcpy(w->data, f->data, f->len);
    if (mark && w->len > ETH_HLEN && wire_mark_ce(w->data + ETH_HLEN, w->len - ETH_HLEN))
        d->link.marks++;
    enqueue(d, w);
}

/* Offers one frame of MTU size to the link. */
static void offer(struct direction *d, const struct link_frame *f, plait_time now)
{
    struct sim_verdict v = {.fate = d->link.cfg.down ? SIM_FATE_DOWN : SIM_FATE_PASS, .n = 1};

    if (link_frame_is_neighbour(f))
        v.at[0] = now + d->link.cfg.delay;
    else
        sim_link_send(&d->link, f->len < ETH_HLEN ? 0 : f->len - ETH_HLEN, now, &v);
    d->fate[v.fate]++;
    if (v.fate != SIM_FATE_PASS)
        return;
    d->duplicates += v.n > 1;
    for (unsigned i = 0; i < v.n; i++)
        hold(d, f, v.mark, v.at[i]);
}

static void take(struct direction *d, const struct link_frame *f, plait_time now)
{
    static uint8_t piece[LINK_FRAME_MAX];
    unsigned n = link_frame_count(f);

    d->frames_in += n;
    d->uncut += n == 0;
    for (unsigned i = 0; i < n; i++) {
        struct link_frame one = {.data = piece};
        one.len = link_frame_cut(f, i, piece, &one.vnet);
        offer(d, &one, now);
    }
}

/* Takes what waits at the socket. False: the interface failed. */
static bool receive(struct direction *d, const char *name, plait_time now)
{
    static uint8_t bytes[LINK_FRAME_MAX];

    for (unsigned i = 0; i < BATCH; i++) {
        struct link_frame f = {.data = bytes};
        struct iovec iov[2] = {{&f.vnet, sizeof f.vnet}, {bytes, sizeof bytes}};
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
        ssize_t n = recvmsg(d->in, &msg, MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n < 0 && errno == ENETDOWN)
            continue; /* said once when it goes down; it may come back */
        if (n < 0)
            return fail(name, "receive") == 0;
        if ((size_t)n < sizeof f.vnet || (size_t)n > sizeof f.vnet + sizeof bytes)
            continue;
        f.len = (uint32_t)((size_t)n - sizeof f.vnet);
        take(d, &f, now);
    }
    return true;
}

/* Sends what has arrived by now. */
static void deliver(struct direction *d, plait_time now)
{
    while (!list_empty(&d->frames)) {
        struct waiting *w = LIST_OWNER(d->frames.next, struct waiting, at_list);
        if (w->at > now)
            break;
        struct iovec iov[2] = {{&w->vnet, sizeof w->vnet}, {w->data, w->len}};
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
        if (sendmsg(d->out, &msg, 0) >= 0)
            d->frames_out++;
        else
            d->refused++;
        list_del(&w->at_list);
        d->held -= w->len;
        free(w);
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

static void apply(struct linker *l, const char *name, const char *value)
{
    struct sim_link_config cfg[LINK_DIRS] = {l->dir[LINK_AB].link.cfg, l->dir[LINK_BA].link.cfg};
    char error[160];

    if (!link_options_set(cfg, name, value, error)) {
        fprintf(stderr, "plait link: command: %s\n", error);
        return;
    }
    for (unsigned i = 0; i < LINK_DIRS; i++)
        sim_link_change(&l->dir[i].link, &cfg[i]);
}

static void command(struct linker *l, char *line)
{
    char *rest = NULL, *name = strtok_r(line, " \t\r", &rest),
         *value = strtok_r(NULL, " \t\r", &rest);

    if (name != NULL)
        apply(l, name, value != NULL ? value : "");
}

static void read_commands(struct linker *l)
{
    ssize_t n = read(l->control, l->line + l->line_len, sizeof l->line - 1 - l->line_len);

    if (n <= 0) {
        l->control = -1; /* the end of stdin ends the commands, not the link */
        return;
    }
    l->line_len += (size_t)n;
    for (char *end; (end = memchr(l->line, '\n', l->line_len)) != NULL;) {
        *end = 0;
        command(l, l->line);
        l->line_len -= (size_t)(end + 1 - l->line);
        memmove(l->line, end + 1, l->line_len);
    }
    if (l->line_len == sizeof l->line - 1) {
        fprintf(stderr, "plait link: a command of more than %zu bytes is ignored\n", l->line_len);
        l->line_len = 0;
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static plait_time first_arrival(const struct direction *d)
{
    return list_empty(&d->frames) ? PLAIT_NEVER
                                  : LIST_OWNER(d->frames.next, struct waiting, at_list)->at;
}

static plait_time least(plait_time a, plait_time b)
{
    return a < b ? a : b;
}

static void wait_for_news(struct linker *l, struct pollfd fds[3], const sigset_t *mask)
{
    plait_time now = clock_us(), next = least(first_arrival(&l->dir[0]), first_arrival(&l->dir[1]));
    struct timespec t;

    next = least(next, least(l->o.down_at, l->o.up_at));
    plait_time us = next > now ? next - now : 0;
    t = (struct timespec){.tv_sec = (time_t)(us / PLAIT_SEC),
                          .tv_nsec = (long)(us % PLAIT_SEC) * 1000};
    fds[0] = (struct pollfd){.fd = l->dir[LINK_AB].in, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = l->dir[LINK_BA].in, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = l->control, .events = POLLIN};
    if (ppoll(fds, 3, next == PLAIT_NEVER ? NULL : &t, mask) < 0)
        fds[0].revents = fds[1].revents = fds[2].revents = 0; /* a signal: `stopped` says so */
}

static void timed_changes(struct linker *l, plait_time now)
{
    if (now >= l->o.down_at) {
        apply(l, "down", "");
        l->o.down_at = PLAIT_NEVER;
    }
    if (now >= l->o.up_at) {
        apply(l, "up", "");
        l->o.up_at = PLAIT_NEVER;
    }
}

static bool forward(struct linker *l, const sigset_t *mask)
{
    struct pollfd fds[3];
    bool good = true;

    while (!stopped && good) {
        wait_for_news(l, fds, mask);
        plait_time now = clock_us();
        timed_changes(l, now);
        if (fds[2].revents != 0)
            read_commands(l);
        for (unsigned i = 0; i < LINK_DIRS && good; i++)
            if (fds[i].revents != 0)
                good = receive(&l->dir[i], l->o.name[i], now);
        for (unsigned i = 0; i < LINK_DIRS; i++)
            deliver(&l->dir[i], now);
    }
    return good;
}

static void print_direction(const struct direction *d)
{
    printf("{\"frames_in\": %llu, \"frames_out\": %llu, \"lost\": %llu, ",
           (unsigned long long)d->frames_in, (unsigned long long)d->frames_out,
           (unsigned long long)d->fate[SIM_FATE_LOST]);
    printf("\"queue_full\": %llu, \"down\": %llu, ", (unsigned long long)d->fate[SIM_FATE_QUEUE],
           (unsigned long long)d->fate[SIM_FATE_DOWN]);
    printf("\"marked\": %llu, ", (unsigned long long)d->link.marks);
    printf("\"duplicated\": %llu, \"reordered\": %llu, ", (unsigned long long)d->duplicates,
           (unsigned long long)d->reordered);
    printf("\"overflow\": %llu, \"uncut\": %llu, \"refused\": %llu}",
           (unsigned long long)d->overflow, (unsigned long long)d->uncut,
           (unsigned long long)d->refused);
}

static void finish(struct linker *l)
{
    printf("{\"seconds\": %.3f, \"ab\": ", (double)(clock_us() - l->start) / 1e6);
    print_direction(&l->dir[LINK_AB]);
    printf(", \"ba\": ");
    print_direction(&l->dir[LINK_BA]);
    printf("}\n");
    fflush(stdout);
    for (unsigned i = 0; i < LINK_DIRS; i++) {
        deliver(&l->dir[i], PLAIT_NEVER);
        close(l->dir[i].in);
    }
}

/* SIGINT and SIGTERM are blocked outside of the wait, so that none is missed. */
static void catch_signals(sigset_t *waiting_mask)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigset_t both;

    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    sigprocmask(SIG_BLOCK, &both, waiting_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

int link_main(int argc, char **argv)
{
    static struct linker l;
    char error[160];
    sigset_t mask;

    if (!link_options_parse(&l.o, argc, argv, error)) {
        fprintf(stderr, "plait link: %s; `plait link --help` tells more\n", error);
        return 2;
    }
    if (l.o.help) {
        fputs(link_usage, stdout);
        return 0;
    }
    if (!open_all(&l))
        return 1;
    for (unsigned i = 0; i < LINK_DIRS; i++) {
        sim_link_init(&l.dir[i].link, &l.o.cfg[i], l.o.seed + i);
        list_init(&l.dir[i].frames);
    }
    l.start = clock_us();
    l.o.down_at += l.o.down_at == PLAIT_NEVER ? 0 : l.start;
    l.o.up_at += l.o.up_at == PLAIT_NEVER ? 0 : l.start;
    prctl(PR_SET_TIMERSLACK, 1UL);
    catch_signals(&mask);
    fprintf(stderr, "plait link: forwarding between %s and %s\n", l.o.name[0], l.o.name[1]);
    bool good = forward(&l, &mask);
    finish(&l);
    return good ? 0 : 1;
}
