/* SPDX-License-Identifier: Apache-2.0 */
#include "cm.h"
#include "pm/pm.h"

#include <string.h>

static struct pm_view view;
static struct pm_decision d;

static struct plait_addr v4(uint8_t a, uint8_t b)
{
    return (struct plait_addr){ .family = 4, .ip = { 10, 0, a, b } };
}

/* Two addresses here, two there; the first pair is in use. */
static int setup(void **state)
{
    memset(&view, 0, sizeof view);
    view.now = 1000;
    view.may_open = view.may_announce = true;
    view.subflows_left = 8;
    view.local_n = view.remote_n = 2;
    view.local[0] = (struct pm_local){ .id = 0, .subflow = true, .addr = v4(1, 1) };
    view.local[1] = (struct pm_local){ .id = 2, .subflow = true, .addr = v4(2, 1) };
    view.remote[0] = (struct pm_remote){ .id = 0, .addr = v4(1, 2) };
    view.remote[1] = (struct pm_remote){ .id = 9, .addr = v4(2, 2) };
    view.subflow_n = 1;
    view.subflow[0] = (struct pm_subflow){ .local_id = 0, .remote_id = 0, .alive = true };
    return 0;
}

static void decide(void)
{
    memset(&d, 0x55, sizeof d);
    pm_fullmesh_ops.decide(&view, &d);
}

static void take(uint8_t local, uint8_t remote)
{
    decide();
    assert_int_equal(d.what, PM_OPEN);
    assert_int_equal(d.local, local);
    assert_int_equal(d.remote, remote);
    view.subflow[view.subflow_n++] =
        (struct pm_subflow){ .local_id = view.local[local].id,
                             .remote_id = view.remote[remote].id, .alive = true };
}

static void opens_every_pair_once(void **state)
{
    take(1, 1); /* both addresses are new: another path */
    take(1, 0);
    take(0, 1);
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    assert_true(d.again == PLAIT_NEVER);
}

/* Three more addresses on each side, in another order: those that look like one network go
 * together. */
static void pairs_what_shares_a_prefix(void **state)
{
    view.local_n = view.remote_n = 4;
    view.local[2] = (struct pm_local){ .id = 3, .subflow = true, .addr = v4(3, 1) };
    view.local[3] = (struct pm_local){ .id = 4, .subflow = true, .addr = v4(4, 1) };
    view.remote[2] = (struct pm_remote){ .id = 8, .addr = v4(4, 2) };
    view.remote[3] = (struct pm_remote){ .id = 7, .addr = v4(3, 2) };
    for (unsigned i = 0; i < 3; i++) {
        decide();
        assert_int_equal(view.local[d.local].addr.ip[2], view.remote[d.remote].addr.ip[2]);
        take(d.local, d.remote);
    }
}

static void opens_the_first_pair_again(void **state)
{
    view.subflow[0].alive = false;
    view.local[0].subflow = false;
    take(0, 0);
}

/*= RFC 6897 5.3.3-5 */
static void keeps_to_limits(void **state)
{
    view.subflows_left = 0;
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    view.subflows_left = 1;
    view.may_open = false;
    decide();
    assert_int_equal(d.what, PM_NOTHING);
}

static void waits_for_barred_pairs(void **state)
{
    view.remote_n = 1;
    view.barred_n = 1;
    view.barred[0] = (struct pm_barred){ 2, 0, 5000 };
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    assert_true(d.again == 5000);
    view.now = 5000;
    take(1, 0);
    view.subflow_n = 1;
    view.barred[0].until = PLAIT_NEVER;
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    assert_true(d.again == PLAIT_NEVER);
}

/*= RFC 8684 3.1-14 */
static void respects_refusal(void **state)
{
    view.remote[0].refuses = true;
    take(1, 1);
    take(0, 1);
    decide();
    assert_int_equal(d.what, PM_NOTHING);
}

/*= RFC 6897 5.3.4-2 */
static void leaves_out_what_cannot_reach(void **state)
{
    view.remote_n = 1;
    view.local[1].addr = (struct plait_addr){ .family = 6, .ip = { 0x20, 0x01, 0x0d, 0xb8 } };
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    view.local[1].addr = (struct plait_addr){ .family = 4, .ip = { 127, 0, 0, 1 } };
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    view.local[1].addr = (struct plait_addr){ .family = 4, .ip = { 169, 254, 0, 1 } };
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    view.local[1].addr = v4(2, 1);
    view.local[1].down = true;
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    view.local[1].down = false;
    view.local[1].subflow = false;
    decide();
    assert_int_equal(d.what, PM_NOTHING);
}

static void announces_first(void **state)
{
    view.local[1].signal = true;
    decide();
    assert_int_equal(d.what, PM_ANNOUNCE);
    assert_int_equal(d.local, 1);
    view.local[1].announced = true;
    take(1, 1);
    view.local[1].announced = false;
    view.may_announce = false;
    take(1, 0);
}

static void does_not_announce_the_known(void **state)
{
    view.may_open = false;
    view.local[0].signal = true;
    decide();
    assert_int_equal(d.what, PM_NOTHING);
    view.local[0].addr.port = 8080;
    decide();
    assert_int_equal(d.what, PM_ANNOUNCE);
    view.local[0].down = true;
    decide();
    assert_int_equal(d.what, PM_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(opens_every_pair_once, setup),
        cmocka_unit_test_setup(pairs_what_shares_a_prefix, setup),
        cmocka_unit_test_setup(opens_the_first_pair_again, setup),
        cmocka_unit_test_setup(keeps_to_limits, setup),
        cmocka_unit_test_setup(waits_for_barred_pairs, setup),
        cmocka_unit_test_setup(respects_refusal, setup),
        cmocka_unit_test_setup(leaves_out_what_cannot_reach, setup),
        cmocka_unit_test_setup(announces_first, setup),
        cmocka_unit_test_setup(does_not_announce_the_known, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
