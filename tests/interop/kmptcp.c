/* SPDX-License-Identifier: Apache-2.0 */
/* Reads from the kernel what it knows about an MPTCP connection: fallback, checksums, and bytes
 * and addresses of each subflow. Called by kpeer's main thread. A subflow that ended is no longer
 * told by the kernel, so the table keeps what was seen before. */
#include <netinet/in.h>
#include <linux/mptcp.h>
#include <linux/tcp.h>

#include "kpeer.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

struct tcpinfos {
    struct mptcp_subflow_data head;
    struct tcp_info info[KMPTCP_SUBFLOWS];
};
struct addrs {
    struct mptcp_subflow_data head;
    struct mptcp_subflow_addrs addr[KMPTCP_SUBFLOWS];
};

static void print_addr(const void *sa, char *out, size_t size)
{
    struct sockaddr_in6 six;
    struct sockaddr_in four;
    char text[INET6_ADDRSTRLEN] = "?";

    memcpy(&six, sa, sizeof six);
    memcpy(&four, sa, sizeof four);
    if (six.sin6_family == AF_INET6) {
        inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
        snprintf(out, size, "[%s]:%u", text, ntohs(six.sin6_port));
    } else {
        inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
        snprintf(out, size, "%s:%u", text, ntohs(four.sin_port));
    }
}

static struct kmptcp_subflow *entry(struct kmptcp *k, const char *local, const char *remote)
{
    for (unsigned i = 0; i < k->n; i++)
        if (strcmp(k->subflow[i].local, local) == 0 && strcmp(k->subflow[i].remote, remote) == 0)
            return &k->subflow[i];
    if (k->n == KMPTCP_SUBFLOWS)
        return NULL;
    struct kmptcp_subflow *s = &k->subflow[k->n++];
    snprintf(s->local, sizeof s->local, "%s", local);
    snprintf(s->remote, sizeof s->remote, "%s", remote);
    return s;
}

static void note(struct kmptcp_subflow *s, const struct tcp_info *t)
{
    s->alive = true;
    s->sent = t->tcpi_bytes_sent;
    s->received = t->tcpi_bytes_received;
    s->rexmit = t->tcpi_bytes_retrans;
    s->rtt_us = t->tcpi_rtt;
    s->ca_state = t->tcpi_ca_state;
}

static void sample_tcp(struct kmptcp *k, int fd)
{
    struct tcp_info info;
    struct sockaddr_storage sa;
    char local[64], remote[64];
    socklen_t len = sizeof info, n = sizeof sa;

    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return;
    if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0)
        return;
    print_addr(&sa, local, sizeof local);
    n = sizeof sa;
    if (getpeername(fd, (struct sockaddr *)&sa, &n) != 0)
        return;
    print_addr(&sa, remote, sizeof remote);
    struct kmptcp_subflow *s = entry(k, local, remote);
    if (s != NULL)
        note(s, &info);
}

static void sample_subflows(struct kmptcp *k, int fd)
{
    static struct tcpinfos t; /* large, and only the main thread comes here */
    static struct addrs a;
    socklen_t tlen = sizeof t, alen = sizeof a;

    memset(&t, 0, sizeof t);
    memset(&a, 0, sizeof a);
    t.head = (struct mptcp_subflow_data){.size_subflow_data = sizeof t.head,
                                         .size_user = sizeof t.info[0]};
    a.head = (struct mptcp_subflow_data){.size_subflow_data = sizeof a.head,
                                         .size_user = sizeof a.addr[0]};
    if (getsockopt(fd, SOL_MPTCP, MPTCP_TCPINFO, &t, &tlen) != 0 ||
        getsockopt(fd, SOL_MPTCP, MPTCP_SUBFLOW_ADDRS, &a, &alen) != 0 ||
        t.head.num_subflows != a.head.num_subflows)
        return;
    if (t.head.num_subflows > k->subflows_max)
        k->subflows_max = t.head.num_subflows;
    for (unsigned i = 0; i < k->n; i++)
        k->subflow[i].alive = false;
    for (unsigned i = 0; i < t.head.num_subflows && i < KMPTCP_SUBFLOWS; i++) {
        char local[64], remote[64];
        print_addr(&a.addr[i].ss_local, local, sizeof local);
        print_addr(&a.addr[i].ss_remote, remote, sizeof remote);
        if (a.addr[i].sin_remote.sin_port == 0)
            continue; /* already closed: no peer any more */
        struct kmptcp_subflow *s = entry(k, local, remote);
        if (s != NULL)
            note(s, &t.info[i]);
    }
}

void kmptcp_sample(struct kmptcp *k, int fd)
{
    struct mptcp_info info;
    socklen_t len = sizeof info;

    memset(&info, 0, sizeof info);
    if (!k->mptcp) {
        sample_tcp(k, fd);
    } else if (getsockopt(fd, SOL_MPTCP, MPTCP_INFO, &info, &len) == 0 &&
               !(info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK)) {
        k->checksum |= info.mptcpi_csum_enabled != 0;
        sample_subflows(k, fd);
    } else {
        k->fallback = true;
        sample_tcp(k, fd);
    }
}

void kmptcp_json(const struct kmptcp *k, FILE *out)
{
    fprintf(out, "\"mptcp\": %s, \"fallback\": %s, \"checksum\": %s, \"subflows_max\": %u, ",
            k->mptcp ? "true" : "false", k->fallback ? "true" : "false",
            k->checksum ? "true" : "false", k->subflows_max);
    fprintf(out, "\"subflows\": [");
    for (unsigned i = 0; i < k->n; i++) {
        const struct kmptcp_subflow *s = &k->subflow[i];
        fprintf(out,
                "%s{\"local\": \"%s\", \"remote\": \"%s\", \"sent\": %llu, \"received\": %llu, "
                "\"retransmitted\": %llu, \"rtt_us\": %u, \"ca_state\": %u, \"alive\": %s}",
                i == 0 ? "" : ", ", s->local, s->remote, (unsigned long long)s->sent,
                (unsigned long long)s->received, (unsigned long long)s->rexmit, s->rtt_us,
                s->ca_state, s->alive ? "true" : "false");
    }
    fprintf(out, "]");
}
