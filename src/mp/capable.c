/* SPDX-License-Identifier: Apache-2.0 */
/* MP_CAPABLE: the three segments that decide between MPTCP and plain TCP, both roles, and the
 * half-open state between them.
 *
 * Called by the stack for SYNs, by conn.c when the first subflow is established, by opts.c for the
 * options that we send. What the peer says decides about the mode alone; nothing here can fail the
 * connection but require_mptcp.
 *
 * The initiator is "unconfirmed" until any DSS has come: until then the responder may not know our
 * key, so every segment repeats MP_CAPABLE, and only one chunk is sent. RFC 8684 3.1. */
#include "mp_int.h"

enum { VERSION = 1, CRYPTO_BITS = 0x1f, LEN_SYN = 4, LEN_SYNACK = 12, LEN_ACK = 20 };

static uint8_t flags_of(bool checksum)
{
    /*= RFC 8684 3.1
     * An implementation that only supports this method MUST set bit "H" to 1 and bits "D" through
     * "G" to 0. */
    return (uint8_t)(WIRE_CAP_H | (checksum ? WIRE_CAP_A : 0));
}

/* Is the peer's proposal or answer one that we can live with? */
static enum plait_reason judge_flags(uint8_t flags, bool answer)
{
    /*= RFC 8684 3.1
     * If receiving a message with the "B" flag set to 1 and this is not understood, then the
     * MP_CAPABLE in this SYN MUST be silently ignored, which triggers a fallback to regular TCP */
    if ((flags & WIRE_CAP_B) != 0)
        return PLAIT_REASON_MP_FLAGS;
    /*= RFC 8684 3.1
     * If flag bits "D" through "H" are all 0, the MP_CAPABLE option MUST be treated as invalid and
     * ignored */
    if ((flags & WIRE_CAP_H) == 0)
        return PLAIT_REASON_MP_FLAGS;
    /*= RFC 8684 3.1
     * The responder responds with only 1 bit set -- this is the chosen algorithm. */
    if (answer && (flags & CRYPTO_BITS) != WIRE_CAP_H)
        return PLAIT_REASON_MP_FLAGS;
    return PLAIT_REASON_NONE;
}

static enum plait_reason judge_syn(const struct mp_config *cfg, const struct wire_seg *syn)
{
    const struct wire_mp_capable *cap = &syn->mp.capable;

    if (!wire_mp_has(&syn->mp, WIRE_MP_CAPABLE))
        return PLAIT_REASON_MP_SYN_PLAIN;
    if (!cfg->mptcp)
        return PLAIT_REASON_MP_DISABLED;
    /* A higher version is answered with ours, version 0 has another format. */
    if (cap->version < VERSION || cap->len != LEN_SYN)
        return PLAIT_REASON_MP_VERSION;
    return judge_flags(cap->flags, false);
}

void mp_half_capable(struct mp_half *h, const struct mp_config *cfg, const struct mp_key *key,
                     const struct wire_seg *syn)
{
    *h = (struct mp_half){ .kind = MP_HALF_PLAIN, .why_plain = judge_syn(cfg, syn) };
    if (h->why_plain != PLAIT_REASON_NONE)
        return;
    h->kind = MP_HALF_CAPABLE;
    h->local = *key;
    /*= RFC 8684 3.1
     * For the "Checksum required" bit (labeled "A"), if either host requires the use of checksums,
     * checksums MUST be used. */
    h->checksum = cfg->checksum || (syn->mp.capable.flags & WIRE_CAP_A) != 0;
    h->peer_no_join = (syn->mp.capable.flags & WIRE_CAP_C) != 0;
}

static void synack_capable(const struct mp_half *h, struct wire_mp *out)
{
    out->present |= 1u << WIRE_MP_CAPABLE;
    /*= RFC 8684 3.1
     * the receiver will signal the version number it wishes to use, which MUST be equal to or lower
     * than the version number indicated in the initial MP_CAPABLE */
    out->capable = (struct wire_mp_capable){
        .version = VERSION, .flags = flags_of(h->checksum), .len = LEN_SYNACK,
        .key_sender = h->local.key,
    };
}

static void synack_join(const struct mp_half *h, struct wire_mp *out)
{
    out->present |= 1u << WIRE_MP_JOIN;
    out->join = (struct wire_mp_join){
        .len = 16, .backup = h->backup_local, .addr_id = h->addr_id_local,
        .nonce = h->nonce_local,
    };
    for (unsigned i = 0; i < 8; i++)
        out->join.hmac[i] = (uint8_t)(h->hmac_local >> (56 - 8 * i));
}

/*= RFC 8684 3.1
 * If a SYN does not contain an MP_CAPABLE option, the SYN/ACK MUST NOT contain one in response. */
void mp_half_options(const struct mp_half *h, const struct mp_config *cfg, struct wire_mp *out)
{
    (void)cfg;
    if (h->kind == MP_HALF_CAPABLE)
        synack_capable(h, out);
    else if (h->kind == MP_HALF_JOIN)
        synack_join(h, out);
}

/*= RFC 8684 3.1
 * If the third packet (the ACK) does not contain the MP_CAPABLE option, then the session MUST fall
 * back to operating as a regular, single-path TCP session. */
enum plait_reason mp_capable_ack(const struct mp_half *mh, const struct wire_seg *ack,
                                 struct mp_key *remote)
{
    const struct wire_mp_capable *cap = &ack->mp.capable;

    if (mh->kind != MP_HALF_CAPABLE)
        return mh->why_plain != PLAIT_REASON_NONE ? mh->why_plain : PLAIT_REASON_MP_SYN_PLAIN;
    if (!wire_mp_has(&ack->mp, WIRE_MP_CAPABLE) || cap->len < LEN_ACK)
        return PLAIT_REASON_MP_ACK_PLAIN;
    if (cap->version != VERSION)
        return PLAIT_REASON_MP_VERSION;
    /*= RFC 8684 3.1
     * If at any point in the handshake either party thinks the MPTCP negotiation is compromised --
     * for example, by a middlebox corrupting the TCP options or by unexpected ACK numbers being
     * present -- the host MUST stop using MPTCP and no longer include MPTCP options in future TCP
     * packets. */
    if (cap->key_receiver != mh->local.key || cap->key_sender == mh->local.key)
        return PLAIT_REASON_MP_KEY;
    mp_key_derive(cap->key_sender, remote);
    return PLAIT_REASON_NONE;
}

/* ---- initiator ------------------------------------------------------------------------------ */

static enum plait_reason judge_synack(const struct mp_subflow *s, const struct wire_seg *seg)
{
    const struct mp_conn *c = s->conn;
    const struct wire_mp_capable *cap = &seg->mp.capable;

    if (!c->cfg.mptcp)
        return PLAIT_REASON_MP_DISABLED;
    if ((seg->flags & WIRE_SYN) == 0 || !wire_mp_has(&seg->mp, WIRE_MP_CAPABLE))
        return s->tcb.syn_n > c->cfg.mp_syn_retries ? PLAIT_REASON_MP_SYN_LOST
                                                    : PLAIT_REASON_MP_SYNACK_PLAIN;
    if (cap->len != LEN_SYNACK || cap->version != VERSION)
        return PLAIT_REASON_MP_VERSION;
    if (cap->key_sender == c->local.key)
        return PLAIT_REASON_MP_KEY;
    return judge_flags(cap->flags, true);
}

/*= RFC 8684 3.1
 * If a SYN contains an MP_CAPABLE option but the SYN/ACK does not, it is assumed that the sender of
 * the SYN/ACK is not multipath capable; thus, the MPTCP session MUST operate as a regular,
 * single-path TCP session. */
void mp_capable_synack(struct mp_subflow *s, const struct wire_seg *seg, plait_time now)
{
    struct mp_conn *c = s->conn;
    enum plait_reason why = judge_synack(s, seg);
    uint8_t flags = seg->mp.capable.flags;

    if (why != PLAIT_REASON_NONE) {
        mp_fallback(s, why, false, now);
        return;
    }
    mp_key_derive(seg->mp.capable.key_sender, &c->remote);
    c->has_remote = true;
    /*= RFC 8684 3.1
     * if the initiator sets A=0 in the SYN but the responder sets A=1 in the SYN/ACK, checksums
     * MUST be used in both directions, and the initiator will set A=1 in the ACK */
    c->checksum = c->cfg.checksum || (flags & WIRE_CAP_A) != 0;
    c->remotes[0].refuses = (flags & WIRE_CAP_C) != 0;
    mp_set_mode(c, MP_MODE_MULTIPATH, now);
    s->tcb.shared_window = true;
    /*= RFC 8684 3.1
     * If A does not immediately have data to send, it MUST include the MP_CAPABLE on the first ACK,
     * but without the additional data parameters. */
    s->capable_due = true;
}

/*= RFC 8684 3.1
 * It is expected that a sender will eventually fall back to single-path TCP (i.e., without the
 * MP_CAPABLE option) in order to work around middleboxes that may drop packets with unknown
 * options */
void mp_capable_syn_option(const struct mp_conn *c, struct wire_mp *out)
{
    const struct mp_subflow *s = mp_first(c);

    if (c->mode == MP_MODE_PLAIN || s->tcb.syn_n >= c->cfg.mp_syn_retries)
        return;
    out->present |= 1u << WIRE_MP_CAPABLE;
    out->capable = (struct wire_mp_capable){
        .version = VERSION, .flags = flags_of(c->cfg.checksum), .len = LEN_SYN,
    };
}

void mp_capable_ack_option(const struct mp_conn *c, struct wire_mp *out)
{
    out->present |= 1u << WIRE_MP_CAPABLE;
    out->capable = (struct wire_mp_capable){
        .version = VERSION, .flags = flags_of(c->checksum), .len = LEN_ACK,
        .key_sender = c->local.key, .key_receiver = c->remote.key,
    };
}

bool mp_unconfirmed(const struct mp_subflow *s)
{
    return s->first && s->initiator && s->conn->mode == MP_MODE_MULTIPATH && !s->conn->dss_in;
}
