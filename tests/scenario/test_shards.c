/* SPDX-License-Identifier: Apache-2.0 */
/* A server of several stacks that share its addresses and its port, and many clients with several
 * paths each. Wherever a join comes from, it has to find the stack that has its connection. In each
 * world every connection moves its bytes and has all the subflows that it would have with one
 * stack; and no join is refused for a token that nobody knows. PLAIT_RUNS sets the number of
 * random worlds. */
#include "wire_edit.h"
#include "world.h"

#include "base/addr.h"
#include "base/be.h"
#include "sim/shards.h"

#include <stdlib.h>

/* MESH: what becomes of three addresses on both sides and at most eight subflows. */
enum { SHARDS_MAX = 8, CLIENTS_MAX = 4, CLIENT_SHARDS_MAX = 4, PATHS = 3, MESH = 8 };
enum { PAIRS_MAX = 48, PORT = 5001 };

struct crowd {
    /* what to build */
    uint64_t seed;
    unsigned shard_n, client_n, pair_n;
    unsigned client_shard_n; /* the clients have several stacks, too; 1: they have not */
    struct plait_config server_cfg, client_cfg;
    bool nat;       /* paths but the first show other addresses and ports to the server */
    bool astray;    /* packets come to any shard */
    bool deaf;      /* steering is broken: each shard keeps what it gets */
    uint64_t bytes; /* each way */
    plait_time rest; /* of the client in the middle of it, for joins to come to be */

    struct sim *sim;
    struct sim_node *server[SHARDS_MAX], *client[CLIENTS_MAX][CLIENT_SHARDS_MAX];
    struct sim_shards shards, client_shards[CLIENTS_MAX];
    struct sim_apps apps;
    struct sim_pair pair[PAIRS_MAX];
};

/* ---- the world ------------------------------------------------------------------------------- */

static struct plait_addr server_addr(unsigned path)
{
    return (struct plait_addr){.family = 4, .ip = {10, 9, (uint8_t)path, 1}};
}

static struct plait_addr client_addr(unsigned client, unsigned path, bool outside)
{
    return (struct plait_addr){
        .family = 4, .ip = {outside ? 172 : 10, (uint8_t)client, (uint8_t)path, 2}};
}

static void crowd_init(struct crowd *c, unsigned shard_n)
{
    *c = (struct crowd){.seed = 1,
                        .shard_n = shard_n,
                        .client_n = 3,
                        .client_shard_n = 1,
                        .pair_n = 24,
                        .bytes = 40000,
                        .rest = PLAIT_SEC};
    plait_config_init(&c->client_cfg);
    c->client_cfg.check_invariants = true;
    c->client_cfg.mem_kept = 0;
    c->client_cfg.time_wait = PLAIT_SEC;
    c->server_cfg = c->client_cfg;
}

static void add_local(struct sim_node *node, const struct plait_addr *addr, unsigned path,
                      uint8_t flags)
{
    struct plait_local l = {.addr = *addr,
                            .id = (uint8_t)(path + 1),
                            .flags = flags,
                            .mtu = 1500,
                            .gso_max = 65535,
                            .ifindex = path + 1};

    assert_int_equal(plait_local_add(node->stack, &l, node->sim->now), 0);
}

/* From each address of a client to each of the server, over the client's own link. */
static void add_routes(struct crowd *c, unsigned client, unsigned path)
{
    struct sim_link_config cfg = {
        .rate = 100000000, .delay = (2 + path) * PLAIT_MSEC, .queue = 1 << 20, .mtu = 1500};
    uint16_t up = (uint16_t)sim_link_add(c->sim, &cfg);
    uint16_t down = (uint16_t)sim_link_add(c->sim, &cfg);

    for (unsigned to = 0; to < PATHS; to++) {
        struct sim_route out = {.src = client_addr(client, path, false),
                                .dst = server_addr(to),
                                .hop_n = 1,
                                .hop = {up}};
        struct sim_route back = {.src = server_addr(to),
                                 .dst = client_addr(client, path, c->nat && path > 0),
                                 .hop_n = 1,
                                 .hop = {down}};
        sim_route_add(c->sim, c->server[0], &out);
        sim_route_add(c->sim, c->client[client][0], &back);
    }
}

/* The address of a client's path that is not the first, and its port, change on the way. */
static void translate(void *ctx, struct sim *sim, struct sim_wire *w)
{
    uint8_t *ip = w->bytes, *tcp = edit_tcp(w);
    bool up = w->from->name[0] == 'c';
    uint8_t *addr = ip + (up ? 12 : 16), *port = tcp + (up ? 0 : 2);

    (void)ctx;
    (void)sim;
    if (tcp == NULL || addr[0] != (up ? 10 : 172) || addr[2] == 0)
        return;
    addr[0] = up ? 172 : 10;
    be16_store(port, be16_load(port) ^ (uint16_t)(0x2b0d + addr[2]));
    edit_fix_csum(w);
    be16_store(ip + 10, 0);
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += be16_load(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    be16_store(ip + 10, (uint16_t) ~(sum + (sum >> 16)));
}

static void make_server(struct crowd *c)
{
    struct plait_addr any = {.port = PORT};

    c->server_cfg.shard_n = (uint8_t)c->shard_n;
    c->server_cfg.shard_secret[0] = 0x5eed0000 + c->seed;
    for (unsigned i = 0; i < c->shard_n; i++) {
        struct plait_listener *l;
        c->server_cfg.shard = (uint8_t)i;
        c->server[i] = sim_node_new(c->sim, "server", &c->server_cfg);
        assert_non_null(c->server[i]);
        for (unsigned path = 0; path < PATHS; path++) {
            struct plait_addr addr = server_addr(path);
            add_local(c->server[i], &addr, path, path > 0 ? PLAIT_LOCAL_SIGNAL : 0);
        }
        if (i > 0)
            assert_int_equal(plait_listen(c->server[i]->stack, &any, NULL, &l), 0);
    }
    sim_shards_init(&c->shards, c->server, c->shard_n);
    c->shards.astray = c->astray;
    c->shards.deaf = c->deaf;
    c->shards.wake_max = 300;
}

static void make_client(struct crowd *c, unsigned i)
{
    c->client_cfg.shard_n = (uint8_t)c->client_shard_n;
    for (unsigned shard = 0; shard < c->client_shard_n; shard++) {
        c->client_cfg.shard = (uint8_t)shard;
        c->client[i][shard] = sim_node_new(c->sim, "client", &c->client_cfg);
        assert_non_null(c->client[i][shard]);
        for (unsigned path = 0; path < PATHS; path++) {
            struct plait_addr addr = client_addr(i, path, false);
            add_local(c->client[i][shard], &addr, path, PLAIT_LOCAL_SUBFLOW);
        }
    }
    if (c->client_shard_n > 1)
        sim_shards_init(&c->client_shards[i], c->client[i], c->client_shard_n);
}

static void make_clients(struct crowd *c)
{
    for (unsigned i = 0; i < c->client_n; i++) {
        make_client(c, i);
        for (unsigned path = 0; path < PATHS; path++)
            add_routes(c, i, path);
    }
}

static void start_pair(struct crowd *c, unsigned i)
{
    unsigned shard = i / c->client_n % c->client_shard_n;
    struct sim_pair_config cfg = {.remote = server_addr(0)};

    cfg.client = (struct sim_app_config){.send_bytes = c->bytes,
                                         .write_max = (uint32_t)(c->bytes / 8 + 1),
                                         .rest_at = c->bytes / 2,
                                         .rest_for = c->rest};
    cfg.server = (struct sim_app_config){.send_bytes = c->bytes, .hold_close = true};
    cfg.remote.port = PORT;
    c->apps.client = c->client[i % c->client_n][shard];
    assert_int_equal(sim_pair_start(&c->apps, &c->pair[i], &cfg), 0);
}

static void crowd_start(struct crowd *c)
{
    struct plait_addr any = {.port = PORT};
    const char *pcap = getenv("PLAIT_PCAP");

    c->sim = sim_new(c->seed);
    if (pcap != NULL)
        assert_non_null(sim_pcap_open(c->sim, pcap));
    c->sim->replan_ppm = 100000;
    make_server(c);
    make_clients(c);
    if (c->nat)
        c->sim->hook = translate;
    assert_int_equal(sim_apps_init(&c->apps, c->client[0][0], c->server[0], &any), 0);
    for (unsigned i = 0; i < c->sim->node_n; i++) {
        c->sim->node[i]->on_event = c->client[0][0]->on_event;
        c->sim->node[i]->ctx = &c->apps;
    }
    for (unsigned i = 0; i < c->pair_n; i++)
        start_pair(c, i);
}

static void expect_healthy(const struct crowd *c)
{
    if (c->sim->failure != NULL)
        fail_msg("%s (seed %llu)", c->sim->failure, (unsigned long long)c->seed);
    if (sim_apps_failure(&c->apps) != NULL)
        fail_msg("%s (seed %llu)", sim_apps_failure(&c->apps), (unsigned long long)c->seed);
}

static void crowd_finish(struct crowd *c)
{
    plait_time limit = c->sim->now + 60 * PLAIT_SEC;

    sim_pump(c->sim);
    while (!sim_apps_done(&c->apps) && c->sim->now < limit && sim_step(c->sim))
        ;
    expect_healthy(c);
    assert_true(sim_apps_done(&c->apps));
}

static uint64_t count(const struct crowd *c, enum plait_reason reason)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < c->shard_n; i++)
        n += plait_counter(c->server[i]->stack, reason);
    return n;
}

static uint32_t alive(const struct crowd *c)
{
    struct plait_stack_info info;
    uint32_t n = 0;

    for (unsigned i = 0; i < c->sim->node_n; i++) {
        plait_stack_info(c->sim->node[i]->stack, &info);
        n += info.conns + info.time_wait + info.half_open;
    }
    return n;
}

/* Everything ends, and nothing is left: no memory of connections, and none of guests. */
static void crowd_end(struct crowd *c)
{
    plait_time limit = c->sim->now + 300 * PLAIT_SEC;

    while (alive(c) > 0 && c->sim->now < limit && sim_step(c->sim))
        ;
    sim_run_until(c->sim, c->sim->now + PLAIT_SEC);
    expect_healthy(c);
    assert_int_equal(alive(c), 0);
    for (unsigned i = 0; i < c->sim->node_n && !c->deaf; i++) {
        struct plait_stack_info info;
        plait_stack_info(c->sim->node[i]->stack, &info);
        assert_int_equal(info.away, 0);
        assert_int_equal(info.guests, 0);
    }
    sim_shards_fini(&c->shards);
    for (unsigned i = 0; i < c->client_n; i++)
        sim_shards_fini(&c->client_shards[i]);
    for (unsigned i = 0; i < c->sim->node_n; i++) {
        sim_node_stop(c->sim->node[i]);
        assert_int_equal(c->sim->node[i]->live, 0);
    }
    assert_true(sim_pcap_close(c->sim));
    sim_free(c->sim);
}

/* Subflows of a connection that came to be; path: from this address of the client alone. */
static unsigned established(const struct sim_pair *p, int path)
{
    unsigned n = 0;

    for (unsigned k = 0; k < p->client.info.subflow_total; k++) {
        const struct plait_subflow_info *s = &p->client.path[k];
        n += s->srtt > 0 && (path < 0 || s->local.ip[2] == path);
    }
    return n;
}

static void expect_all(const struct crowd *c)
{
    for (unsigned i = 0; i < c->pair_n; i++) {
        const struct sim_pair *p = &c->pair[i];
        assert_int_equal(p->client.error, 0);
        assert_int_equal(p->server.error, 0);
        assert_true(p->client.info.multipath && p->server.info.multipath);
        assert_int_equal(p->client.received, c->bytes);
        assert_int_equal(p->server.received, c->bytes);
    }
    assert_int_equal(count(c, PLAIT_REASON_JOIN_TOKEN), 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void run(struct crowd *c, unsigned subflows)
{
    crowd_start(c);
    crowd_finish(c);
    expect_all(c);
    for (unsigned i = 0; i < c->pair_n; i++)
        assert_int_equal(established(&c->pair[i], -1), subflows);
}

/* The simplest: two shards, one connection, joins by other ports. */
static void test_one_join(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct crowd c;
        crowd_init(&c, 2);
        c.seed = seed;
        c.client_n = c.pair_n = 1;
        c.nat = true;
        run(&c, MESH);
        crowd_end(&c);
    }
}

static uint64_t packets_in(const struct crowd *c, unsigned shard)
{
    struct plait_stack_info info;

    plait_stack_info(c->server[shard]->stack, &info);
    return info.packets_in;
}

/* Where joins have the ports of the first subflow every packet comes to its shard at once. */
static void test_same_ports_need_no_hand_over(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.pair_n = PAIRS_MAX;
    run(&c, MESH);
    assert_int_equal(c.shards.handed, 0);
    assert_int_equal(c.shards.news, 0);
    for (unsigned i = 0; i < c.shard_n; i++)
        assert_true(packets_in(&c, i) > 0);
    crowd_end(&c);
}

static void test_other_ports(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.nat = true;
    run(&c, MESH);
    assert_true(c.shards.handed > 0 && c.shards.news > 0);
    crowd_end(&c);
}

/* The test above can fail: where each shard keeps what it gets, seven of eight joins do not find
 * their connection. */
static void test_without_steering_joins_fail(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.nat = c.deaf = true;
    crowd_start(&c);
    crowd_finish(&c);
    assert_true(count(&c, PLAIT_REASON_JOIN_TOKEN) > c.pair_n);
    for (unsigned i = 0; i < c.pair_n; i++)
        assert_true(established(&c.pair[i], -1) < MESH);
    crowd_end(&c);
}

static void test_packets_come_to_any_shard(void **state)
{
    (void)state;
    for (unsigned nat = 0; nat < 2; nat++) {
        struct crowd c;
        crowd_init(&c, 8);
        c.astray = true;
        c.nat = nat;
        run(&c, MESH);
        assert_true(c.shards.handed > 0);
        crowd_end(&c);
    }
}

static void test_version_0(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.nat = true;
    c.client_cfg.conn.offer_versions = PLAIT_MPTCP_V0;
    run(&c, MESH);
    assert_int_equal(c.pair[0].client.info.version, 0);
    crowd_end(&c);
}

/* No room for half-open connections: the first SYN and the joins are answered without state, and
 * the shard that gets the third ACK of a join knows from it whose it is. */
static void test_cookies(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.nat = true;
    c.server_cfg.half_open_max = 1;
    run(&c, MESH);
    assert_true(count(&c, PLAIT_REASON_COOKIE_ACCEPTED) > c.pair_n / 2);
    crowd_end(&c);
}

/* Several subflows between two addresses, each from a port of its own. */
static void test_ports_of_one_pair(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.client_cfg.conn.pm = "ndiffports";
    c.client_cfg.conn.ports = 4;
    run(&c, 4);
    assert_true(c.shards.handed > 0);
    crowd_end(&c);
}

/* Shards at both ends: a client's port leads back to the shard that drew it. */
static void test_both_ends(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.client_shard_n = 4;
    c.pair_n = PAIRS_MAX;
    run(&c, MESH);
    for (unsigned i = 0; i < c.client_n; i++)
        assert_int_equal(c.client_shards[i].handed, 0);
    crowd_end(&c);
    crowd_init(&c, 8);
    c.client_shard_n = 4;
    c.client_n = 2;
    c.astray = true;
    c.client_cfg.conn.pm = "ndiffports";
    c.client_cfg.conn.ports = 4;
    run(&c, 4);
    crowd_end(&c);
}

/* An address of all clients goes while they rest, and comes back: its subflows join again. */
static void test_joined_again(void **state)
{
    struct crowd c;

    (void)state;
    crowd_init(&c, 8);
    c.nat = true;
    c.rest = 10 * PLAIT_SEC;
    crowd_start(&c);
    sim_run_until(c.sim, c.sim->now + 300 * PLAIT_MSEC);
    for (unsigned i = 0; i < c.client_n; i++)
        assert_int_equal(plait_local_del(c.client[i][0]->stack, 2, c.sim->now), 0);
    sim_run_until(c.sim, c.sim->now + 2 * PLAIT_SEC);
    for (unsigned i = 0; i < c.client_n; i++) {
        struct plait_addr addr = client_addr(i, 1, false);
        add_local(c.client[i][0], &addr, 1, PLAIT_LOCAL_SUBFLOW);
    }
    crowd_finish(&c);
    expect_all(&c);
    for (unsigned i = 0; i < c.pair_n; i++)
        assert_true(established(&c.pair[i], 1) > PATHS); /* those of before, and those of after */
    crowd_end(&c);
}

/* Everything at once, by chance. */
static void test_random_worlds(void **state)
{
    const char *runs = getenv("PLAIT_RUNS");
    uint64_t n = runs != NULL ? strtoull(runs, NULL, 10) / 4 : 60;
    struct sim_rng rng;

    (void)state;
    for (uint64_t seed = 1; seed <= n; seed++) {
        struct crowd c;
        sim_rng_init(&rng, seed);
        crowd_init(&c, 2 + (unsigned)sim_rng_below(&rng, SHARDS_MAX - 1));
        c.seed = seed;
        c.pair_n = 1 + (unsigned)sim_rng_below(&rng, 24);
        c.bytes = 1 + sim_rng_below(&rng, 60000);
        c.nat = sim_rng_chance(&rng, 700000);
        c.astray = sim_rng_chance(&rng, 400000);
        c.client_cfg.conn.checksum = sim_rng_chance(&rng, 200000);
        if (sim_rng_chance(&rng, 300000))
            c.client_cfg.conn.offer_versions = PLAIT_MPTCP_V0;
        else if (sim_rng_chance(&rng, 300000))
            c.server_cfg.half_open_max = 1 + (unsigned)sim_rng_below(&rng, 4);
        run(&c, MESH);
        crowd_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_join),
        cmocka_unit_test(test_same_ports_need_no_hand_over),
        cmocka_unit_test(test_other_ports),
        cmocka_unit_test(test_without_steering_joins_fail),
        cmocka_unit_test(test_packets_come_to_any_shard),
        cmocka_unit_test(test_version_0),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_ports_of_one_pair),
        cmocka_unit_test(test_both_ends),
        cmocka_unit_test(test_joined_again),
        cmocka_unit_test(test_random_worlds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
