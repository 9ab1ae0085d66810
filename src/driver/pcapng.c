/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files: wire/pcapng.h gives the bytes, this file writes them. Frames are written as the
 * socket saw them: super-segments whole, checksums that a device would fill in unfilled. Called by
 * the host. A write error is remembered and told at the end; it does not stop a transfer. */
#include "pcapng.h"

#include "wire/pcapng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BUFFER = 1 << 18 };

struct drv_pcapng {
    FILE *file;
    char path[256];
    uint32_t interfaces;
    int error; /* errno of the first write that failed */
};

static void put(struct drv_pcapng *p, const void *data, size_t len)
{
    if (p->error == 0 && len > 0 && fwrite(data, len, 1, p->file) != 1)
        p->error = errno ? errno : EIO;
}

struct drv_pcapng *drv_pcapng_open(const char *path, struct drv_error *err)
{
    struct drv_pcapng *p = calloc(1, sizeof *p);
    uint8_t head[WIRE_PCAPNG_HEAD_MAX];

    if (!p) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        return NULL;
    }
    p->file = fopen(path, "wbe");
    if (!p->file) {
        (void)drv_fail(err, DRV_FAULT_USAGE, "--pcap %s: cannot write the capture: %s", path,
                       strerror(errno));
        free(p);
        return NULL;
    }
    (void)snprintf(p->path, sizeof p->path, "%s", path);
    (void)setvbuf(p->file, NULL, _IOFBF, FILE_BUFFER);
    put(p, head, wire_pcapng_section(head));
    return p;
}

uint32_t drv_pcapng_interface(struct drv_pcapng *p, const char *name, bool has_link_header)
{
    uint8_t head[WIRE_PCAPNG_HEAD_MAX];
    uint16_t linktype = has_link_header ? WIRE_LINKTYPE_ETHERNET : WIRE_LINKTYPE_RAW;

    put(p, head, wire_pcapng_interface(linktype, name, head));
    return p->interfaces++;
}

void drv_pcapng_packet(struct drv_pcapng *p, const struct drv_captured *c, const struct iovec *iov,
                       int iov_n)
{
    uint8_t head[WIRE_PCAPNG_HEAD_MAX], tail[WIRE_PCAPNG_TAIL_MAX];
    struct wire_pcapng_packet packet = {
        .interface = c->interface,
        .when = c->when,
        .direction = c->out ? WIRE_PCAPNG_OUT : WIRE_PCAPNG_IN,
    };

    for (int i = 0; i < iov_n; i++)
        packet.len += (uint32_t)iov[i].iov_len;
    put(p, head, wire_pcapng_head(&packet, head));
    for (int i = 0; i < iov_n; i++)
        put(p, iov[i].iov_base, iov[i].iov_len);
    put(p, tail, wire_pcapng_tail(&packet, tail));
}

void drv_pcapng_flush(struct drv_pcapng *p)
{
    if (p->error == 0 && fflush(p->file) != 0)
        p->error = errno;
}

bool drv_pcapng_close(struct drv_pcapng *p, struct drv_error *err)
{
    int error = p->error;

    if (fclose(p->file) != 0 && error == 0)
        error = errno;
    if (error != 0)
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "%s: the capture is not complete: %s", p->path,
                       strerror(error));
    free(p);
    return error == 0;
}
