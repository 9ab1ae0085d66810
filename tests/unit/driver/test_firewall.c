/* SPDX-License-Identifier: Apache-2.0 */
/* The firewall table and the reserved port, in a namespace of its own. */
#include "netns.h"

#include "driver/firewall.h"
#include "driver/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint16_t ports[] = {5000, 5001};

static bool ruleset_has(const char *text)
{
    char command[128];
    snprintf(command, sizeof command, "nft list ruleset | grep -q '%s'", text);
    return system(command) == 0;
}

static void open_fw(struct drv_firewall *fw)
{
    struct drv_error err;
    if (drv_firewall_open(fw, ports, 2, &err) < 0)
        fail_msg("%s", err.text);
}

static void adds_and_removes(void **state)
{
    struct drv_firewall a, b;

    netns_enter();
    open_fw(&a);
    open_fw(&b); /* a second host in one process */
    assert_true(ruleset_has("tcp dport { 5000, 5001 } counter"));
    assert_true(ruleset_has(a.table));
    assert_true(ruleset_has("hook prerouting priority raw"));
    assert_string_not_equal(a.table, b.table);
    drv_firewall_close(&b);
    drv_firewall_close(&b); /* does no harm */
    assert_false(ruleset_has(b.table));
    assert_true(ruleset_has(a.table));
    drv_firewall_close(&a);
    assert_false(ruleset_has("plait_"));
}

/* Every port is in the rule, as many as a host may have. */
static void knows_all_ports(void **state)
{
    uint16_t many[DRV_PORTS_MAX];
    struct drv_firewall fw;
    struct drv_error err;
    char last[32];

    netns_enter();
    for (unsigned i = 0; i < DRV_PORTS_MAX; i++)
        many[i] = (uint16_t)(20000 + 2 * i);
    if (drv_firewall_open(&fw, many, DRV_PORTS_MAX, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(ruleset_has(" 20000,"));
    (void)snprintf(last, sizeof last, " %u }", many[DRV_PORTS_MAX - 1]);
    assert_true(ruleset_has(last));
    drv_firewall_close(&fw);
}

/* A process that is killed leaves no table behind. */
static void dies_with_its_process(void **state)
{
    int status;
    pid_t pid;

    netns_enter();
    pid = fork();
    if (pid == 0) {
        struct drv_firewall fw;
        open_fw(&fw);
        if (!fw.owned)
            _exit(5); /* a kernel before 5.12: the next start removes it */
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) {
        print_message("skipped: the kernel knows no table owners\n");
        skip();
    }
    assert_false(ruleset_has("plait_"));
}

static void sweeps_what_the_dead_left(void **state)
{
    struct drv_firewall fw;
    pid_t dead = fork();

    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    netns_enter();
    netns_run(
        "nft add table inet plait_%d && nft add table inet plait_1 && nft add table inet other",
        dead);
    open_fw(&fw);
    assert_true(ruleset_has("table inet plait_1 "));
    assert_true(ruleset_has("table inet other "));
    assert_true(ruleset_has(fw.table));
    char name[40];
    snprintf(name, sizeof name, "plait_%d ", dead);
    assert_false(ruleset_has(name));
    drv_firewall_close(&fw);
}

static int try_bind(int family, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(family, SOCK_STREAM, 0), on = 1, error;

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET)
        error = bind(fd, (struct sockaddr *)&v4, sizeof v4) ? errno : 0;
    else
        error = bind(fd, (struct sockaddr *)&v6, sizeof v6) ? errno : 0;
    close(fd);
    return error;
}

static void reserves_a_port(void **state)
{
    struct drv_port p, q;
    struct drv_error err;

    assert_int_equal(drv_port_reserve(&p, 0, &err), 0);
    assert_true(p.port != 0);
    assert_int_equal(try_bind(AF_INET, p.port), EADDRINUSE);
    assert_int_equal(try_bind(AF_INET6, p.port), EADDRINUSE);
    assert_int_equal(drv_port_reserve(&q, p.port, &err), -1);
    assert_non_null(strstr(err.text, "used by another program"));
    drv_port_release(&p);
    assert_int_equal(try_bind(AF_INET, p.port), 0);
    assert_int_equal(drv_port_reserve(&q, 0, &err), 0);
    drv_port_release(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_and_removes),
        cmocka_unit_test(knows_all_ports),
        cmocka_unit_test(dies_with_its_process),
        cmocka_unit_test(sweeps_what_the_dead_left),
        cmocka_unit_test(reserves_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
