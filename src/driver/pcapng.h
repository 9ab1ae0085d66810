/* SPDX-License-Identifier: Apache-2.0 */
/* Writes captures in pcapng, with the name of the interface and the direction of each packet. */
#ifndef DRV_PCAPNG_H
#define DRV_PCAPNG_H

#include "drv.h"

#include <sys/uio.h>

struct drv_pcapng;

struct drv_captured {
    uint32_t interface; /* from drv_pcapng_interface() */
    uint64_t when;      /* microseconds since 1970 */
    bool out;           /* we sent it */
};

/* Creates or overwrites the file; a fifo is fine. NULL and err on failure. */
struct drv_pcapng *drv_pcapng_open(const char *path, struct drv_error *err);
/* A number for packets to name their interface by. */
uint32_t drv_pcapng_interface(struct drv_pcapng *p, const char *name, bool has_link_header);
void drv_pcapng_packet(struct drv_pcapng *p, const struct drv_captured *c, const struct iovec *iov,
                       int iov_n);
/* Hands everything so far to the file. */
void drv_pcapng_flush(struct drv_pcapng *p);
/* False when the file is not complete: err tells why. */
bool drv_pcapng_close(struct drv_pcapng *p, struct drv_error *err);

#endif
