/* SPDX-License-Identifier: Apache-2.0 */
/* The table of drivers, and what is the same for all of them: counting, the tap, handing received
 * frames on. Owned by the host, one device for each interface in use. How packets leave is in tx.c,
 * how they come in rx_blocks.c and rx_ring.c, how an interface is opened in the driver's own file.
 *
 * A received frame stands in dev->rx from drv_dev_recv() until drv_dev_frame_done(). */
#include "dev_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first is what "auto" means: bulk data is not faster with the ring (DESIGN.md 8). */
static const struct drv_driver *const drivers[] = {&drv_afpacket, &drv_afpacket_ring, &drv_tun};

enum { DRIVERS = sizeof drivers / sizeof drivers[0] };

const struct drv_driver *drv_driver_find(const char *name)
{
    if (strcmp(name, drv_driver_name(0)) == 0)
        return drivers[0];
    for (size_t i = 0; i < DRIVERS; i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}

const char *drv_driver_name(size_t i)
{
    if (i == 0)
        return "auto";
    return i <= DRIVERS ? drivers[i - 1]->name : NULL;
}

bool drv_driver_has_own_addrs(const struct drv_driver *driver)
{
    return driver->own_addrs;
}

int drv_driver_probe(const struct drv_driver *driver, const struct drv_dev_spec *link,
                     struct drv_error *err)
{
    return driver->probe ? driver->probe(link, err) : 0;
}

struct drv_dev *drv_dev_open(const struct drv_driver *driver, const struct drv_dev_spec *spec,
                             struct drv_error *err)
{
    struct drv_dev *dev = calloc(1, sizeof *dev);

    if (!dev) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        return NULL;
    }
    dev->driver = driver;
    dev->spec = *spec;
    dev->ifindex = spec->ifindex;
    (void)strncpy(dev->name, spec->name, sizeof dev->name - 1);
    if (driver->open(dev, err) < 0) {
        drv_dev_close(dev, NULL);
        return NULL;
    }
    dev->tx = drv_tx_new();
    if (!dev->tx) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        drv_dev_close(dev, NULL);
        return NULL;
    }
    return dev;
}

void drv_dev_close(struct drv_dev *dev, struct plait_stack *stack)
{
    dev->driver->close(dev, stack);
    if (dev->join_block)
        plait_block_put(stack, dev->join_block);
    drv_tx_free(dev->tx);
    for (size_t i = 0; i < dev->fd_n; i++)
        (void)close(dev->fd[i]);
    free(dev);
}

const char *drv_dev_lost(const struct drv_dev *dev)
{
    return dev->lost[0] != '\0' ? dev->lost : NULL;
}

/* ---- what can be asked ---------------------------------------------------------------------- */

size_t drv_dev_fds(const struct drv_dev *dev, int fd[DRV_QUEUES_MAX])
{
    memcpy(fd, dev->fd, dev->fd_n * sizeof fd[0]);
    return dev->fd_n;
}

uint32_t drv_dev_ifindex(const struct drv_dev *dev)
{
    return dev->ifindex;
}

const char *drv_dev_name(const struct drv_dev *dev)
{
    return dev->name;
}

uint8_t drv_dev_link_len(const struct drv_dev *dev)
{
    return dev->link_len;
}

bool drv_dev_has_gso(const struct drv_dev *dev)
{
    return dev->gso;
}

bool drv_dev_can_peek(const struct drv_dev *dev)
{
    return dev->driver->is_ready != NULL;
}

bool drv_dev_is_ready(const struct drv_dev *dev)
{
    return dev->driver->is_ready && dev->driver->is_ready(dev);
}

bool drv_dev_is_blocked(const struct drv_dev *dev)
{
    return drv_tx_is_blocked(dev->tx);
}

void drv_dev_counters(struct drv_dev *dev, struct drv_counters *counters)
{
    if (dev->driver->count)
        dev->driver->count(dev);
    *counters = dev->counters;
}

/* ---- receive -------------------------------------------------------------------------------- */

static void count_in(struct drv_dev *dev, struct rx_frame *frame)
{
    struct iovec iov = {(void *)(uintptr_t)frame->bytes, frame->len};

    if (frame->len <= dev->link_len)
        frame->len = 0;
    if (frame->len == 0)
        return;
    dev->counters.frames_in++;
    dev->counters.bytes_in += frame->len;
    if (dev->spec.tap)
        dev->spec.tap(dev->spec.tap_ctx, dev, &iov, 1, false);
}

size_t drv_dev_recv(struct drv_dev *dev, size_t queue, struct plait_stack *stack)
{
    dev->stack = stack;
    dev->rx_n = dev->driver->fill(dev, queue);
    for (size_t i = 0; i < dev->rx_n; i++)
        count_in(dev, &dev->rx[i]);
    return dev->rx_n;
}

bool drv_dev_frame(struct drv_dev *dev, size_t i, struct plait_in *in)
{
    struct rx_frame *frame = &dev->rx[i];

    dev->joined = 1;
    if (frame->len == 0)
        return false;
    if (dev->driver->joins)
        dev->joined = drv_join_from(dev, i, in);
    dev->counters.in_joined += dev->joined - 1;
    if (dev->joined > 1)
        return true;
    in->block = frame->block;
    in->ip = frame->bytes + dev->link_len;
    in->len = frame->len - dev->link_len;
    in->csum_ok = frame->csum_ok;
    in->ifindex = dev->ifindex;
    return true;
}

void drv_dev_frame_done(struct drv_dev *dev, size_t i, const struct plait_in *in)
{
    struct rx_frame *frame = &dev->rx[i];
    bool kept = frame->len > 0 && frame->block && !in->block;

    if (dev->joined > 1) {
        if (in->len >= RX_KEEP && !in->block)
            dev->join_block = NULL;
        kept = false;
    }
    dev->driver->done(dev, i, kept);
    frame->len = 0;
}

/* ---- send ----------------------------------------------------------------------------------- */

void drv_dev_push(struct drv_dev *dev, const struct plait_out *out, const uint8_t mac[6])
{
    drv_tx_push(dev, out, mac);
}

void drv_dev_flush(struct drv_dev *dev)
{
    drv_tx_flush(dev);
}
