/* SPDX-License-Identifier: Apache-2.0 */
/* The packet path by itself: super-segments through packet sockets, without TCP.
 *
 *     rawpath recv IF SHARED             on one host, until the sender has ended
 *     rawpath send IF SHARED SECONDS     on the other one; prints a line of JSON
 *
 * What a stack that uses packet sockets in this way may reach here: the sender copies a segment
 * from a buffer to the place where it would wait for its acknowledgment and gives it to the kernel,
 * two at a time; the receiver takes up to eight into page-aligned buffers. No more than WINDOW are
 * on their way. SHARED is a file in which the receiver counts, in place of the ACKs that a stack
 * would have to send. */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PAYLOAD = 65000, MSS = 1428, HEADERS = 14 + 20 + 32, VNET = sizeof(struct virtio_net_hdr),
    SLOT = 69632, SLOTS = 32, WINDOW = 16, SEND_BATCH = 2, RECV_BATCH = 8, SOURCE = 1 << 20,
    SOCKET_BUFFER = 8 << 20,
};

struct shared {
    uint64_t received; /* by the receiver alone */
    uint32_t receiving;
    _Alignas(128) uint64_t receiver_us; /* its processor time, once it has ended */
    uint32_t stop, ended;
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t processor_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static uint8_t *pages(size_t len)
{
    uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED)
        err(1, "mmap");
    return p;
}

static struct shared *join(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    struct shared *s;

    if (fd < 0 || ftruncate(fd, sizeof *s) < 0)
        err(1, "%s", path);
    s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s == MAP_FAILED)
        err(1, "mmap");
    close(fd);
    return s;
}

static int packet_socket(const char *ifname, uint16_t protocol)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol)), one = 1, size = SOCKET_BUFFER;
    struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol),
                              .sll_ifindex = (int)if_nametoindex(ifname) };

    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
        err(1, "%s", ifname);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return fd;
}

/* Ethernet to a neighbour that there is not, IPv4 and TCP with 12 bytes of options. */
static void make_headers(uint8_t h[VNET + HEADERS])
{
    static const uint8_t frame[HEADERS] = {
        0x02, 0, 0, 0, 0, 9, 0x02, 0, 0, 0, 0, 1, 0x08, 0,
        0x45, 0, (PAYLOAD + 52) >> 8, (PAYLOAD + 52) & 255, 0, 0, 0x40, 0, 64, 6, 0, 0,
        10, 0, 0, 1, 10, 0, 0, 2,
        4, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x10,
    };
    struct virtio_net_hdr v = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .hdr_len = HEADERS,
                                .gso_size = MSS, .csum_start = 34, .csum_offset = 16 };

    memcpy(h, &v, VNET);
    memcpy(h + VNET, frame, sizeof frame);
}

static void point(struct mmsghdr *m, struct iovec io[2], uint8_t *head, uint8_t *body)
{
    io[0] = (struct iovec){ head, VNET + HEADERS };
    io[1] = (struct iovec){ body, PAYLOAD };
    memset(m, 0, sizeof *m);
    m->msg_hdr.msg_iov = io;
    m->msg_hdr.msg_iovlen = 2;
}

static int receive(const char *ifname, struct shared *s)
{
    int fd = packet_socket(ifname, ETH_P_IP);
    uint8_t *slots = pages((size_t)RECV_BATCH * SLOT);
    static uint8_t heads[RECV_BATCH][VNET + HEADERS];
    struct mmsghdr m[RECV_BATCH];
    struct iovec io[RECV_BATCH][2];

    for (int i = 0; i < RECV_BATCH; i++)
        point(&m[i], io[i], heads[i], slots + (size_t)i * SLOT);
    __atomic_store_n(&s->receiving, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
        int n = recvmmsg(fd, m, RECV_BATCH, MSG_DONTWAIT, NULL);
        unsigned whole = 0;
        for (int i = 0; i < n; i++)
            whole += m[i].msg_len == VNET + HEADERS + PAYLOAD;
        __atomic_fetch_add(&s->received, whole, __ATOMIC_RELEASE);
        if (n <= 0)
            poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10);
    }
    s->receiver_us = processor_us();
    __atomic_store_n(&s->ended, 1, __ATOMIC_RELEASE);
    return 0;
}

static void send_batch(int fd, uint64_t sent, uint8_t *slots, const uint8_t *source)
{
    static uint8_t head[VNET + HEADERS];
    struct mmsghdr m[SEND_BATCH];
    struct iovec io[SEND_BATCH][2];

    make_headers(head);
    for (unsigned i = 0; i < SEND_BATCH; i++, sent++) {
        uint8_t *slot = slots + sent % SLOTS * SLOT;
        memcpy(slot, source + sent % (SOURCE / 65536) * 65536, PAYLOAD);
        point(&m[i], io[i], head, slot);
    }
    if (sendmmsg(fd, m, SEND_BATCH, 0) != SEND_BATCH)
        err(1, "sendmmsg");
}

/* The other end raises the flag, or is not there. */
static void await(const uint32_t *flag, const char *what)
{
    for (double start = seconds(); !__atomic_load_n(flag, __ATOMIC_ACQUIRE); usleep(1000))
        if (seconds() - start > 10)
            errx(1, "the receiver %s within 10 s", what);
}

static int transmit(const char *ifname, struct shared *s, double time)
{
    int fd = packet_socket(ifname, 0);
    uint8_t *slots = pages((size_t)SLOTS * SLOT), *source = pages(SOURCE);
    uint64_t sent = 0, received, us;
    double start, end;

    await(&s->receiving, "does not begin");
    us = processor_us();
    for (start = end = seconds(); end - start < time; end = seconds()) {
        if (sent + SEND_BATCH - __atomic_load_n(&s->received, __ATOMIC_ACQUIRE) > WINDOW)
            continue;
        send_batch(fd, sent, slots, source);
        sent += SEND_BATCH;
    }
    us = processor_us() - us;
    received = __atomic_load_n(&s->received, __ATOMIC_ACQUIRE);
    __atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
    await(&s->ended, "does not end");
    if (received == 0)
        errx(1, "nothing arrived");
    printf("{\"gbit_s\":%.3f,\"cpu_seconds_per_gb\":%.4f}\n",
           (double)received * PAYLOAD * 8e-9 / (end - start),
           (double)(us + s->receiver_us) * 1e-6 / ((double)received * PAYLOAD * 1e-9));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "recv") == 0)
        return receive(argv[2], join(argv[3]));
    if (argc == 5 && strcmp(argv[1], "send") == 0)
        return transmit(argv[2], join(argv[3]), atof(argv[4]));
    fprintf(stderr, "usage: rawpath recv IF SHARED | rawpath send IF SHARED SECONDS\n");
    return 2;
}
