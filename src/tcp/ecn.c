/* SPDX-License-Identifier: Apache-2.0 */
/* Explicit Congestion Notification: what the two SYNs agree on, and the receiver's echo.
 *
 * Called by output.c, handshake.c and half.c for the flags of SYNs, by input.c for every acceptable
 * segment. The sender's answer to an echo is loss.c's, the marks on new data are output.c's.
 *
 * Each SYN and SYN/ACK that was sent or came is noted as one that sets ECN up or one that does not;
 * everything else follows from these four facts. A SYN that is sent again goes without the flags:
 * there are middleboxes that drop those with. RFC 3168 6.1. */
#include "internal.h"

enum { BOTH = WIRE_ECE | WIRE_CWR };

/*= RFC 9293 SHLD-8 */
/*= RFC 3168 6.1.1
 * For this discussion, we designate the initiating host as Host A and the responding host as Host
 * B.  We call a SYN packet with the ECE and CWR flags set an "ECN-setup SYN packet", and we call a
 * SYN packet with at least one of the ECE and CWR flags not set a "non-ECN-setup SYN packet".
 * Similarly, we call a SYN-ACK packet with only the ECE flag set but the CWR flag not set an
 * "ECN-setup SYN-ACK packet", and we call a SYN-ACK packet with any other configuration of the ECE
 * and CWR flags a "non-ECN-setup SYN-ACK packet". */
static bool is_setup(uint8_t flags)
{
    return (flags & BOTH) == ((flags & WIRE_ACK) != 0 ? (int)WIRE_ECE : (int)BOTH);
}

void tcp_ecn_syn_sent(struct tcp_ecn_setup *e, uint8_t flags)
{
    if (is_setup(flags))
        e->sent = true;
    else
        e->sent_plain = true;
}

void tcp_ecn_syn_came(struct tcp_ecn_setup *e, uint8_t flags)
{
    if (is_setup(flags))
        e->came = true;
    else
        e->came_plain = true;
}

/*= RFC 3168 6.1.1
 * If a host has received an ECN-setup SYN packet, then it MAY send an ECN-setup SYN-ACK packet.
 * Otherwise, it MUST NOT send an ECN-setup SYN-ACK packet. */
static bool answers(const struct tcp_ecn_setup *e, unsigned sent_n)
{
    return e->came && !e->came_plain && sent_n == 0;
}

uint8_t tcp_ecn_synack_flags(const struct tcp_half *h)
{
    return h->ecn_willing && answers(&h->ecn, h->tx_n) ? WIRE_ECE : 0;
}

/*= RFC 3168 6.1.1.1
 * A host that receives no reply to an ECN-setup SYN within the normal SYN retransmission timeout
 * interval MAY resend the SYN and any subsequent SYN retransmissions with CWR and ECE cleared. */
/* A SYN/ACK in answer to a crossing SYN is no repetition of our SYN. */
uint8_t tcp_ecn_syn_flags(const struct tcb *t, bool answer)
{
    unsigned sent_n = t->active ? t->syn_n - 1u : t->syn_n;

    if (answer)
        return t->cfg->ecn != PLAIT_ECN_OFF && answers(&t->ecn, sent_n) ? WIRE_ECE : 0;
    return t->cfg->ecn == PLAIT_ECN_ON && t->syn_n == 0 ? BOTH : 0;
}

/*= RFC 3168 6.1.1.1
 * To provide robust connectivity even in the presence of such faulty equipment, a host that
 * receives a RST in response to the transmission of an ECN-setup SYN packet MAY resend a SYN with
 * CWR and ECE cleared. */
/* A closed port answers twice. */
bool tcp_ecn_blamed(const struct tcb *t)
{
    return t->ecn.sent && !t->ecn.sent_plain;
}

/*= RFC 3168 6.1.1
 * A host MUST NOT set ECT on data packets unless it has sent at least one ECN-setup SYN or
 * ECN-setup SYN-ACK packet, and has received at least one ECN-setup SYN or ECN-setup SYN-ACK
 * packet, and has sent no non-ECN-setup SYN or non-ECN-setup SYN-ACK packet.  If a host has
 * received at least one non-ECN-setup SYN or non-ECN-setup SYN-ACK packet, then it SHOULD NOT set
 * ECT on data packets. */
bool tcp_ecn_on(const struct tcb *t)
{
    const struct tcp_ecn_setup *e = &t->ecn;

    return e->sent && e->came && !e->sent_plain && !e->came_plain;
}

/*= RFC 3168 6.1.1
 * If a host has sent at least one ECN-setup SYN or ECN-setup SYN-ACK packet, and has received no
 * non-ECN-setup SYN or non-ECN-setup SYN-ACK packet, then if that host receives TCP data packets
 * with ECT and CE codepoints set in the IP header, then that host MUST process these packets as
 * specified for an ECN-capable connection. */
static bool must_echo(const struct tcb *t)
{
    return t->ecn.sent && !t->ecn.came_plain;
}

/*= RFC 3168 6.1.3
 * After a TCP receiver sends an ACK packet with the ECN-Echo bit set, that TCP receiver continues
 * to set the ECN-Echo flag in all the ACK packets it sends (whether they acknowledge CE data
 * packets or non-CE data packets) until it receives a CWR packet (a packet with the CWR flag
 * set). */
/* A segment outside the window does not get here. One with CWR comes from a sender whose window may
 * be very small: it is answered at once. */
void tcp_ecn_input(struct tcp_in *in)
{
    struct tcb *t = in->t;
    bool cwr = (in->seg->flags & (WIRE_CWR | WIRE_SYN)) == WIRE_CWR && in->seg->len > 0;

    if (!must_echo(t))
        return;
    if (cwr) {
        t->ack_now = t->ack_now || t->ecn_echo;
        t->ecn_echo = false;
    }
    if (in->seg->ecn != WIRE_CE)
        return;
    t->ce_received++;
    t->ack_now = t->ack_now || !t->ecn_echo;
    t->ecn_echo = true;
}

/* Only what was sent as ECN-capable can have been marked. */
bool tcp_ecn_says_congested(const struct tcb *t, const struct wire_seg *seg)
{
    return (seg->flags & (WIRE_ECE | WIRE_SYN)) == WIRE_ECE && tcp_ecn_on(t);
}
