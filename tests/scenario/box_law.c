/* SPDX-License-Identifier: Apache-2.0 */
/* Which ends of a connection behind middleboxes are right: every byte by MPTCP where it can be, by
 * plain TCP where MPTCP's options do not pass, an error only where no stack could save it. Derived
 * from what the boxes do (their traits) and from RFC 8684 3.1, 3.2 and 3.7. */
#include "box_case.h"

static unsigned traits(const struct box_case *c)
{
    return c->box[0].traits | c->box[1].traits;
}

/* What plain TCP behind such boxes comes to: it cannot tell edits, and has no other path. */
static unsigned plain_ends(unsigned t)
{
    unsigned ends = BOX_PLAIN;

    if ((t & SIM_BOX_EDITS) != 0)
        ends |= BOX_EDITED;
    bool lost = (t & SIM_BOX_LOSES) != 0 || ((t & SIM_BOX_ACKS) != 0 && (t & SIM_BOX_DROPS) != 0);
    if (lost || (t & SIM_BOX_FORGETS) != 0) /* what was acknowledged is not sent again */
        ends |= BOX_ERROR;
    return ends;
}

/* May MPTCP on this path fail once it is agreed on? */
static bool breaks(unsigned t, bool csum)
{
    return (t & (SIM_BOX_NO_DSS | SIM_BOX_SOME_DSS | SIM_BOX_ACKS)) != 0 ||
           (csum && (t & SIM_BOX_EDITS) != 0);
}

static bool lasts(unsigned t, bool csum)
{
    return !breaks(t, csum) && (t & SIM_BOX_FORGETS) == 0;
}

/* By MPTCP without a checksum: turned bytes are delivered, and where the length changes mappings
 * and bytes part. */
static unsigned unseen_edits(unsigned t)
{
    unsigned ends = 0;

    if ((t & SIM_BOX_EDITS) != 0)
        ends |= BOX_EDITED;
    if ((t & (SIM_BOX_GROWS | SIM_BOX_SHRINKS)) != 0)
        ends |= BOX_WRONG | BOX_ERROR;
    return ends;
}

/*= RFC 8684 3.7
 * If, however, an ACK is received for data (not just for the SYN) without a DSS option containing a
 * Data ACK, the sender determines that the path is not MPTCP capable. */
/* An ADD_ADDR with an IPv6 address fills the option space and leaves none for a DSS. Where it is
 * taken away the ACK that carried it is bare, and may come before the one with the first Data ACK,
 * which was overtaken or lost. */
static bool first_ack_bare(const struct box_case *c, unsigned t1)
{
    return c->family == 6 && (t1 & SIM_BOX_NO_ADDR) != 0 &&
           (t1 & (SIM_BOX_REORDERS | SIM_BOX_DROPS)) != 0;
}

/* MPTCP was agreed on. */
static unsigned multipath_ends(const struct box_case *c, unsigned t1, unsigned t2)
{
    bool second = (t2 & SIM_BOX_NO_JOIN) == 0 && (t1 & SIM_BOX_NO_ADDR) == 0;
    bool again = (t1 & SIM_BOX_NO_JOIN) == 0;
    bool refuge = (second && lasts(t2, c->csum));
    unsigned ends = BOX_MPTCP;

    if (breaks(t1, c->csum)) {
        /* Before the join the connection goes plain. Behind it the subflow ends, and without
         * another one that lasts so does the connection. */
        ends |= plain_ends(t1);
        /* A subflow with a hole among its mappings is closed (RFC 8684 6). */
        if (!refuge && (second || (t1 & SIM_BOX_SOME_DSS) != 0))
            ends |= BOX_ERROR;
    }
    if ((t1 & SIM_BOX_FORGETS) != 0 && !refuge && (!again || breaks(t1, c->csum)))
        ends |= BOX_ERROR;
    if (first_ack_bare(c, t1))
        ends |= plain_ends(t1);
    if (!c->csum)
        ends |= unseen_edits(t1) | (second ? unseen_edits(t2) : 0);
    return ends;
}

unsigned box_law(const struct box_case *c)
{
    unsigned t = traits(c);
    unsigned t1 = c->place == BOX_PATH_2 ? 0 : t, t2 = c->place == BOX_PATH_1 ? 0 : t;

    if (c->place == BOX_TCP)
        return plain_ends(t);
    if ((t1 & SIM_BOX_NO_SYN) != 0)
        return plain_ends(t1);
    /* What follows the third ACK may do for it, and in version 0 the SYN has told the key. */
    return multipath_ends(c, t1, t2) | ((t1 & SIM_BOX_NO_ACK3) != 0 ? plain_ends(t1) : 0);
}
