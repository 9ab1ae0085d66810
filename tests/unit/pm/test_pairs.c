/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

static void nothing(void **state)
{
    d.what = PM_OPEN;
    d.other_port = true;
    pm_nothing(&d);
    assert_int_equal(d.what, PM_NOTHING);
    assert_true(d.again == PLAIT_NEVER && d.again_moved == 0 && !d.other_port);
}

static void another_path_first(void **state)
{
    pm_nothing(&d);
    assert_true(pm_open(&view, &d));
    assert_int_equal(d.local, 1);
    assert_int_equal(d.remote, 1);
    view.subflow_n = 0;
    pm_nothing(&d);
    assert_true(pm_open(&view, &d));
    assert_int_equal(d.local + d.remote, 0);
}

static void barred_for_now(void **state)
{
    view.local_n = 1;
    view.barred_n = 1;
    view.barred[0] = (struct pm_barred){.local_id = 0, .remote_id = 9, .until = 6 * PLAIT_SEC};
    pm_nothing(&d);
    assert_false(pm_open(&view, &d));
    assert_int_equal(d.again, 6 * PLAIT_SEC);
    view.now = 6 * PLAIT_SEC;
    pm_nothing(&d);
    assert_true(pm_open(&view, &d));
}

/* Used or not, the pair itself may be opened; nothing can where the peer or the link forbids it. */
static void the_pair_itself(void **state)
{
    pm_nothing(&d);
    assert_true(pm_may_open_pair(&view, &view.local[0], &view.remote[0], &d));
    view.remote[0].refuses = true;
    assert_false(pm_may_open_pair(&view, &view.local[0], &view.remote[0], &d));
    assert_true(pm_may_open_pair(&view, &view.local[0], &view.remote[1], &d));
    view.local[0].down = true;
    assert_false(pm_may_open_pair(&view, &view.local[0], &view.remote[1], &d));
}

static void announcements(void **state)
{
    pm_nothing(&d);
    assert_false(pm_announce(&view, &d));
    view.local[0].signal = view.local[1].signal = true;
    assert_true(pm_announce(&view, &d));
    assert_int_equal(d.what, PM_ANNOUNCE);
    assert_int_equal(d.local, 1); /* the first one is known */
    view.may_announce = false;
    assert_false(pm_announce(&view, &d));
}

/* An IPv6 address of the interface whose IPv4 address has the first subflow. */
static void the_other_family_waits_and_is_a_backup(void **state)
{
    view.local_n = view.remote_n = 2;
    view.local[0].ifindex = view.local[1].ifindex = 3;
    view.local[1].addr = (struct plait_addr){.family = 6, .ip = {0xfd, 1}};
    view.local[1].signal = true;
    view.remote[1].addr = (struct plait_addr){.family = 6, .ip = {0xfd, 2}};
    view.age = PLAIT_MSEC;
    pm_nothing(&d);
    assert_false(pm_announce(&view, &d) || pm_open(&view, &d));
    assert_int_equal(d.again, view.now + view.demand_after - PLAIT_MSEC);
    assert_int_equal(d.again_moved, view.demand_bytes);
    view.moved = view.demand_bytes;
    pm_nothing(&d);
    assert_true(pm_announce(&view, &d));
    pm_nothing(&d);
    assert_true(pm_open(&view, &d));
    assert_int_equal(d.local, 1);
    assert_true(d.backup);
    view.moved = 0;
    view.age = view.demand_after;
    pm_nothing(&d);
    assert_true(pm_open(&view, &d));
    /* On another interface, or on one that is not known, it is another path. */
    for (uint32_t other = 0; other <= 4; other += 4) {
        view.age = 0;
        view.local[1].ifindex = other;
        pm_nothing(&d);
        assert_true(pm_announce(&view, &d));
        pm_nothing(&d);
        assert_true(pm_open(&view, &d) && !d.backup);
    }
    /* Nor does it wait where the first family has no subflow any more. */
    view.local[1].ifindex = 3;
    view.local[0].down = true;
    view.subflow_n = 0;
    pm_nothing(&d);
    assert_true(pm_open(&view, &d));
    assert_int_equal(d.local, 1);
    assert_false(d.backup);
}

/* The first subflow died, and the backup of the other family is alive: one of the two is to be in
 * use, or all goes elsewhere. */
static void the_first_family_comes_again(void **state)
{
    view.local_n = view.remote_n = 2;
    view.local[0].ifindex = view.local[1].ifindex = 3;
    view.local[1].addr = (struct plait_addr){.family = 6, .ip = {0xfd, 1}};
    view.remote[1].addr = (struct plait_addr){.family = 6, .ip = {0xfd, 2}};
    view.moved = view.demand_bytes;
    view.subflow[0] = view_subflow(1, view.local[1].id, view.remote[1].id);
    view.subflow[0].backup = true;
    pm_nothing(&d);
    assert_true(pm_open(&view, &d));
    assert_int_equal(d.local, 0);
    assert_false(d.backup);
    view.subflow[0].backup = false;
    pm_nothing(&d);
    assert_true(pm_open(&view, &d) && d.backup);
}

#define T(f) cmocka_unit_test_setup(f, view_reset)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing), T(another_path_first), T(barred_for_now), T(the_pair_itself), T(announcements),
        T(the_other_family_waits_and_is_a_backup), T(the_first_family_comes_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
