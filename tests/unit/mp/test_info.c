/* SPDX-License-Identifier: Apache-2.0 */
#include "cm.h"
#include "pair.h"

static struct pair p;

static void connection_and_paths(void **state)
{
    struct mp_info info;
    struct mp_path_info path;

    pair_init(&p, 1, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    p.side[0].locals.v[1].flags |= PLAIT_LOCAL_BACKUP;
    pair_transfer(&p, 100000, 200000);
    pair_connect(&p);
    pair_run(&p, p.now + 2 * PLAIT_SEC);
    mp_conn_info(p.side[0].conn, &info);
    assert_int_equal(info.state, MP_ST_ESTAB);
    assert_int_equal(info.mode, MP_MODE_MULTIPATH);
    assert_true(info.established && !info.checksum);
    assert_int_equal(info.bytes_sent, 100000);
    assert_int_equal(info.bytes_acked, 100000);
    assert_int_equal(info.bytes_received, 200000);
    assert_int_equal(info.send_queued, 0);
    assert_int_equal(info.recv_queued, 0);
    assert_int_equal(info.subflow_n, 2);
    assert_int_equal(info.token_remote, p.side[1].conn->local.token);
    assert_int_equal(info.local.port, 40000);
    assert_int_equal(mp_path_info(p.side[0].conn, 0, &path), 0);
    assert_int_equal(path.state, MP_PATH_OPEN);
    assert_int_equal(path.bytes_sent, 100000);
    assert_true(path.srtt >= 9000 && path.min_rtt > 0 && path.rto >= 200000 && path.cwnd > 0);
    assert_int_equal(path.mss, 1460 - 12 - 28);
    assert_int_equal(mp_path_info(p.side[0].conn, 1, &path), 0);
    assert_true(path.backup_local && !path.backup_remote);
    assert_int_equal(path.local_id, 2);
    assert_int_equal(mp_path_info(p.side[0].conn, 2, &path), PLAIT_ENOENT);
    mp_stale(pair_sub(&p, 0, 1), p.now);
    assert_int_equal(mp_path_info(p.side[0].conn, 1, &path), 0);
    assert_int_equal(path.state, MP_PATH_STALE);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

static void the_dead_are_remembered(void **state)
{
    struct mp_path_info path;
    uint8_t last = 0;

    pair_init(&p, 2, 2);
    p.side[0].keep_open = p.side[1].keep_open = true;
    pair_transfer(&p, 1000, 1000);
    pair_connect(&p);
    pair_run(&p, p.now + PLAIT_SEC);
    for (unsigned i = 0; i < 90; i++) { /* each pair is free again when the RST was sent */
        struct mp_subflow *s = NULL;
        MP_EACH(x, p.side[0].conn)
            if (x->phase == MP_PHASE_OPEN && x->id != 0)
                s = x;
        if (s != NULL) {
            last = s->id;
            mp_subflow_abort(s, PLAIT_REASON_RETRIES, p.now);
        }
        mp_path_unbar_local(p.side[0].conn, 2);
        mp_path_changed(p.side[0].conn);
        pair_run(&p, p.now + 200 * PLAIT_MSEC);
    }
    assert_int_equal(mp_subflow_total(p.side[0].conn), p.side[0].conn->total);
    assert_true(p.side[0].conn->grave_n > MP_GRAVES_MAX);
    assert_int_equal(mp_path_info(p.side[0].conn, 1, &path), PLAIT_ENOENT); /* long ago */
    assert_int_equal(mp_path_info(p.side[0].conn, last, &path), 0);
    assert_int_equal(path.state, MP_PATH_CLOSED);
    assert_int_equal(path.reason, PLAIT_REASON_RETRIES);
    p.side[0].conn->released = p.side[1].conn->released = true;
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_and_paths), cmocka_unit_test(the_dead_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
