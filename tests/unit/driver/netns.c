/* SPDX-License-Identifier: Apache-2.0 */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Root needs no user namespace; anybody else becomes root in one. */
static bool unshare_net(void)
{
    char map[64];
    unsigned uid = geteuid(), gid = getegid();

    if (unshare(CLONE_NEWNET) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_file("/proc/self/uid_map", map))
        return false;
    snprintf(map, sizeof map, "0 %u 1", gid);
    return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/gid_map", map);
}

void netns_run(const char *fmt, ...)
{
    char command[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("command failed: %s", command);
}

void netns_enter(void)
{
    if (!unshare_net()) {
        print_message("skipped: no network namespace: %s\n", strerror(errno));
        skip();
    }
    if (system("ip link show lo >/dev/null 2>&1") != 0) {
        print_message("skipped: no ip(8)\n");
        skip();
    }
    netns_run("ip link set lo up");
}

static int child(int fd, int (*peer)(int fd))
{
    char byte = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) < 0 || write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
        return 100;
    /* Without duplicate address detection, which takes a second. */
    if (system("echo 0 > /proc/sys/net/ipv6/conf/far/accept_dad && ip link set lo up && "
               "ip addr add 10.9.0.2/24 dev far && "
               "ip addr add fd09::2/64 dev far nodad && ip link set far up") != 0)
        return 101;
    if (write(fd, &byte, 1) != 1)
        return 102;
    return peer(fd);
}

bool netns_wait_up(struct drv_netmon *mon, const char *name, bool up)
{
    for (unsigned i = 0; i < 300; i++) {
        (void)drv_netmon_read(mon, NULL, NULL);
        if (drv_netmon_find_name(mon, name)->up == up)
            return true;
        usleep(10000);
    }
    return false;
}

void netns_fork(struct netns_peer *p, int (*peer)(int fd))
{
    int pair[2];
    char byte;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fflush(NULL);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        close(pair[0]);
        _exit(child(pair[1], peer));
    }
    close(pair[1]);
    p->fd = pair[0];
    assert_int_equal(read(p->fd, &byte, 1), 1);
    netns_run("ip link add near type veth peer name far netns %d", p->pid);
    netns_run("echo 0 > /proc/sys/net/ipv6/conf/near/accept_dad && ip addr add 10.9.0.1/24 dev "
              "near && ip addr add fd09::1/64 dev near nodad && "
              "ip link set near up");
    assert_int_equal(write(p->fd, &byte, 1), 1);
    assert_int_equal(read(p->fd, &byte, 1), 1);
}

void netns_join(struct netns_peer *p)
{
    int status;

    close(p->fd);
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
