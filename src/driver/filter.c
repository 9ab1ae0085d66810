/* SPDX-License-Identifier: Apache-2.0 */
/* The socket filter of the packet socket (classic BPF). It lets pass what the stack can use and
 * nothing else, so that the process does not wake up for the traffic of others:
 *
 *   frames addressed to this host, without a VLAN tag (a tagged one comes up again on its own
 * interface), TCP to one of our ports, over IPv4 with or without options, over IPv6 with at most
 * one extension header in front, and ICMP errors that quote a TCP segment from one of our ports.
 *
 * The program ends in one tail that compares A with the ports; everything above loads A and jumps
 * there. Of several stacks (shards) each has a socket of its own, whose filter lets pass what
 * belongs to it by its two ports: the other one is stored before A is loaded. A fanout group would
 * spare the others a look at each packet; but its order of sockets changes when an interface goes
 * down and up, and a filter's answer does not. Called by afpacket.c only. */
#include "filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <plait/plait.h>

enum { REMOTE = 0 }; /* where in the scratch memory the remote port is */
enum { ICMP_UNREACH = 3, ICMP_EXCEEDED = 11, ICMP6_UNREACH = 1, ICMP6_EXCEEDED = 3 };

enum {
    LABEL_PORTS,
    LABEL_DROP,
    LABEL_V6,
    LABEL_ICMP4,
    LABEL_ICMP6,
    LABEL_EXT6,
    LABEL_QUOTE,
    LABELS
};

struct asm_state {
    struct sock_filter *prog;
    uint32_t n;
    bool shards;         /* the remote port is asked for, too */
    uint32_t at[LABELS]; /* where each label stands */
    struct {
        uint32_t insn;
        uint8_t label;
    } jump[40]; /* unconditional jumps to be resolved */
    uint32_t jump_n;
};

static void emit(struct asm_state *s, unsigned code, uint32_t k)
{
    s->prog[s->n++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

static void ja(struct asm_state *s, uint8_t label)
{
    s->jump[s->jump_n].insn = s->n;
    s->jump[s->jump_n++].label = label;
    emit(s, BPF_JMP | BPF_JA, 0);
}

/* Goes to label if A == k, else on. */
static void jeq(struct asm_state *s, uint32_t k, uint8_t label)
{
    s->prog[s->n++] =
        (struct sock_filter){.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = k};
    ja(s, label);
}

/* Goes on if A == k, else to label. */
static void need(struct asm_state *s, uint32_t k, uint8_t label)
{
    s->prog[s->n++] =
        (struct sock_filter){.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 1, .jf = 0, .k = k};
    ja(s, label);
}

static void label(struct asm_state *s, uint8_t l)
{
    s->at[l] = s->n;
}

static void ancillary(struct asm_state *s, int what)
{
    emit(s, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + what));
}

/* A segment of this host's or to it: the two ports in its header. mode: at, or X further on. */
static void load_ports(struct asm_state *s, unsigned mode, uint32_t remote_at, uint32_t local_at)
{
    if (s->shards) {
        emit(s, BPF_LD | BPF_H | mode, remote_at);
        emit(s, BPF_ST, REMOTE);
    }
    emit(s, BPF_LD | BPF_H | mode, local_at);
    ja(s, LABEL_PORTS);
}

static void ipv4(struct asm_state *s, uint32_t ip)
{
    emit(s, BPF_LD | BPF_H | BPF_ABS, ip + 6); /* a later fragment has no ports */
    emit(s, BPF_ALU | BPF_AND | BPF_K, 0x1fff);
    need(s, 0, LABEL_DROP);
    emit(s, BPF_LDX | BPF_B | BPF_MSH, ip);
    emit(s, BPF_LD | BPF_B | BPF_ABS, ip + 9);
    jeq(s, IPPROTO_ICMP, LABEL_ICMP4);
    need(s, IPPROTO_TCP, LABEL_DROP);
    load_ports(s, BPF_IND, ip, ip + 2);

    label(s, LABEL_ICMP4);
    emit(s, BPF_LD | BPF_B | BPF_IND, ip);
    jeq(s, ICMP_UNREACH, LABEL_QUOTE);
    need(s, ICMP_EXCEEDED, LABEL_DROP);
    label(s, LABEL_QUOTE);
    emit(s, BPF_LD | BPF_B | BPF_IND, ip + 8 + 9);
    need(s, IPPROTO_TCP, LABEL_DROP);
    emit(s, BPF_LD | BPF_B | BPF_IND, ip + 8); /* X += the quoted header's length */
    emit(s, BPF_ALU | BPF_AND | BPF_K, 15);
    emit(s, BPF_ALU | BPF_LSH | BPF_K, 2);
    emit(s, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(s, BPF_MISC | BPF_TAX, 0);
    load_ports(s, BPF_IND, ip + 8 + 2, ip + 8);
}

static void ipv6(struct asm_state *s, uint32_t ip)
{
    emit(s, BPF_LD | BPF_B | BPF_ABS, ip + 6);
    jeq(s, IPPROTO_ICMPV6, LABEL_ICMP6);
    jeq(s, IPPROTO_HOPOPTS, LABEL_EXT6);
    jeq(s, IPPROTO_ROUTING, LABEL_EXT6);
    jeq(s, IPPROTO_DSTOPTS, LABEL_EXT6);
    need(s, IPPROTO_TCP, LABEL_DROP);
    load_ports(s, BPF_ABS, ip + 40, ip + 40 + 2);

    label(s, LABEL_EXT6);
    emit(s, BPF_LD | BPF_B | BPF_ABS, ip + 40);
    need(s, IPPROTO_TCP, LABEL_DROP);
    emit(s, BPF_LD | BPF_B | BPF_ABS, ip + 41);
    emit(s, BPF_ALU | BPF_ADD | BPF_K, 1);
    emit(s, BPF_ALU | BPF_LSH | BPF_K, 3);
    emit(s, BPF_MISC | BPF_TAX, 0);
    load_ports(s, BPF_IND, ip + 40, ip + 40 + 2);

    label(s, LABEL_ICMP6);
    emit(s, BPF_LD | BPF_B | BPF_ABS, ip + 40);
    /* Types 1 to 3: unreachable, packet too big, time exceeded. */
    emit(s, BPF_ALU | BPF_SUB | BPF_K, ICMP6_UNREACH);
    s->prog[s->n++] = (struct sock_filter){
        .code = BPF_JMP | BPF_JGT | BPF_K, .jt = 0, .jf = 1, .k = ICMP6_EXCEEDED - ICMP6_UNREACH};
    ja(s, LABEL_DROP);
    emit(s, BPF_LD | BPF_B | BPF_ABS, ip + 48 + 6);
    need(s, IPPROTO_TCP, LABEL_DROP);
    load_ports(s, BPF_ABS, ip + 48 + 40 + 2, ip + 48 + 40);
}

/* plait_shard_of_ports(), of A and the other port: over the next instruction if it is this shard.
 */
static void need_shard(struct asm_state *s, const struct drv_filter *f)
{
    emit(s, BPF_ALU | BPF_LSH | BPF_K, 16);
    emit(s, BPF_LDX | BPF_MEM, REMOTE);
    emit(s, BPF_ALU | BPF_OR | BPF_X, 0);
    emit(s, BPF_ALU | BPF_MUL | BPF_K, PLAIT_SHARD_MIX);
    emit(s, BPF_ALU | BPF_RSH | BPF_K, 16);
    emit(s, BPF_ALU | BPF_MUL | BPF_K, f->shard_n);
    emit(s, BPF_ALU | BPF_RSH | BPF_K, 16);
    s->prog[s->n++] = (struct sock_filter){
        .code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 1, .jf = 0, .k = f->shard};
}

/* A match leads over the other ports, and the jump behind them: 255 instructions at most. The drop
 * stands last: the kernel's check takes what follows a return for its continuation, and would miss
 * what is stored on the way here. */
static void tail(struct asm_state *s, const struct drv_filter *f)
{
    label(s, LABEL_PORTS);
    for (size_t i = 0; i < f->port_n; i++)
        s->prog[s->n++] = (struct sock_filter){
            .code = BPF_JMP | BPF_JEQ | BPF_K, .jt = (uint8_t)(f->port_n - i), .k = f->ports[i]};
    if (s->shards) {
        ja(s, LABEL_DROP);
        need_shard(s, f);
    }
    label(s, LABEL_DROP);
    emit(s, BPF_RET | BPF_K, 0);
    emit(s, BPF_RET | BPF_K, UINT32_MAX);
}

size_t drv_filter_build(struct sock_filter *prog, const struct drv_filter *f)
{
    struct asm_state s = {.prog = prog, .shards = f->shard_n > 1};

    ancillary(&s, SKF_AD_PKTTYPE);
    need(&s, PACKET_HOST, LABEL_DROP);
    ancillary(&s, SKF_AD_VLAN_TAG_PRESENT);
    need(&s, 0, LABEL_DROP);
    ancillary(&s, SKF_AD_PROTOCOL);
    jeq(&s, ETH_P_IPV6, LABEL_V6);
    need(&s, ETH_P_IP, LABEL_DROP);
    ipv4(&s, f->link_len);
    label(&s, LABEL_V6);
    ipv6(&s, f->link_len);
    tail(&s, f);
    for (uint32_t i = 0; i < s.jump_n; i++)
        prog[s.jump[i].insn].k = s.at[s.jump[i].label] - s.jump[i].insn - 1;
    return s.n;
}
