/* SPDX-License-Identifier: Apache-2.0 */
/* Several hosts in one program, a thread for each. All that their threads share is here: the inbox
 * of each is a list under a lock of its own, held for a few instructions; the rest is made before
 * the threads begin and does not change.
 *
 * A list and not a ring for each pair: a packet that goes to another thread is the exception (see
 * stack/shard.c), there are n * n pairs, and news must not be lost because a ring is full. A packet
 * is copied into its letter, since blocks are their stack's.
 *
 * Of a descriptor the reader is woken up only where his inbox was empty. */
#include "shards.h"

#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "firewall.h"

enum {
    INBOX_MAX = 16 << 20,   /* bytes of packets, as many as a socket's buffer has */
    DRAWS_FOR_EACH = 64,    /* ports drawn for each that is needed, times shards */
    CACHE_LINE = 64,
};

struct inbox {
    _Alignas(CACHE_LINE) pthread_mutex_t lock;
    struct drv_letter *first, **end;
    size_t bytes;
    int fd;
};

struct drv_shards {
    struct inbox inbox[PLAIT_SHARDS_MAX];
    unsigned n;
    uint64_t secret[2];
    size_t own_n;  /* ports of each that lead back to it */
    bool has_port; /* the first port was asked for */
    struct drv_ports ports;
    uint8_t owner[DRV_PORTS_MAX]; /* of ports.number[]; n: all */
    struct drv_firewall firewall;
};

/* ---- ports ---------------------------------------------------------------------------------- */

static int add_common(struct drv_shards *s, uint16_t port, struct drv_error *err)
{
    size_t before = s->ports.n;

    if (drv_ports_add(&s->ports, port, err) < 0)
        return -1;
    if (s->ports.n > before)
        s->owner[before] = (uint8_t)s->n;
    return 0;
}

/* Draws ports until each shard has as many as it needs. One that leads to a shard which has enough
 * is given back; the kernel draws at random, so it does not come again and again. */
static int add_own(struct drv_shards *s, uint16_t peer_port, struct drv_error *err)
{
    size_t have[PLAIT_SHARDS_MAX] = {0}, missing = s->own_n * s->n;
    size_t draws = missing * s->n * DRAWS_FOR_EACH;

    for (; missing > 0; draws--) {
        if (draws == 0)
            return drv_fail(err, DRV_FAULT_SYSTEM,
                            "too few free local ports for %u threads: see "
                            "net.ipv4.ip_local_port_range",
                            s->n);
        if (drv_ports_add(&s->ports, 0, err) < 0)
            return -1;
        size_t last = s->ports.n - 1;
        unsigned shard = plait_shard_of_ports(s->ports.number[last], peer_port, s->n);
        if (have[shard] == s->own_n) {
            drv_ports_drop(&s->ports);
            continue;
        }
        have[shard]++;
        missing--;
        s->owner[last] = (uint8_t)shard;
    }
    return 0;
}

static int reserve_ports(struct drv_shards *s, const struct drv_host_config *config,
                         struct drv_error *err)
{
    const struct drv_paths *paths = &config->paths;

    s->has_port = config->port != 0;
    s->own_n = config->more_ports + (config->port == 0 ? 1u : 0u);
    if (s->own_n * s->n + paths->announce_n >= DRV_PORTS_MAX)
        return drv_fail(err, DRV_FAULT_USAGE, "too many ports, the limit is %d", DRV_PORTS_MAX);
    if (config->port != 0 && add_common(s, config->port, err) < 0)
        return -1;
    for (size_t i = 0; i < paths->announce_n; i++)
        if (paths->announce[i].port != 0 && add_common(s, paths->announce[i].port, err) < 0)
            return -1;
    return add_own(s, paths->peer.port, err);
}

/* A port that all were told to have is the first of each. */
void drv_shards_ports(const struct drv_shards *s, unsigned shard, struct drv_ports *ports)
{
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < s->ports.n; i++) {
            bool ours = s->owner[i] == shard || (s->has_port && i == 0);
            if (ours == (round == 0))
                ports->number[ports->n++] = s->ports.number[i];
        }
}

/* ---- letters -------------------------------------------------------------------------------- */

static void wake(int fd)
{
    const uint64_t one = 1;

    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* False: there is no room for it. */
static bool post(struct inbox *box, struct drv_letter *l, size_t max)
{
    bool was_empty, fits;

    (void)pthread_mutex_lock(&box->lock);
    fits = box->bytes + l->len <= max;
    was_empty = box->first == NULL;
    if (fits) {
        *box->end = l;
        box->end = &l->next;
        box->bytes += l->len;
    }
    (void)pthread_mutex_unlock(&box->lock);
    if (fits && was_empty)
        wake(box->fd);
    return fits;
}

bool drv_shards_hand(struct drv_shards *s, const struct plait_in *in)
{
    struct drv_letter *l = malloc(sizeof *l + in->len);

    if (!l)
        return false;
    *l = (struct drv_letter){.len = (uint32_t)in->len,
                             .ifindex = in->ifindex,
                             .csum_ok = in->csum_ok,
                             .handed = in->handed};
    memcpy(l->bytes, in->ip, in->len);
    if (post(&s->inbox[in->shard], l, INBOX_MAX))
        return true;
    free(l);
    return false;
}

bool drv_shards_tell(struct drv_shards *s, const struct plait_shard_news *news)
{
    struct drv_letter *l = malloc(sizeof *l);

    if (!l)
        return false;
    *l = (struct drv_letter){.news = *news};
    return post(&s->inbox[news->to], l, SIZE_MAX);
}

struct drv_letter *drv_shards_take(struct drv_shards *s, unsigned shard)
{
    struct inbox *box = &s->inbox[shard];
    struct drv_letter *all;

    (void)pthread_mutex_lock(&box->lock);
    all = box->first;
    box->first = NULL;
    box->end = &box->first;
    box->bytes = 0;
    (void)pthread_mutex_unlock(&box->lock);
    return all;
}

int drv_shards_fd(const struct drv_shards *s, unsigned shard)
{
    return s->inbox[shard].fd;
}

void drv_shards_heard(struct drv_shards *s, unsigned shard)
{
    uint64_t n;

    while (read(s->inbox[shard].fd, &n, sizeof n) < 0 && errno == EINTR)
        ;
}

/* ---- birth and death ------------------------------------------------------------------------ */

static int open_inbox(struct inbox *box, struct drv_error *err)
{
    box->end = &box->first;
    if (pthread_mutex_init(&box->lock, NULL) != 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
    box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (box->fd < 0)
        return drv_fail(err, DRV_FAULT_SYSTEM, "cannot make a descriptor: %s", strerror(errno));
    return 0;
}

static int set_up(struct drv_shards *s, const struct drv_host_config *config, struct drv_error *err)
{
    const struct drv_driver *driver = config->driver ? config->driver : drv_driver_find("auto");
    bool own = drv_driver_has_own_addrs(driver);

    for (unsigned i = 0; i < s->n; i++)
        if (open_inbox(&s->inbox[i], err) < 0)
            return -1;
    while (getrandom(s->secret, sizeof s->secret, 0) != (ssize_t)sizeof s->secret)
        if (errno != EINTR)
            abort(); /* no kernel that has packet sockets lacks it */
    drv_ports_init(&s->ports, own);
    if (reserve_ports(s, config, err) < 0)
        return -1;
    return own ? 0 : drv_firewall_open(&s->firewall, s->ports.number, s->ports.n, err);
}

struct drv_shards *drv_shards_new(const struct drv_host_config *config, unsigned n,
                                  struct drv_error *err)
{
    struct drv_shards *s = aligned_alloc(CACHE_LINE, sizeof *s);

    if (!s) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        return NULL;
    }
    memset(s, 0, sizeof *s);
    s->n = n;
    for (unsigned i = 0; i < n; i++)
        s->inbox[i].fd = -1;
    if (set_up(s, config, err) < 0) {
        drv_shards_free(s);
        return NULL;
    }
    return s;
}

void drv_shards_free(struct drv_shards *s)
{
    struct drv_letter *l, *next;

    drv_firewall_close(&s->firewall);
    drv_ports_release(&s->ports);
    for (unsigned i = 0; i < s->n; i++) {
        for (l = s->inbox[i].first; l; l = next) {
            next = l->next;
            free(l);
        }
        if (s->inbox[i].fd >= 0)
            (void)close(s->inbox[i].fd);
        (void)pthread_mutex_destroy(&s->inbox[i].lock);
    }
    free(s);
}

void drv_shards_configure(const struct drv_shards *s, unsigned shard, struct plait_config *config)
{
    config->shard = (uint8_t)shard;
    config->shard_n = (uint8_t)s->n;
    memcpy(config->shard_secret, s->secret, sizeof s->secret);
}
