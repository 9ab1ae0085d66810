/* SPDX-License-Identifier: Apache-2.0 */
/* The host: ties devices, netlink, the firewall rule, the reserved port and the capture to
 * one stack, and turns the crank. Called by the programs; one thread.
 *
 * One step is: send what there is, sleep in ppoll, read the clock once, take a batch of packets
 * from each interface, run timers, send. Packets that the stack plans are committed as they go into
 * an interface's batch; the batch leaves by one system call before anything else touches the stack,
 * because the payload is sent from the stack's own memory.
 *
 * ppoll and not libuv: there are a dozen descriptors at most, some of them may be regular files
 * (which epoll refuses), time has to be finer than milliseconds, and the loop belongs to the
 * program. */
#include "host_impl.h"

#include "addr.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { PAGE = 4096, LINE = 64 };
enum { OWN_FDS = 2 }; /* polled before those of the interfaces: netlink, other shards */
enum {
    SPIN_POLL = 20,       /* us between two looks at descriptors that need a system call */
    SPIN_GAP = 30,        /* us without a look: was the processor somebody else's meanwhile? */
    ANSWERED_MAX = 32768, /* bytes of packets that the program may be about to answer */
};

#define SETTLE_MAX (3 * PLAIT_SEC) /* duplicate address detection takes one or two seconds */

/* ---- the stack's environment ---------------------------------------------------------------- */

static void *env_alloc(void *ctx, size_t size)
{
    void *mem;
    (void)ctx;
    return posix_memalign(&mem, size >= PAGE ? PAGE : LINE, size) == 0 ? mem : NULL;
}

static void env_free(void *ctx, void *mem, size_t size)
{
    (void)ctx;
    (void)size;
    free(mem);
}

/* The kernel gives up to 256 bytes whole. */
static void draw(struct drv_host *host)
{
    while (getrandom(host->random, sizeof host->random, 0) != (ssize_t)sizeof host->random)
        if (errno != EINTR)
            abort(); /* no kernel that has packet sockets lacks it */
    host->random_left = sizeof host->random;
}

/* A connection asks for a few bytes at a time, a system call would give as many as a block. What
 * was given is not kept. */
static void env_random(void *ctx, void *buf, size_t len)
{
    struct drv_host *host = ctx;
    uint8_t *at = buf;

    while (len > 0) {
        size_t n;
        if (host->random_left == 0)
            draw(host);
        n = len < host->random_left ? len : host->random_left;
        host->random_left -= n;
        memcpy(at, host->random + host->random_left, n);
        memset(host->random + host->random_left, 0, n);
        at += n;
        len -= n;
    }
}

static void env_trace(void *ctx, const struct plait_trace *ev)
{
    const struct drv_host *host = ctx;
    host->config.trace(host->config.ctx, ev);
}

static uint64_t clock_us(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void read_clock(struct drv_host *host)
{
    host->now = clock_us(CLOCK_MONOTONIC);
}

/* ---- birth and death ------------------------------------------------------------------------ */

static int reserve_ports(struct drv_host *host, struct drv_error *err)
{
    const struct drv_paths *paths = &host->config.paths;

    if (host->config.shards) {
        drv_shards_ports(host->config.shards, host->config.shard, &host->ports);
        return 0;
    }
    if (host->config.more_ports + paths->announce_n >= DRV_PORTS_MAX)
        return drv_fail(err, DRV_FAULT_USAGE, "too many ports, the limit is %d", DRV_PORTS_MAX);
    if (drv_ports_add(&host->ports, host->config.port, err) < 0)
        return -1;
    for (size_t i = 0; i < host->config.more_ports; i++)
        if (drv_ports_add(&host->ports, 0, err) < 0)
            return -1;
    for (size_t i = 0; i < paths->announce_n; i++)
        if (paths->announce[i].port != 0 &&
            drv_ports_add(&host->ports, paths->announce[i].port, err) < 0)
            return -1;
    return 0;
}

static int open_capture(struct drv_host *host, struct drv_error *err)
{
    struct stat st;

    if (!host->config.pcap)
        return 0;
    if (host->config.shards)
        return drv_fail(err, DRV_FAULT_USAGE, "%s: a capture is for one thread alone",
                        host->config.pcap);
    host->pcap = drv_pcapng_open(host->config.pcap, err);
    if (!host->pcap)
        return -1;
    host->pcap_live = stat(host->config.pcap, &st) == 0 && !S_ISREG(st.st_mode);
    host->epoch = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC);
    return 0;
}

static int make_stack(struct drv_host *host, struct drv_error *err)
{
    struct plait_env env = {
        .ctx = host,
        .alloc = env_alloc,
        .free = env_free,
        .random = env_random,
        .trace = host->config.trace ? env_trace : NULL,
    };

    host->config.stack.join_ports = host->ports.number;
    host->config.stack.join_port_n = host->config.more_ports + 1u;
    host->stack = plait_stack_new(&env, &host->config.stack);
    host->routes = drv_routes_new(host->mon, !host->config.paths.listening);
    if (!host->stack || !host->routes)
        return drv_fail(err, DRV_FAULT_SYSTEM,
                        "cannot make a stack: out of memory, or a name in its "
                        "configuration is unknown");
    return 0;
}

/* Fails early where packets cannot come and go. Loopback is a link that every host has. */
static int probe_driver(struct drv_host *host, struct drv_error *err)
{
    const struct drv_link *link = drv_netmon_link(host->mon, 0);
    uint16_t port = 1;
    struct drv_dev_spec spec = {.ports = &port, .port_n = 1};

    for (size_t i = 0; link && !link->loopback; i++)
        link = drv_netmon_link(host->mon, i);
    if (!link)
        return 0;
    spec.ifindex = link->ifindex;
    spec.name = link->name;
    spec.link_type = link->type;
    return drv_driver_probe(host->config.driver, &spec, err);
}

/* An address that is being checked for duplicates now is worth a moment's wait before a connection
 * is made. A listener takes it up whenever it comes. */
static bool is_settling(const struct drv_host *host)
{
    const struct drv_paths *paths = &host->config.paths;
    const struct drv_ifaddr *a;

    if (paths->listening || host->own)
        return false;
    for (size_t i = 0; (a = drv_netmon_addr(host->mon, i)) != NULL; i++) {
        const struct drv_link *link = drv_netmon_find_link(host->mon, a->ifindex);
        if (a->tentative && link && link->up && a->addr.family == paths->peer.family &&
            addr_is_linklocal(&a->addr) == addr_is_linklocal(&paths->peer))
            return true;
    }
    return false;
}

static void settle(struct drv_host *host)
{
    plait_time end = host->now + SETTLE_MAX;
    while (is_settling(host) && host->now < end)
        drv_host_step(host, 100 * PLAIT_MSEC, NULL, 0);
}

static int usable_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* With addresses of our own the kernel has no TCP that would have to be kept away. Of several
 * shards the set has the rule. */
static int join_network(struct drv_host *host, struct drv_error *err)
{
    if (host->own)
        return drv_own_open(host, err);
    if (host->config.shards)
        return 0;
    return drv_firewall_open(&host->firewall, host->ports.number, host->ports.n, err);
}

static int set_up(struct drv_host *host, struct drv_error *err)
{
    host->mon = drv_netmon_open(err);
    if (!host->mon || drv_paths_check(&host->config.paths, host->mon, err) < 0 ||
        probe_driver(host, err) < 0 || reserve_ports(host, err) < 0 ||
        open_capture(host, err) < 0 || make_stack(host, err) < 0 || join_network(host, err) < 0)
        return -1;
    drv_host_sync(host);
    settle(host);
    read_clock(host); /* all that took some milliseconds */
    return 0;
}

struct drv_host *drv_host_new(const struct drv_host_config *config, struct drv_error *err)
{
    struct drv_host *host = calloc(1, sizeof *host);
    struct drv_error late;

    if (!host) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        return NULL;
    }
    host->config = *config;
    if (!config->driver) /* a ring can be looked at without a system call */
        host->config.driver = drv_driver_find(config->spin > 0 ? "afpacket-ring" : "auto");
    host->own = host->config.paths.own = drv_driver_has_own_addrs(host->config.driver);
    drv_spin_init(&host->spin, config->spin, usable_cpus());
    drv_ports_init(&host->ports, host->own);
    if (config->shards)
        drv_shards_configure(config->shards, config->shard, &host->config.stack);
    read_clock(host);
    if (set_up(host, err) < 0) {
        (void)drv_host_free(host, &late);
        return NULL;
    }
    return host;
}

/* The rule goes after the stack has spoken its last, the port last of all. */
bool drv_host_free(struct drv_host *host, struct drv_error *err)
{
    bool complete;

    drv_own_close(host);
    while (host->iface_n > 0)
        drv_host_iface_close(host, host->iface_n - 1);
    if (host->stack)
        plait_stack_free(host->stack);
    if (host->routes)
        drv_routes_free(host->routes);
    if (host->mon)
        drv_netmon_close(host->mon);
    drv_firewall_close(&host->firewall);
    complete = !host->pcap || drv_pcapng_close(host->pcap, err);
    drv_ports_release(&host->ports);
    free(host);
    return complete;
}

/* ---- what can be asked ---------------------------------------------------------------------- */

struct plait_stack *drv_host_stack(const struct drv_host *host)
{
    return host->stack;
}

uint16_t drv_host_port(const struct drv_host *host)
{
    return host->ports.number[0];
}

uint16_t drv_host_port_at(const struct drv_host *host, size_t i)
{
    return host->ports.number[i];
}

plait_time drv_host_now(const struct drv_host *host)
{
    return host->now;
}

static const char *link_name(const struct drv_host *host, uint32_t ifindex)
{
    const struct drv_link *link = drv_netmon_find_link(host->mon, ifindex);
    return link ? link->name : "?";
}

const char *drv_host_ifname_of(const struct drv_host *host, const struct plait_addr *local)
{
    for (size_t i = 0; i < host->local_n; i++)
        if (addr_same_ip(&host->local[i].addr, local))
            return link_name(host, host->local[i].ifindex);
    return "?";
}

const char *drv_host_ifname_between(const struct drv_host *host, const struct plait_addr *local,
                                    const struct plait_addr *remote)
{
    uint32_t ifindex = drv_routes_last(host->routes, local, remote);
    return ifindex != 0 ? link_name(host, ifindex) : drv_host_ifname_of(host, local);
}

/* Behind a device of our own any address will do: the way from there is the host's business. */
static bool has_way(struct drv_host *host, const struct plait_local *l,
                    const struct plait_addr *peer)
{
    struct drv_route route;
    return host->own || drv_netmon_is_local(host->mon, peer) ||
           drv_netmon_route(host->mon, &l->addr, peer, l->ifindex, &route);
}

static const struct plait_local *local_with_route(struct drv_host *host,
                                                  const struct plait_addr *peer, uint8_t refused)
{
    for (size_t i = 0; i < host->local_n; i++) {
        const struct plait_local *l = &host->local[i];
        if (l->addr.family == peer->family && (l->flags & refused) == 0 && has_way(host, l, peer))
            return l;
    }
    return NULL;
}

/* The local address on the kernel's own way to the peer. */
static const struct plait_local *local_on_route(struct drv_host *host,
                                                const struct plait_addr *peer)
{
    uint32_t ifindex = drv_routes_ifindex(host->routes, peer, host->config.paths.peer_ifindex,
                                          host->now);

    for (size_t i = 0; i < host->local_n && ifindex != 0; i++) {
        const struct plait_local *l = &host->local[i];
        if (l->ifindex == ifindex && l->addr.family == peer->family &&
            (l->flags & (PLAIT_LOCAL_BACKUP | PLAIT_LOCAL_DOWN)) == 0)
            return l;
    }
    return NULL;
}

int drv_host_local_for(struct drv_host *host, const struct plait_addr *peer,
                       struct plait_addr *local, struct drv_error *err)
{
    const struct plait_local *l = local_on_route(host, peer);
    char text[ADDR_TEXT_MAX];

    if (!l)
        l = local_with_route(host, peer, PLAIT_LOCAL_BACKUP | PLAIT_LOCAL_DOWN);
    if (!l)
        l = local_with_route(host, peer, 0);
    if (!l)
        return drv_fail(err, DRV_FAULT_SYSTEM,
                        "no route to %s from any interface in use: see `ip route get %s`%s",
                        drv_addr_ip_text(peer, text), text,
                        host->config.paths.automatic ? ""
                                                     : ", or name other interfaces with --path");
    *local = l->addr;
    local->port = host->ports.number[0];
    return 0;
}

/* ---- packets out ---------------------------------------------------------------------------- */

/* Packets of a cut interface are lost on the way. */
static bool is_cut(const struct drv_host *host, uint32_t ifindex)
{
    return host->cut != 0 && host->cut == ifindex;
}

static void send_by(struct drv_host *host, const struct plait_out *out, const struct drv_hop *hop)
{
    struct drv_iface *iface = drv_host_iface(host, hop->ifindex);
    if (iface && !is_cut(host, hop->ifindex))
        drv_dev_push(iface->dev, out, hop->mac);
}

static void flush(struct drv_host *host)
{
    for (size_t i = 0; i < host->iface_n; i++) {
        struct drv_dev *dev = host->iface[i].dev;
        bool had_gso = drv_dev_has_gso(dev);
        drv_dev_flush(dev);
        if (had_gso && !drv_dev_has_gso(dev))
            drv_host_warn(host,
                          "%s: the interface takes no super-segments: they are cut here, at "
                          "several times the CPU",
                          drv_dev_name(dev));
    }
}

static void refuse(struct drv_host *host, const struct plait_out *out)
{
    struct drv_pair *pair = &host->no_way[host->no_way_n % DRV_NO_WAY_MAX];

    if (host->refused_n == DRV_REFUSED_MAX ||
        !drv_unreach_make(out, &host->refused[host->refused_n]))
        return;
    host->refused_n++;
    host->no_way_n++;
    *pair = (struct drv_pair){.src = out->src, .dst = out->dst, .ifindex = out->ifindex};
}

static void send_or_hold(struct drv_host *host, const struct plait_out *out)
{
    struct drv_hop hop = {.ifindex = out->ifindex};

    if (host->own) {
        send_by(host, out, &hop);
        return;
    }
    switch (drv_routes_find(host->routes, out, host->now, &hop)) {
    case DRV_HOP_READY:
        send_by(host, out, &hop);
        break;
    case DRV_HOP_WAIT:
        drv_routes_hold(host->routes, out);
        break;
    case DRV_HOP_NONE:
    default:
        refuse(host, out);
        break;
    }
}

/* What the other shards have to know of this one's subflows: before a packet leaves whose answer
 * may come to one of them. */
static void tell_shards(struct drv_host *host)
{
    struct plait_shard_news news;

    while (host->config.shards && plait_shard_news_next(host->stack, &news))
        host->unheard += !drv_shards_tell(host->config.shards, &news);
}

/* Packets for which no way is known are committed too: for the stack they are lost on the way. */
static void output_planned(struct drv_host *host)
{
    struct plait_out out;

    while (plait_output_plan(host->stack, host->now, &out)) {
        tell_shards(host);
        send_or_hold(host, &out);
        plait_output_commit(host->stack, host->now);
    }
    tell_shards(host);
    flush(host);
}

static void output(struct drv_host *host)
{
    output_planned(host);
    while (host->refused_n > 0) {
        struct drv_unreach *u = &host->refused[--host->refused_n];
        struct plait_in in = {.ip = u->ip, .len = u->len, .csum_ok = true};
        (void)plait_input(host->stack, &in, host->now);
        if (host->refused_n == 0)
            output_planned(host);
    }
}

static void output_held(struct drv_host *host)
{
    struct plait_out out;
    struct drv_hop hop;

    while (drv_routes_next_held(host->routes, host->now, &out, &hop))
        send_by(host, &out, &hop);
    flush(host);
}

/* ---- packets in ----------------------------------------------------------------------------- */

/* The filter knows ports only. A packet that this host forwards must not be answered, nor one that
 * claims to be for loopback and comes from outside. */
static bool is_ours(const struct drv_host *host, const struct plait_in *in)
{
    bool v6 = in->len > 0 && in->ip[0] >> 4 == 6;
    size_t at = v6 ? 24 : 16, len = v6 ? 16 : 4;
    const struct drv_link *link;
    struct plait_addr dst;

    if (in->len < at + len)
        return false;
    for (size_t i = 0; i < host->local_n; i++) {
        const struct plait_addr *addr = &host->local[i].addr;
        if (addr->family == (v6 ? 6 : 4) && memcmp(addr->ip, in->ip + at, len) == 0)
            return true;
    }
    /* An address that the stack was just told to forget may have a subflow that is closing. */
    dst = drv_addr_make(v6 ? 6 : 4, in->ip + at);
    if (host->own)
        return drv_own_has(host, &dst);
    if (!addr_is_loopback(&dst))
        return drv_netmon_is_local(host->mon, &dst);
    link = drv_netmon_find_link(host->mon, in->ifindex);
    return link && link->loopback;
}

/* The stack counts what it drops. */
static void give_stack(struct drv_host *host, struct plait_in *in)
{
    if (plait_input(host->stack, in, host->now) != PLAIT_REASON_SHARD)
        return;
    if (drv_shards_hand(host->config.shards, in))
        host->handed++;
    else
        host->unheard++;
}

static void input_frame(struct drv_host *host, struct plait_in *in)
{
    if (is_cut(host, in->ifindex))
        return;
    host->taken += in->len;
    if (is_ours(host, in))
        give_stack(host, in);
    else
        host->not_ours++;
}

/* What other shards have for us. */
static void take_letters(struct drv_host *host)
{
    struct drv_letter *l = NULL, *next;

    if (host->config.shards)
        l = drv_shards_take(host->config.shards, host->config.shard);
    for (; l; l = next) {
        struct plait_in in = {.ip = l->bytes,
                              .len = l->len,
                              .csum_ok = l->csum_ok,
                              .ifindex = l->ifindex,
                              .handed = l->handed};
        next = l->next;
        host->taken += l->len;
        if (l->len > 0)
            give_stack(host, &in);
        else
            (void)plait_shard_news(host->stack, &l->news, host->now);
        free(l);
    }
}

/* News that was sent before one of these frames left has come by now, and is taken first. */
static void input(struct drv_host *host, struct drv_dev *dev, size_t queue)
{
    size_t n = drv_dev_recv(dev, queue, host->stack);
    struct plait_in in;

    take_letters(host);
    for (size_t i = 0; i < n; i++) {
        in = (struct plait_in){0};
        if (drv_dev_frame(dev, i, &in))
            input_frame(host, &in);
        drv_dev_frame_done(dev, i, &in);
    }
}

/* ---- the crank ------------------------------------------------------------------------------ */

static void on_neigh(void *ctx, const struct drv_neigh *neigh)
{
    struct drv_host *host = ctx;
    drv_routes_neigh(host->routes, neigh);
}

static void read_news(struct drv_host *host)
{
    unsigned news = drv_netmon_read(host->mon, on_neigh, host);

    if (news & DRV_NEWS_ROUTES) {
        drv_routes_forget(host->routes);
        drv_host_renew(host);
    }
    if (news & (DRV_NEWS_ADDRS | DRV_NEWS_ROUTES))
        host->locals_changed = true;
    if (news & (DRV_NEWS_NEIGH | DRV_NEWS_ROUTES))
        output_held(host);
}

static int poll_fds(struct pollfd *fds, size_t n, plait_time timeout)
{
    struct timespec ts;
    int ready;

    ts.tv_sec = (time_t)(timeout / PLAIT_SEC);
    ts.tv_nsec = (long)(timeout % PLAIT_SEC) * 1000;
    ready = ppoll(fds, n, timeout == PLAIT_NEVER ? NULL : &ts, NULL);
    for (size_t i = 0; ready < 0 && i < n; i++)
        fds[i].revents = 0;
    return ready;
}

/* Which devices have a frame, for devices that can be peeked at; of the other descriptors it says
 * nothing. False: none has. */
static bool peek(const struct drv_host *host, struct pollfd *fds, size_t n)
{
    int queue[DRV_QUEUES_MAX];
    bool found = false;

    for (size_t i = 0; i < n; i++)
        fds[i].revents = 0;
    for (size_t i = 0, at = OWN_FDS; i < host->iface_n; i++) {
        const struct drv_dev *dev = host->iface[i].dev;
        short ready = drv_dev_is_ready(dev) ? POLLIN : 0;
        found = found || ready != 0;
        for (size_t q = drv_dev_fds(dev, queue); q > 0; q--)
            fds[at++].revents = ready;
    }
    return found;
}

/* Involuntary ones: somebody else got the processor. */
static long switches(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

/* Is there news? A device that can be peeked at costs no system call; other descriptors, all of
 * them where there is none, are looked at now and then. */
static bool is_news(struct drv_host *host, plait_time now, struct pollfd *fds, size_t n)
{
    bool can_peek = host->iface_n > 0 && drv_dev_can_peek(host->iface[0].dev);

    if (can_peek && now - host->polled < SPIN_POLL)
        return peek(host, fds, n);
    host->polled = now;
    return poll_fds(fds, n, 0) != 0;
}

/* Looks until there is news, for so long at most. */
static enum drv_spin_end look(struct drv_host *host, plait_time time, struct pollfd *fds, size_t n)
{
    plait_time start = clock_us(CLOCK_MONOTONIC), now = start, last = start;
    long before = switches();

    while (now - start < time) {
        if (is_news(host, now, fds, n))
            return DRV_SPIN_PAID;
        now = clock_us(CLOCK_MONOTONIC);
        if (now - last > SPIN_GAP && switches() != before)
            return DRV_SPIN_TAKEN;
        last = now;
    }
    return DRV_SPIN_FAILED;
}

/* True: fds tell the news. What is there already says nothing of whether it pays to wait. */
static bool spin(struct drv_host *host, plait_time timeout, struct pollfd *fds, size_t n)
{
    plait_time time = drv_spin_begin(&host->spin);
    enum drv_spin_end end;

    if (time == 0 || timeout == 0)
        return false;
    if (is_news(host, clock_us(CLOCK_MONOTONIC), fds, n))
        return true;
    end = look(host, time < timeout ? time : timeout, fds, n);
    drv_spin_end(&host->spin, end);
    return end == DRV_SPIN_PAID;
}

static void sleep_for(struct drv_host *host, plait_time timeout, struct pollfd *fds, size_t n)
{
    plait_time deadline = plait_deadline(host->stack);

    if (deadline <= host->now || plait_event_waits(host->stack))
        timeout = 0;
    else if (deadline != PLAIT_NEVER && deadline - host->now < timeout)
        timeout = deadline - host->now;
    if (!spin(host, timeout, fds, n))
        (void)poll_fds(fds, n, timeout);
}

static size_t gather(const struct drv_host *host, struct pollfd *fds)
{
    int queue[DRV_QUEUES_MAX];
    size_t n = 0;

    fds[n++] = (struct pollfd){.fd = drv_netmon_fd(host->mon), .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = host->config.shards
                                         ? drv_shards_fd(host->config.shards, host->config.shard)
                                         : -1,
                               .events = POLLIN};
    for (size_t i = 0; i < host->iface_n; i++) {
        const struct drv_dev *dev = host->iface[i].dev;
        short events = (short)(POLLIN | (drv_dev_is_blocked(dev) ? POLLOUT : 0));
        size_t queues = drv_dev_fds(dev, queue);
        for (size_t q = 0; q < queues; q++)
            fds[n++] = (struct pollfd){.fd = queue[q], .events = events};
    }
    return n;
}

/* fds are those of gather(), in the same order. */
static void serve(struct drv_host *host, const struct pollfd *fds)
{
    size_t ifaces = host->iface_n, n = OWN_FDS;
    int queue[DRV_QUEUES_MAX];

    if (fds[1].revents != 0) {
        drv_shards_heard(host->config.shards, host->config.shard);
        take_letters(host);
    }
    for (size_t i = 0; i < ifaces; i++) {
        struct drv_dev *dev = host->iface[i].dev;
        size_t queues = drv_dev_fds(dev, queue);
        for (size_t q = 0; q < queues; q++, n++) {
            if (fds[n].revents & POLLOUT)
                drv_dev_flush(dev);
            if (fds[n].revents & (POLLIN | POLLERR))
                input(host, dev, q);
        }
    }
    if (fds[0].revents != 0)
        read_news(host);
    if (host->locals_changed)
        drv_host_sync(host);
    if (plait_deadline(host->stack) <= host->now)
        plait_tick(host->stack, host->now);
}

/* The program is about to answer what came: its answer takes our acknowledgment along. Bulk data is
 * acknowledged at once, so that the peer goes on while the program reads. */
static bool answer_is_likely(const struct drv_host *host)
{
    return host->taken < ANSWERED_MAX && plait_event_waits(host->stack);
}

void drv_host_step(struct drv_host *host, plait_time timeout, struct pollfd *extra, size_t extra_n)
{
    struct pollfd fds[OWN_FDS + DRV_IFACES_MAX * DRV_QUEUES_MAX + DRV_EXTRA_FDS];
    size_t own;

    read_clock(host); /* the program may have taken its time */
    output(host);
    if (host->locals_changed)
        timeout = 0;
    own = gather(host, fds);
    if (extra_n > 0)
        memcpy(fds + own, extra, extra_n * sizeof *extra);
    sleep_for(host, timeout, fds, own + extra_n);
    if (extra_n > 0)
        memcpy(extra, fds + own, extra_n * sizeof *extra);
    read_clock(host);
    host->taken = 0;
    serve(host, fds);
    if (!answer_is_likely(host))
        output(host);
    if (host->pcap_live)
        drv_pcapng_flush(host->pcap);
}

/* ---- changes by the user -------------------------------------------------------------------- */

int drv_host_path_add(struct drv_host *host, const struct drv_path *path, struct drv_error *err)
{
    if (host->own && drv_own_add(host, path, err) < 0)
        return -1;
    if (!drv_netmon_find_name(host->mon, path->ifname))
        return drv_fail(err, DRV_FAULT_USAGE, "%s: there is no such interface", path->ifname);
    if (!drv_paths_add(&host->config.paths, path))
        return drv_fail(err, DRV_FAULT_USAGE, "%s: too many paths, the limit is %d", path->ifname,
                        DRV_PATHS_MAX);
    drv_host_sync(host);
    return 0;
}

int drv_host_path_del(struct drv_host *host, const char *ifname, struct drv_error *err)
{
    if (!drv_paths_remove(&host->config.paths, ifname))
        return drv_fail(err, DRV_FAULT_USAGE, "%s: it is not a path", ifname);
    drv_host_sync(host);
    return 0;
}

int drv_host_path_backup(struct drv_host *host, const char *ifname, bool backup,
                         struct drv_error *err)
{
    if (!drv_paths_set_backup(&host->config.paths, ifname, backup))
        return drv_fail(err, DRV_FAULT_USAGE, "%s: it is not a path", ifname);
    drv_host_sync(host);
    return 0;
}

int drv_host_path_cut(struct drv_host *host, const char *ifname, struct drv_error *err)
{
    const struct drv_link *link = drv_netmon_find_name(host->mon, ifname);

    if (!link)
        return drv_fail(err, DRV_FAULT_USAGE, "%s: there is no such interface", ifname);
    host->cut = link->ifindex;
    return 0;
}
