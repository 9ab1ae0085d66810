/* SPDX-License-Identifier: Apache-2.0 */
/* The pcapng writer (draft-ietf-opsawg-pcapng): one section, one interface description block for each
 * interface, one enhanced packet block for each frame. Byte order is the machine's, which the section header
 * tells; time is in microseconds, the default resolution. Frames are written as the socket saw them:
 * super-segments whole, checksums that a device would fill in unfilled. Called by the host and the
 * simulator's tools. A write error is remembered and told at the end; it does not stop a transfer. */
#include "pcapng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    OPT_END = 0,
    OPT_USERAPPL = 4,
    OPT_IF_NAME = 2,
    OPT_EPB_FLAGS = 2,
    DIR_IN = 1,
    DIR_OUT = 2,
    FILE_BUFFER = 1 << 18,
};

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

static void put16(struct drv_pcapng *p, uint16_t v)
{
    put(p, &v, sizeof v);
}

static void put32(struct drv_pcapng *p, uint32_t v)
{
    put(p, &v, sizeof v);
}

static uint32_t padded(size_t len)
{
    return (uint32_t)((len + 3) & ~(size_t)3);
}

static void pad(struct drv_pcapng *p, size_t len)
{
    static const uint8_t zeros[4];
    put(p, zeros, padded(len) - len);
}

static void put_text_option(struct drv_pcapng *p, uint16_t code, const char *text)
{
    size_t len = strlen(text);
    put16(p, code);
    put16(p, (uint16_t)len);
    put(p, text, len);
    pad(p, len);
    put16(p, OPT_END);
    put16(p, 0);
}

static void put_section(struct drv_pcapng *p)
{
    static const char name[] = "plait";
    uint32_t len = 28 + 4 + padded(sizeof name - 1) + 4;
    int64_t unknown = -1;

    put32(p, BLOCK_SECTION);
    put32(p, len);
    put32(p, BYTE_ORDER_MAGIC);
    put16(p, 1);
    put16(p, 0);
    put(p, &unknown, sizeof unknown); /* length of the section */
    put_text_option(p, OPT_USERAPPL, name);
    put32(p, len);
}

struct drv_pcapng *drv_pcapng_open(const char *path, struct drv_error *err)
{
    struct drv_pcapng *p = calloc(1, sizeof *p);

    if (!p) {
        (void)drv_fail(err, DRV_FAULT_SYSTEM, "out of memory");
        return NULL;
    }
    p->file = fopen(path, "wbe");
    if (!p->file) {
        (void)drv_fail(err, DRV_FAULT_USAGE, "%s: cannot write the capture: %s", path, strerror(errno));
        free(p);
        return NULL;
    }
    (void)snprintf(p->path, sizeof p->path, "%s", path);
    (void)setvbuf(p->file, NULL, _IOFBF, FILE_BUFFER);
    put_section(p);
    return p;
}

uint32_t drv_pcapng_interface(struct drv_pcapng *p, const char *name, uint16_t linktype)
{
    uint32_t len = 20 + 4 + padded(strlen(name)) + 4;

    put32(p, BLOCK_INTERFACE);
    put32(p, len);
    put16(p, linktype);
    put16(p, 0);
    put32(p, 0); /* no snap length */
    put_text_option(p, OPT_IF_NAME, name);
    put32(p, len);
    return p->interfaces++;
}

void drv_pcapng_packet(struct drv_pcapng *p, uint32_t interface, bool out, uint64_t when,
                       const struct iovec *iov, int iov_n)
{
    size_t bytes = 0;
    uint32_t len;

    for (int i = 0; i < iov_n; i++)
        bytes += iov[i].iov_len;
    len = 32 + padded(bytes) + 12;
    put32(p, BLOCK_PACKET);
    put32(p, len);
    put32(p, interface);
    put32(p, (uint32_t)(when >> 32));
    put32(p, (uint32_t)when);
    put32(p, (uint32_t)bytes);
    put32(p, (uint32_t)bytes);
    for (int i = 0; i < iov_n; i++)
        put(p, iov[i].iov_base, iov[i].iov_len);
    pad(p, bytes);
    put16(p, OPT_EPB_FLAGS);
    put16(p, 4);
    put32(p, out ? DIR_OUT : DIR_IN);
    put16(p, OPT_END);
    put16(p, 0);
    put32(p, len);
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
