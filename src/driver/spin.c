/* SPDX-License-Identifier: Apache-2.0 */
/* Spinning before sleep, as long as it pays. Called by host.c, which does the looking.
 *
 * To wake a sleeping processor costs 40 us and more, several times what a packet needs to a
 * neighbour and back. A program that waits for an answer is better off awake for that moment; one
 * that has nothing to wait for must not burn a processor. So each spin that met news earns credit,
 * each that did not costs some, and without credit only one sleep of many is tried: a program that
 * sleeps a hundred times a second then spins for less than 0.01 % of the time.
 *
 * Where peer and program share a processor the answer cannot come while we spin. That shows as a
 * spin that fails, or as a gap between two looks in which the scheduler gave the processor to
 * somebody else, which takes all credit at once; an interrupt makes a gap too, and says nothing. */
#include "spin.h"

enum {
    CREDIT_FIRST = 2,
    CREDIT_MAX = 8,
    PROBE_EVERY = 64, /* sleeps */
};

void drv_spin_init(struct drv_spin *spin, plait_time max, int cpus)
{
    *spin = (struct drv_spin){.max = cpus > 1 ? max : 0, .credit = CREDIT_FIRST};
}

plait_time drv_spin_begin(struct drv_spin *spin)
{
    if (spin->max == 0 || spin->credit > 0)
        return spin->max;
    if (++spin->skipped < PROBE_EVERY)
        return 0;
    spin->skipped = 0;
    return spin->max;
}

void drv_spin_end(struct drv_spin *spin, enum drv_spin_end end)
{
    if (end == DRV_SPIN_TAKEN)
        spin->credit = 0;
    else if (end == DRV_SPIN_FAILED)
        spin->credit -= spin->credit > 0;
    else if (spin->credit < CREDIT_MAX)
        spin->credit += 2;
}
