/* SPDX-License-Identifier: Apache-2.0 */
/* The filter program, run by a small interpreter of classic BPF on hand-made frames. */
#include "netns.h"

#include "driver/dev.h"
#include "driver/filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct frame {
    uint8_t bytes[200];
    size_t len;
    uint32_t protocol, pkttype, vlan;
};

static bool load(const struct frame *f, uint32_t at, unsigned size, uint32_t *a)
{
    *a = 0;
    if (at + size > f->len || at + size < at)
        return false;
    for (unsigned i = 0; i < size; i++)
        *a = *a << 8 | f->bytes[at + i];
    return true;
}

static uint32_t ancillary(const struct frame *f, uint32_t k)
{
    switch (k - (uint32_t)SKF_AD_OFF) {
    case SKF_AD_PROTOCOL:
        return f->protocol;
    case SKF_AD_PKTTYPE:
        return f->pkttype;
    case SKF_AD_VLAN_TAG_PRESENT:
        return f->vlan;
    default:
        fail_msg("unknown ancillary load %x", k);
        return 0;
    }
}

static bool run(const struct sock_filter *prog, size_t n, const struct frame *f)
{
    uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = {0};

    for (size_t pc = 0; pc < n; pc++) {
        const struct sock_filter *i = &prog[pc];
        unsigned size = BPF_SIZE(i->code) == BPF_B ? 1 : BPF_SIZE(i->code) == BPF_H ? 2 : 4;
        switch (i->code) {
        case BPF_RET | BPF_K:
            return i->k != 0;
        case BPF_LD | BPF_W | BPF_ABS:
            a = ancillary(f, i->k);
            break;
        case BPF_LD | BPF_B | BPF_ABS:
        case BPF_LD | BPF_H | BPF_ABS:
            if (!load(f, i->k, size, &a))
                return false;
            break;
        case BPF_LD | BPF_B | BPF_IND:
        case BPF_LD | BPF_H | BPF_IND:
            if (!load(f, x + i->k, size, &a))
                return false;
            break;
        case BPF_LDX | BPF_B | BPF_MSH:
            if (!load(f, i->k, 1, &x))
                return false;
            x = (x & 15) * 4;
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_ALU | BPF_ADD | BPF_K:
            a += i->k;
            break;
        case BPF_ALU | BPF_SUB | BPF_K:
            a -= i->k;
            break;
        case BPF_ALU | BPF_LSH | BPF_K:
            a <<= i->k;
            break;
        case BPF_ALU | BPF_ADD | BPF_X:
            a += x;
            break;
        case BPF_ALU | BPF_RSH | BPF_K:
            a >>= i->k;
            break;
        case BPF_ALU | BPF_MUL | BPF_K:
            a *= i->k;
            break;
        case BPF_ALU | BPF_OR | BPF_X:
            a |= x;
            break;
        case BPF_ST:
            mem[i->k] = a;
            break;
        case BPF_LDX | BPF_MEM:
            x = mem[i->k];
            break;
        case BPF_MISC | BPF_TAX:
            x = a;
            break;
        case BPF_JMP | BPF_JA:
            pc += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            pc += a > i->k ? i->jt : i->jf;
            break;
        default:
            fail_msg("unknown instruction %x", i->code);
        }
    }
    fail_msg("ran off the end");
    return false;
}

static const uint16_t ports[] = {5000, 80};
static unsigned link_len;

static bool passes(const struct frame *f)
{
    struct sock_filter prog[DRV_FILTER_MAX];
    struct drv_filter spec = {.link_len = (uint8_t)link_len, .ports = ports, .port_n = 2};
    size_t n = drv_filter_build(prog, &spec);
    assert_true(n <= DRV_FILTER_MAX);
    return run(prog, n, f);
}

static bool passes_one_of(size_t n, const struct frame *f)
{
    struct sock_filter prog[DRV_FILTER_MAX];
    uint16_t many[DRV_PORTS_MAX];
    for (size_t i = 0; i < n; i++)
        many[i] = (uint16_t)(6000 + i);
    struct drv_filter spec = {.link_len = (uint8_t)link_len, .ports = many, .port_n = n};
    size_t len = drv_filter_build(prog, &spec);
    assert_true(len <= DRV_FILTER_MAX);
    return run(prog, len, f);
}

static struct frame v4(unsigned header, uint8_t protocol)
{
    struct frame f = {.protocol = ETH_P_IP, .len = link_len + header + 20};
    f.bytes[link_len] = (uint8_t)(0x40 | header / 4);
    f.bytes[link_len + 9] = protocol;
    return f;
}

static struct frame v6(uint8_t next)
{
    struct frame f = {.protocol = ETH_P_IPV6, .len = link_len + 60};
    f.bytes[link_len] = 0x60;
    f.bytes[link_len + 6] = next;
    return f;
}

static void put16(struct frame *f, unsigned at, uint16_t v)
{
    f->bytes[link_len + at] = (uint8_t)(v >> 8);
    f->bytes[link_len + at + 1] = (uint8_t)v;
}

static void each_link(void (*test)(void))
{
    for (link_len = 0; link_len <= 14; link_len += 14)
        test();
}

static void check_tcp4(void)
{
    struct frame f = v4(20, 6), g;
    put16(&f, 22, 5000);
    assert_true(passes(&f));
    put16(&f, 22, 80);
    assert_true(passes(&f));
    put16(&f, 22, 81);
    assert_false(passes(&f));
    put16(&f, 20, 5000); /* the source port does not count */
    assert_false(passes(&f));
    f = v4(60, 6); /* with options */
    put16(&f, 62, 5000);
    assert_true(passes(&f));
    put16(&f, 6, 0x2000); /* first fragment: the stack counts it */
    assert_true(passes(&f));
    put16(&f, 6, 0x0001);
    assert_false(passes(&f));
    g = v4(20, 17);
    put16(&g, 22, 5000);
    assert_false(passes(&g));
}

static void tcp4(void **state)
{
    each_link(check_tcp4);
}

static void check_tcp6(void)
{
    struct frame f = v6(6);
    put16(&f, 42, 5000);
    assert_true(passes(&f));
    put16(&f, 42, 5001);
    assert_false(passes(&f));
    f = v6(0); /* hop-by-hop of 16 bytes */
    f.len = link_len + 80;
    f.bytes[link_len + 40] = 6;
    f.bytes[link_len + 41] = 1;
    put16(&f, 58, 80);
    assert_true(passes(&f));
    f.bytes[link_len + 40] = 60;
    assert_false(passes(&f));
    f = v6(44);
    put16(&f, 42, 5000);
    assert_false(passes(&f));
}

static void tcp6(void **state)
{
    each_link(check_tcp6);
}

static void check_icmp(void)
{
    static const struct {
        uint8_t type;
        bool pass;
    } v4_types[] = {{3, true}, {11, true}, {0, false}, {8, false}, {5, false}};
    static const struct {
        uint8_t type;
        bool pass;
    } v6_types[] = {{1, true}, {2, true}, {3, true}, {0, false}, {4, false}, {128, false}};
    for (unsigned i = 0; i < 5; i++) {
        struct frame f = v4(24, 1);
        f.len += 60;
        f.bytes[link_len + 24] = v4_types[i].type;
        f.bytes[link_len + 32] = 0x46; /* the quoted header has options too */
        f.bytes[link_len + 32 + 9] = 6;
        put16(&f, 32 + 24, 5000);
        assert_int_equal(passes(&f), v4_types[i].pass);
        put16(&f, 32 + 24, 5001);
        assert_false(passes(&f));
    }
    for (unsigned i = 0; i < 6; i++) {
        struct frame f = v6(58);
        f.len = link_len + 40 + 8 + 40 + 20;
        f.bytes[link_len + 40] = v6_types[i].type;
        f.bytes[link_len + 48 + 6] = 6;
        put16(&f, 88, 80);
        assert_int_equal(passes(&f), v6_types[i].pass);
        f.bytes[link_len + 48 + 6] = 17;
        assert_false(passes(&f));
    }
}

static void icmp(void **state)
{
    each_link(check_icmp);
}

/* The shard whose filter lets it pass; -1: none. More than one is a failure. */
static int shard_of(const struct frame *f, unsigned shard_n)
{
    int found = -1;

    for (unsigned i = 0; i < shard_n; i++) {
        struct sock_filter prog[DRV_FILTER_MAX];
        struct drv_filter spec = {.link_len = (uint8_t)link_len,
                                  .ports = ports,
                                  .port_n = 2,
                                  .shard = (uint8_t)i,
                                  .shard_n = (uint8_t)shard_n};
        size_t n = drv_filter_build(prog, &spec);
        assert_true(n <= DRV_FILTER_MAX);
        if (!run(prog, n, f))
            continue;
        assert_int_equal(found, -1);
        found = (int)i;
    }
    return found;
}

/* Of several stacks a packet passes to one: that of its ports, whatever form it has. */
static void check_shards(void)
{
    for (unsigned n = 2; n <= 8; n += 3)
        for (uint16_t port = 1000; port < 1030; port++) {
            int home = (int)plait_shard_of_ports(80, port, n);
            struct frame f = v4(24, 6);
            put16(&f, 24, port);
            put16(&f, 26, 80);
            assert_int_equal(shard_of(&f, n), home);
            put16(&f, 26, 81);
            assert_int_equal(shard_of(&f, n), -1);
            f = v4(20, 1);
            f.len += 40;
            f.bytes[link_len + 20] = 3;
            f.bytes[link_len + 28] = 0x45;
            f.bytes[link_len + 28 + 9] = 6;
            put16(&f, 48, 80);
            put16(&f, 50, port);
            assert_int_equal(shard_of(&f, n), home);
            f = v6(6);
            put16(&f, 40, port);
            put16(&f, 42, 80);
            assert_int_equal(shard_of(&f, n), home);
            f = v6(0);
            f.len = link_len + 80;
            f.bytes[link_len + 40] = 6;
            put16(&f, 48, port);
            put16(&f, 50, 80);
            assert_int_equal(shard_of(&f, n), home);
            f = v6(58);
            f.len = link_len + 40 + 8 + 40 + 20;
            f.bytes[link_len + 40] = 1;
            f.bytes[link_len + 48 + 6] = 6;
            put16(&f, 88, 80);
            put16(&f, 90, port);
            assert_int_equal(shard_of(&f, n), home);
        }
}

/* The kernel looks at the program before it takes it. */
static void the_kernel_takes_it(void **state)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    for (uint8_t n = 1; n <= 8; n++) {
        uint16_t many[DRV_PORTS_MAX] = {0};
        struct sock_filter prog[DRV_FILTER_MAX];
        struct drv_filter spec = {
            .link_len = 14, .ports = many, .port_n = DRV_PORTS_MAX, .shard_n = n};
        struct sock_fprog fprog = {.filter = prog};
        fprog.len = (unsigned short)drv_filter_build(prog, &spec);
        assert_int_equal(
            setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof fprog), 0);
    }
    close(fd);
}

static void shards(void **state)
{
    each_link(check_shards);
}

static void only_for_us(void **state)
{
    struct frame f;
    link_len = 14;
    f = v4(20, 6);
    put16(&f, 22, 5000);
    f.pkttype = PACKET_OTHERHOST;
    assert_false(passes(&f));
    f.pkttype = PACKET_HOST;
    f.vlan = 1;
    assert_false(passes(&f));
    f.vlan = 0;
    f.protocol = ETH_P_ARP;
    assert_false(passes(&f));
}

static void check_truncated(void)
{
    struct frame f = v4(20, 6);
    put16(&f, 22, 5000);
    for (f.len = 0; f.len < link_len + 24; f.len++)
        assert_false(passes(&f));
    f = v6(6);
    put16(&f, 42, 5000);
    for (f.len = 0; f.len < link_len + 44; f.len++)
        assert_false(passes(&f));
}

static void truncated(void **state)
{
    each_link(check_truncated);
}

static void check_many_ports(void)
{
    struct frame f = v4(20, 6);
    for (unsigned i = 0; i < DRV_PORTS_MAX; i++) {
        put16(&f, 22, (uint16_t)(6000 + i));
        assert_true(passes_one_of(DRV_PORTS_MAX, &f));
    }
    put16(&f, 22, 6000 + DRV_PORTS_MAX);
    assert_false(passes_one_of(DRV_PORTS_MAX, &f));
}

static void many_ports(void **state)
{
    each_link(check_many_ports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp4),        cmocka_unit_test(tcp6),      cmocka_unit_test(icmp),
        cmocka_unit_test(shards),      cmocka_unit_test(the_kernel_takes_it),
        cmocka_unit_test(only_for_us), cmocka_unit_test(truncated), cmocka_unit_test(many_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
