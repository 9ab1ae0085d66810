/* SPDX-License-Identifier: Apache-2.0 */
/* One interface, whatever the way to it: frames in, frames out, with the kernel's segmentation and
 * checksum offload on both ways. The ways are a small table of drivers (dev.c). */
#ifndef DRV_DEV_H
#define DRV_DEV_H

#include "drv.h"
#include "port.h"

#include <plait/plait.h>
#include <sys/uio.h>

struct drv_dev;
struct drv_driver;

enum { DRV_QUEUES_MAX = 8 };

struct drv_dev_spec {
    uint32_t ifindex; /* 0: the driver makes or finds it by its name */
    const char *name;
    uint16_t link_type;    /* ARPHRD_* */
    uint8_t mac[6];        /* the interface's own; zeros on loopback */
    const uint16_t *ports; /* our TCP ports, host order */
    size_t port_n;         /* 1 to DRV_PORTS_MAX */
    size_t queues;         /* of a device that can have several; 0 is 1 */
    uint8_t shard, shard_n; /* of several hosts that open it each; shard_n 0 or 1: there is one */
    bool offload;          /* false: send one packet at a time, checksums by software */
    /* Sees each frame without the offload header, as it arrived or is about to leave; may be NULL.
     */
    void (*tap)(void *ctx, const struct drv_dev *dev, const struct iovec *iov, int iov_n, bool out);
    void *tap_ctx;
};

struct drv_counters {
    uint64_t frames_in, frames_out; /* super-segments count as one */
    uint64_t bytes_in, bytes_out;   /* of the frames */
    uint64_t in_joined;             /* joined here to the frame before it */
    uint64_t out_cut;               /* packets that super-segments were cut into here */
    uint64_t in_truncated;          /* larger than any frame we can take */
    uint64_t in_kernel_drop;        /* dropped by the kernel: the socket's buffer was full */
    uint64_t in_scratch;            /* without a block of the stack: its memory cap was reached */
    uint64_t out_backlogged;        /* copied and sent later: the socket's send buffer was full */
    uint64_t out_backlog_full;      /* dropped: the backlog was full too */
    uint64_t out_queue_drop;        /* dropped by the interface's queue (ENOBUFS) */
    uint64_t out_error;             /* refused for another reason: link down, too large, gone */
    int last_errno;                 /* of out_error and of failed reads */
};

/* ---- the table ------------------------------------------------------------------------------ */

/* The driver of that name; NULL: there is none. "auto" is what suits most hosts. */
const struct drv_driver *drv_driver_find(const char *name);
/* Names in the order of the table, "auto" first; NULL beyond the end. */
const char *drv_driver_name(size_t i);
/* Its devices lead to addresses of the stack's own, which are not the host's. */
bool drv_driver_has_own_addrs(const struct drv_driver *driver);
/* Fails early, with a clear word, where the system or its rights do not allow the driver. link is
 * any interface of the right kind. */
int drv_driver_probe(const struct drv_driver *driver, const struct drv_dev_spec *link,
                     struct drv_error *err);

/* ---- one device ----------------------------------------------------------------------------- */

/* NULL and err when the interface or the process cannot do it. */
struct drv_dev *drv_dev_open(const struct drv_driver *driver, const struct drv_dev_spec *spec,
                             struct drv_error *err);
void drv_dev_close(struct drv_dev *dev, struct plait_stack *stack);
/* What the device lacks of what its driver could do, as one line for the user; NULL: nothing. */
const char *drv_dev_lost(const struct drv_dev *dev);

/* The descriptors to poll, one for each queue. */
size_t drv_dev_fds(const struct drv_dev *dev, int fd[DRV_QUEUES_MAX]);
uint32_t drv_dev_ifindex(const struct drv_dev *dev);
const char *drv_dev_name(const struct drv_dev *dev);
/* Bytes of link header in front of IP: 14, or 0 on an interface that has none. */
uint8_t drv_dev_link_len(const struct drv_dev *dev);
/* The kernel cuts super-segments for us; turns false when it refuses one. */
bool drv_dev_has_gso(const struct drv_dev *dev);
/* drv_dev_is_ready() tells without a system call whether a frame is there; else poll() does. */
bool drv_dev_can_peek(const struct drv_dev *dev);
bool drv_dev_is_ready(const struct drv_dev *dev);
/* Frames wait for room in the send buffer: poll for POLLOUT, then drv_dev_flush(). */
bool drv_dev_is_blocked(const struct drv_dev *dev);
void drv_dev_counters(struct drv_dev *dev, struct drv_counters *counters);

/* Reads a batch from a queue; the number of frames, 0 when nothing waits. */
size_t drv_dev_recv(struct drv_dev *dev, size_t queue, struct plait_stack *stack);
/* Frame i of the batch as plait_input() takes it, in order; false for one to be skipped. Each has
 * to be given back, before the program sleeps. */
bool drv_dev_frame(struct drv_dev *dev, size_t i, struct plait_in *in);
/* Gives frame i back, whether it was skipped or given to plait_input(), which may have kept
 * in->block. */
void drv_dev_frame_done(struct drv_dev *dev, size_t i, const struct plait_in *in);

/* Adds a packet to the batch; its views must stay valid until drv_dev_flush(). mac is the next
 * hop's. A full batch is flushed first. */
void drv_dev_push(struct drv_dev *dev, const struct plait_out *out, const uint8_t mac[6]);
void drv_dev_flush(struct drv_dev *dev);

#endif
