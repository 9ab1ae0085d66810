/* SPDX-License-Identifier: Apache-2.0 */
/* The subflows of one connection, as its coupled congestion control sees them: who counts, with how
 * large a window, how fast.
 *
 * mp joins a subflow when it may carry data, and takes it out when it is gone; tcp keeps up to date
 * what each says of itself. The ring has no head: it costs a connection nothing and a subflow a
 * pointer. Invariants: next is NULL, or following it leads back in at most as many steps as there
 * are subflows; all members have the same ops. RFC 6356 3.
 *
 * A subflow counts while it sends: one that is kept in reserve, or that has gone dark, takes no
 * share of anything, and a window from the past would slow down the others. */
#include "cc.h"

#include <assert.h>

enum { RATE_BITS = 32, RATE_MAX_BITS = 56 };

void cc_join(struct cc *cc, struct cc *other)
{
    assert(cc != other && cc->next == NULL && "it joins once");
    assert(cc->ops == other->ops && "a connection has one algorithm");
    cc->next = other->next != NULL ? other->next : other;
    other->next = cc;
}

void cc_leave(struct cc *cc)
{
    struct cc *prev = cc;

    if (cc->next == NULL)
        return;
    while (prev->next != cc)
        prev = prev->next;
    prev->next = cc->next != prev ? cc->next : NULL;
    cc->next = NULL;
}

/* Data went out a moment ago, it came through as far as is known, and how long that takes. */
static bool sends(const struct cc *o, plait_time now)
{
    plait_time moment = 2 * (plait_time)o->srtt;

    if (o->srtt == 0 || o->silent || o->last_sent == 0)
        return false;
    return now - o->last_sent <= (moment > PLAIT_SEC ? moment : PLAIT_SEC);
}

const struct cc *cc_after(const struct cc *o, const struct cc *self, plait_time now)
{
    if (o->next == NULL || self->srtt == 0)
        return NULL;
    for (o = o->next; o != self; o = o->next)
        if (sends(o, now))
            return o;
    return NULL;
}

unsigned cc_count(const struct cc *cc, plait_time now)
{
    unsigned n = 0;

    CC_EACH(o, cc, now)
        n++;
    return n;
}

uint32_t cc_window(const struct cc *o)
{
    /*= RFC 6356 3
     * The correct behavior is to use the ssthresh (slow start threshold) value for flows in fast
     * retransmit when computing cwnd_total. */
    uint32_t w = o->recovering ? o->ssthresh : o->cwnd;

    /*= RFC 6356 3
     * To cater to connections that are app limited, the computation should consider the minimum
     * between flight_size_i and cwnd_i, and flight_size_i and ssthresh_i, where appropriate. */
    if (o->flight < w && w - o->flight >= o->mss)
        w = o->flight; /* less than a segment of room is no room */
    return w > o->mss ? w : o->mss;
}

uint64_t cc_rate_of(uint32_t window, uint64_t rtt)
{
    uint64_t rate = ((uint64_t)window << RATE_BITS) / (rtt > 0 ? rtt : 1);

    return rate < (uint64_t)1 << RATE_MAX_BITS ? rate : (uint64_t)1 << RATE_MAX_BITS;
}

uint64_t cc_rate(const struct cc *o)
{
    return cc_rate_of(cc_window(o), o->srtt);
}

uint64_t cc_rate_sum(const struct cc *cc, plait_time now)
{
    uint64_t sum = 0;

    CC_EACH(o, cc, now)
        sum += cc_rate(o);
    return sum;
}

int64_t cc_fraction(uint64_t part, uint64_t whole)
{
    assert(whole > 0 && part / 8 <= whole && "part of a whole");
    while (whole >> 32 != 0) {
        whole >>= 1;
        part >>= 1;
    }
    return (int64_t)(part * CC_ONE / whole);
}
