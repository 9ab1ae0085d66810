/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of `plait link`: super-segments, which a host with segmentation offload sends, become
 * the frames that a wire would carry. Called by link.c.
 *
 * Checksums are left to the kernel that gets the frame: like the super-segment, each piece says
 * NEEDS_CSUM and holds its pseudo header's sum, which wire_gso_cut() writes. */
#include "link.h"

#include "base/be.h"
#include "wire/wire.h"

#include <string.h>

enum { ETH_LEN = 14, TCP_LEN = 20, IP4_LEN = 20, IP6_LEN = 40, CSUM_AT = 16 };

/* Bytes of the headers of a TCP super-segment, IP and TCP; false where they make no sense. */
static bool headers(const struct link_frame *f, unsigned *ip_len, unsigned *head_len)
{
    unsigned type = f->vnet.gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN, tcp = f->vnet.csum_start;
    unsigned ip_min = type == VIRTIO_NET_HDR_GSO_TCPV4 ? IP4_LEN : IP6_LEN;

    if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6)
        return false;
    if (!(f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || f->vnet.gso_size == 0 ||
        f->vnet.csum_offset != CSUM_AT || tcp < ETH_LEN + ip_min || tcp + TCP_LEN > f->len)
        return false;
    *ip_len = tcp - ETH_LEN;
    *head_len = *ip_len + (unsigned)(f->data[tcp + 12] >> 4) * 4;
    return *head_len >= *ip_len + TCP_LEN && *head_len <= UINT8_MAX && ETH_LEN + *head_len < f->len;
}

unsigned link_frame_count(const struct link_frame *f)
{
    unsigned ip_len, head_len;

    if (f->vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE)
        return 1;
    if (!headers(f, &ip_len, &head_len))
        return 0;
    return wire_gso_count(f->len - ETH_LEN - head_len, f->vnet.gso_size);
}

uint32_t link_frame_cut(const struct link_frame *f, unsigned i, uint8_t *out,
                        struct virtio_net_hdr *vnet)
{
    unsigned ip_len, head_len;

    *vnet = f->vnet;
    if (f->vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE || !headers(f, &ip_len, &head_len)) {
        memcpy(out, f->data, f->len);
        return f->len;
    }
    uint32_t payload = f->len - ETH_LEN - head_len, size = f->vnet.gso_size, skip = i * size;
    uint32_t len = payload - skip < size ? payload - skip : size;
    memcpy(out, f->data, ETH_LEN);
    wire_gso_cut(&(struct wire_gso){f->data + ETH_LEN, head_len, ip_len, size, payload}, i,
                 out + ETH_LEN);
    memcpy(out + ETH_LEN + head_len, f->data + ETH_LEN + head_len + skip, len);
    vnet->gso_type = VIRTIO_NET_HDR_GSO_NONE;
    vnet->gso_size = vnet->hdr_len = 0;
    return ETH_LEN + head_len + len;
}

bool link_frame_is_neighbour(const struct link_frame *f)
{
    if (f->len < ETH_LEN)
        return false;
    uint16_t type = be16_load(f->data + 12);
    if (type == 0x0806)
        return true;
    /* ICMPv6 types 133 to 137, which never follow an extension header that a router reads */
    return type == 0x86dd && f->len > ETH_LEN + IP6_LEN && f->data[ETH_LEN + 6] == 58 &&
           f->data[ETH_LEN + IP6_LEN] >= 133 && f->data[ETH_LEN + IP6_LEN] <= 137;
}
