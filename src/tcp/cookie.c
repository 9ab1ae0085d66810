/* SPDX-License-Identifier: Apache-2.0 */
/* A SYN that was answered and forgotten: how much of it can come back with the ACK.
 *
 * Called by the stack, which has no room for half-open connections left. The peer gives back two
 * numbers of ours: the ISN, and the timestamp where it uses timestamps. The stack fills them; eight
 * bits of that (the memo) are this layer's: the peer's MSS, rounded down to one of a table, its
 * window scale and SACK. Without timestamps there is room for the MSS alone, so the other two are
 * off. ECN is off always. A clock starts from the echoed timestamp, so that no old one is ever
 * repeated; when the SYN/ACK went out is not known, so it gives no RTT sample. RFC 4987 3.6, RFC
 * 7323 3.2. */
#include "internal.h"

#include <string.h>

enum { NO_WSCALE = 15, MEMO_WSCALE = 3, MEMO_SACK = 7 };

/* What links and tunnels make of 1500 bytes, both defaults, and one for who announces less. */
static const uint16_t mss_table[1 << TCP_MEMO_MSS_BITS] = {
    TCP_MSS_MIN, 536, 1220, 1360, 1400, 1440, 1452, 1460,
};

static unsigned mss_index(uint16_t mss)
{
    unsigned i = (1 << TCP_MEMO_MSS_BITS) - 1;

    while (i > 0 && mss_table[i] > mss)
        i--;
    return i;
}

unsigned tcp_half_reduce(struct tcp_half *h)
{
    unsigned i = mss_index(h->mss_peer);

    h->mss_peer = mss_table[i];
    h->ecn_willing = false; /* no bit is left to remember it */
    if (!h->ts_on) {
        h->sack_on = h->wscale_on = false;
        h->snd_wscale = h->rcv_wscale = 0;
    }
    return i | (h->wscale_on ? h->snd_wscale : (unsigned)NO_WSCALE) << MEMO_WSCALE |
           (unsigned)h->sack_on << MEMO_SACK;
}

void tcp_half_say(struct tcp_half *h, struct tcp_words w, plait_time now)
{
    h->iss = w.iss;
    h->ts_offset = w.tsval - tcp_now_ts(0, now);
}

void tcp_half_recreate(struct tcp_half *h, const struct wire_seg *ack, const struct tcp_recall *r,
                       plait_time now)
{
    unsigned memo = r->memo, wscale = (memo >> MEMO_WSCALE) & 15;

    memset(h, 0, sizeof *h);
    h->local = ack->dst;
    h->remote = ack->src;
    h->irs = ack->seq - 1;
    h->mss_peer = mss_table[memo & ((1 << TCP_MEMO_MSS_BITS) - 1)];
    h->mss_local = r->cfg->mss_local;
    h->ts_on = ack->opt.has_ts;
    h->ts_recent = ack->opt.has_ts ? ack->opt.tsval : 0;
    h->sack_on = ((memo >> MEMO_SACK) & 1) != 0;
    h->wscale_on = wscale != NO_WSCALE;
    if (h->wscale_on) {
        h->snd_wscale = (uint8_t)wscale;
        h->rcv_wscale = r->cfg->wscale;
    }
    tcp_half_say(h, (struct tcp_words){ ack->ack - 1, ack->opt.tsecr + 1 }, now);
    h->rcv_wnd = r->rcv_space < TCP_WINDOW_MAX ? r->rcv_space : TCP_WINDOW_MAX;
    h->born = h->first_sent = h->sent = now;
    h->deadline = PLAIT_NEVER;
    h->tx_n = 1;
    h->recreated = true;
}

unsigned tcp_memo_without_ts(unsigned memo)
{
    return (memo & ((1 << TCP_MEMO_MSS_BITS) - 1)) | NO_WSCALE << MEMO_WSCALE;
}
