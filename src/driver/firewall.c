/* SPDX-License-Identifier: Apache-2.0 */
/* The nftables table of one process.
 *
 * A segment for plait's port reaches the packet socket first and then the kernel's IP input. There
 * is no kernel socket for it, so the kernel would answer with a reset. A rule at prerouting, before
 * connection tracking, drops it. ICMP is not touched: the kernel may learn from it too.
 *
 * The table carries the `owner` flag (Linux 5.12): it belongs to the netlink socket inside the nft
 * context and dies with it, also by SIGKILL. Where the flag is refused the table is an ordinary
 * one, removed by drv_firewall_close(), and a table whose process is gone is removed at the next
 * start. */
#include "firewall.h"

#include "port.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nftables/libnftables.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLE_PREFIX "plait_"

enum {
    PORT_TEXT = sizeof "65535, " - 1,
    PORTS_TEXT = DRV_PORTS_MAX * PORT_TEXT + 1,
    SCRIPT_TEXT = PORTS_TEXT + 768,
    NAME_TRIES = 8
};

/* Runs a script; its error text stays in the context's buffer. */
static bool run(struct nft_ctx *ctx, const char *script)
{
    return nft_run_cmd_from_buffer(ctx, script) == 0;
}

static void ports_text(char *buf, size_t size, const uint16_t *ports, size_t n)
{
    size_t used = 0;

    assert(n <= DRV_PORTS_MAX && "a port that is not in the rule would be answered by the kernel");
    buf[0] = '\0';
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%u", i ? ", " : "", ports[i]);
}

/* `fib` keeps the hands off what this host only forwards; a kernel without it gets the plain match.
 * Three commands, one transaction: nft 1.0.6 forgets a chain that stands in one block with table
 * flags. */
static bool add_table(struct drv_firewall *fw, const char *ports, bool owned, bool fib)
{
    char script[SCRIPT_TEXT];
    (void)snprintf(script, sizeof script,
                   "create table inet %s { %s };"
                   " add chain inet %s prerouting"
                   " { type filter hook prerouting priority raw; policy accept; };"
                   " add rule inet %s prerouting %stcp dport { %s } counter drop",
                   fw->table, owned ? "flags owner;" : "", fw->table, fw->table,
                   fib ? "fib daddr type local " : "", ports);
    fw->owned = owned;
    return run(fw->ctx, script);
}

/* The next table of ours in a listing; moves *at behind it. 0 at the end. */
static long next_pid(const char **at)
{
    static const char word[] = "table inet " TABLE_PREFIX;
    const char *found = strstr(*at, word);
    if (!found)
        return 0;
    *at = found + sizeof word - 1;
    return strtol(*at, NULL, 10);
}

/* Tables of dead processes. A table with an owner is never stale, and the kernel refuses to let us
 * delete it, so a process that only looks dead (another pid namespace) is safe there. */
static void sweep(struct nft_ctx *ctx)
{
    const char *list;
    char *copy, script[SCRIPT_TEXT];
    long pid;

    if (!run(ctx, "list tables inet"))
        return;
    copy = strdup(nft_ctx_get_output_buffer(ctx));
    list = copy;
    while (list && (pid = next_pid(&list)) != 0) {
        size_t len = strcspn(list, " \n\t{");
        if (pid < 0 || len > 30 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        (void)snprintf(script, sizeof script, "delete table inet " TABLE_PREFIX "%.*s", (int)len,
                       list);
        (void)run(ctx, script);
    }
    free(copy);
}

/* Asks for the right to change this network, by a socket option that needs it and does nothing
 * here: libnftables would write about the lack of it to stderr by itself, once for each try. */
static bool is_permitted(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int off = TCP_REPAIR_OFF_NO_WP;
    bool ok =
        fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof off) == 0 || errno != EPERM;

    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static int fail_permission(struct drv_error *err)
{
    return drv_fail(err, DRV_FAULT_PERMISSION,
                    "no permission to add a firewall rule: run as root, with CAP_NET_RAW and "
                    "CAP_NET_ADMIN, or in `unshare -Urn`");
}

/* Keeps the first line of what nft said; reading it empties the buffer. */
static void save_error(struct drv_firewall *fw, struct drv_error *err)
{
    const char *why = nft_ctx_get_error_buffer(fw->ctx);
    int len = (int)strcspn(why, "\n");

    (void)drv_fail(
        err, DRV_FAULT_SYSTEM,
        "nftables refused the rule that keeps the kernel from answering (%.*s): it needs the "
        "kernel modules nf_tables and nft_counter",
        len < 200 ? len : 200, why);
}

static bool add_table_somehow(struct drv_firewall *fw, const char *ports, struct drv_error *err)
{
    for (int try = 0; try < 4; try++) {
        if (add_table(fw, ports, try < 2, try % 2 == 0))
            return true;
        if (try == 0)
            save_error(fw, err);
    }
    return false;
}

/* The name may be taken by a second host in this process, or by the same pid of another pid
 * namespace; "not permitted" is what the kernel says of a table that another owns. */
static bool is_taken(const struct drv_error *err)
{
    return strstr(err->text, "exists") || strstr(err->text, "not permitted");
}

int drv_firewall_open(struct drv_firewall *fw, const uint16_t *ports, size_t n,
                      struct drv_error *err)
{
    char text[PORTS_TEXT];

    memset(fw, 0, sizeof *fw);
    if (!is_permitted())
        return fail_permission(err);
    fw->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
    if (!fw->ctx)
        return drv_fail(err, DRV_FAULT_SYSTEM, "nftables is not available");
    (void)nft_ctx_buffer_output(fw->ctx);
    (void)nft_ctx_buffer_error(fw->ctx);
    sweep(fw->ctx);
    ports_text(text, sizeof text, ports, n);
    for (int try = 1; try <= NAME_TRIES; try++) {
        if (try == 1)
            (void)snprintf(fw->table, sizeof fw->table, TABLE_PREFIX "%ld", (long)getpid());
        else
            (void)snprintf(fw->table, sizeof fw->table, TABLE_PREFIX "%ld_%d", (long)getpid(), try);
        if (add_table_somehow(fw, text, err))
            return 0;
        if (!is_taken(err))
            break;
    }
    nft_ctx_free(fw->ctx);
    fw->ctx = NULL;
    return -1;
}

void drv_firewall_close(struct drv_firewall *fw)
{
    char script[SCRIPT_TEXT];

    if (!fw->ctx)
        return;
    (void)snprintf(script, sizeof script, "delete table inet %s", fw->table);
    (void)run(fw->ctx, script);
    nft_ctx_free(fw->ctx);
    fw->ctx = NULL;
}
