/* SPDX-License-Identifier: Apache-2.0 */
/* One packet socket on one interface: frames in, frames out, with the kernel's segmentation and
 * checksum offload on both ways. */
#ifndef DRV_AFPACKET_H
#define DRV_AFPACKET_H

#include "drv.h"
#include "port.h"

#include <plait/plait.h>
#include <sys/uio.h>

struct drv_afp;

struct drv_afp_spec {
    uint32_t ifindex;
    const char *name;
    uint16_t link_type;    /* ARPHRD_* */
    uint8_t mac[6];        /* the interface's own; zeros on loopback */
    const uint16_t *ports; /* our TCP ports, host order */
    size_t port_n;         /* 1 to DRV_PORTS_MAX */
    bool ring;             /* receive from a ring in shared memory, where the kernel has one */
    bool offload;          /* false: send one packet at a time, checksums by software */
    /* Sees each frame without the offload header, as it arrived or is about to leave; may be NULL.
     */
    void (*tap)(void *ctx, const struct drv_afp *afp, const struct iovec *iov, int iov_n, bool out);
    void *tap_ctx;
};

struct drv_afp_counters {
    uint64_t frames_in, frames_out; /* super-segments count as one */
    uint64_t bytes_in, bytes_out;   /* of the frames */
    uint64_t in_truncated;          /* larger than any frame we can take */
    uint64_t in_kernel_drop;        /* dropped by the kernel: the socket's buffer was full */
    uint64_t in_scratch;       /* without a block of the stack: its memory cap was reached */
    uint64_t out_backlogged;   /* copied and sent later: the socket's send buffer was full */
    uint64_t out_backlog_full; /* dropped: the backlog was full too */
    uint64_t out_queue_drop;   /* dropped by the interface's queue (ENOBUFS) */
    uint64_t out_error;        /* refused for another reason: link down, too large, gone */
    int last_errno;            /* of out_error and of failed reads */
};

/* NULL and err when the interface or the process cannot do it. */
struct drv_afp *drv_afp_open(const struct drv_afp_spec *spec, struct drv_error *err);
void drv_afp_close(struct drv_afp *afp, struct plait_stack *stack);

int drv_afp_fd(const struct drv_afp *afp);
uint32_t drv_afp_ifindex(const struct drv_afp *afp);
const char *drv_afp_name(const struct drv_afp *afp);
/* Bytes of link header in front of IP: 14, or 0 on an interface that has none. */
uint8_t drv_afp_link_len(const struct drv_afp *afp);
/* The kernel cuts super-segments for us; turns false when it refuses one. */
bool drv_afp_has_gso(const struct drv_afp *afp);
/* Received frames come by shared memory. */
bool drv_afp_has_ring(const struct drv_afp *afp);
int drv_afp_ring_errno(const struct drv_afp *afp); /* why they do not */
/* A frame is there; without a ring nobody knows before drv_afp_recv(). */
bool drv_afp_is_ready(const struct drv_afp *afp);
/* Frames wait for room in the send buffer: poll for POLLOUT, then drv_afp_flush(). */
bool drv_afp_is_blocked(const struct drv_afp *afp);
void drv_afp_counters(struct drv_afp *afp, struct drv_afp_counters *counters);

/* Reads a batch; the number of frames, 0 when nothing waits. */
size_t drv_afp_recv(struct drv_afp *afp, struct plait_stack *stack);
/* Frame i of the batch as plait_input() takes it, in order; false for one to be skipped. Each has
 * to be given back, before the program sleeps. */
bool drv_afp_frame(struct drv_afp *afp, size_t i, struct plait_in *in);
/* Gives frame i back, whether it was skipped or given to plait_input(), which may have kept
 * in->block. */
void drv_afp_frame_done(struct drv_afp *afp, size_t i, const struct plait_in *in);

/* Adds a packet to the batch; its views must stay valid until drv_afp_flush(). mac is the next
 * hop's. A full batch is flushed first. */
void drv_afp_push(struct drv_afp *afp, const struct plait_out *out, const uint8_t mac[6]);
void drv_afp_flush(struct drv_afp *afp);

/* What drv_afp_push() does where nobody below does checksums: completes the TCP checksum of out,
 * whose header lies in head. */
void drv_afp_finish_checksum(const struct plait_out *out, uint8_t *head);

#endif
