/* SPDX-License-Identifier: Apache-2.0 */
/* MP_CAPABLE: the three segments that decide between MPTCP and plain TCP, both roles, and the
 * half-open state between them.
 *
 * Called by the stack for SYNs, by conn.c when the first subflow is established, by opts.c for the
 * options that we send. What the peer says decides about the mode alone; nothing here can fail the
 * connection but require_mptcp.
 *
 * The initiator is "unconfirmed" until any DSS has come: until then the responder may not know our
 * key, so every segment repeats MP_CAPABLE, and only one chunk is sent.
 *
 * Version 0 (RFC 6824) tells the initiator's key in the SYN already, whose length of 12 sets it
 * apart. So its data need no MP_CAPABLE: they come with a DSS at once, and a DSS does for the third
 * ACK where that got lost. RFC 8684 3.1, RFC 6824 3.1. */
#include "mp_int.h"

enum { LEN_SYN = 4, LEN_SYN_V0 = 12, LEN_SYNACK = 12, LEN_ACK = 20 };
enum { CRYPTO_BITS = 0x1f, CRYPTO_BITS_V0 = 0x3f };

uint8_t mp_offered_version(const struct mp_config *cfg)
{
    /*= RFC 8684 3.1
     * If a host supports multiple versions of MPTCP, the sender of the MP_CAPABLE option SHOULD
     * signal the highest version number it supports. */
    return (cfg->offer & PLAIT_MPTCP_V1) != 0 ? 1 : 0;
}

/*= RFC 6824 3.1-6 */
/*= RFC 8684 3.1
 * It MUST be set to 0 for current implementations. */
/*= RFC 8684 3.1
 * A crypto algorithm MUST be specified. */
static uint8_t flags_of(const struct mp_config *cfg, uint8_t version, bool checksum)
{
    bool refuse = cfg->refuse_joins && version != 0;

    /*= RFC 8684 3.1
     * An implementation that only supports this method MUST set bit "H" to 1 and bits "D" through
     * "G" to 0. */
    /*= RFC 6824 3.1
     * An implementation that only supports this method MUST set bit "H" to 1, and bits "C" through
     * "G" to 0. */
    return (uint8_t)(WIRE_CAP_H | (checksum ? WIRE_CAP_A : 0) | (refuse ? WIRE_CAP_C : 0));
}

/*= RFC 8684 3.1
 * If a responder does not support (or does not want to support) any of the initiator's proposals,
 * it MUST respond without an MP_CAPABLE option, thus forcing a fallback to regular TCP. */
/* Is the peer's proposal or answer one that we can live with? */
static enum plait_reason judge_flags(uint8_t flags, uint8_t version, bool answer)
{
    uint8_t crypto = version == 0 ? CRYPTO_BITS_V0 : CRYPTO_BITS;

    /*= RFC 8684 3.1
     * If receiving a message with the "B" flag set to 1 and this is not understood, then the
     * MP_CAPABLE in this SYN MUST be silently ignored, which triggers a fallback to regular TCP */
    if ((flags & WIRE_CAP_B) != 0)
        return PLAIT_REASON_MP_FLAGS;
    /*= RFC 8684 3.1
     * If flag bits "D" through "H" are all 0, the MP_CAPABLE option MUST be treated as invalid and
     * ignored */
    /*= RFC 6824 3.1
     * If flag bits C through H are all 0, the MP_CAPABLE option MUST be treated as invalid and
     * ignored (that is, it must be treated as a regular TCP handshake). */
    if ((flags & WIRE_CAP_H) == 0)
        return PLAIT_REASON_MP_FLAGS;
    /*= RFC 8684 3.1
     * The responder responds with only 1 bit set -- this is the chosen algorithm. */
    if (answer && (flags & crypto) != WIRE_CAP_H)
        return PLAIT_REASON_MP_FLAGS;
    return PLAIT_REASON_NONE;
}

/*= RFC 8684 3.1
 * A listener that supports v0 expects that the MP_CAPABLE option in the SYN segment will include
 * the initiator's key. */
uint8_t mp_syn_version(const struct wire_seg *syn)
{
    return syn->mp.capable.len == LEN_SYN_V0 ? 0 : 1;
}

static enum plait_reason judge_syn(const struct mp_config *cfg, const struct wire_seg *syn)
{
    const struct wire_mp_capable *cap = &syn->mp.capable;
    uint8_t version = mp_syn_version(syn);

    if (!wire_mp_has(&syn->mp, WIRE_MP_CAPABLE))
        return PLAIT_REASON_MP_SYN_PLAIN;
    if (!cfg->mptcp)
        return PLAIT_REASON_MP_DISABLED;
    /* A higher version is answered with ours, version 0 has another format. */
    if ((cfg->accept & (1u << version)) == 0 || (version == 0) != (cap->version == 0) ||
        cap->len != (version == 0 ? LEN_SYN_V0 : LEN_SYN))
        return PLAIT_REASON_MP_VERSION;
    return judge_flags(cap->flags, version, false);
}

void mp_half_capable(struct mp_half *h, const struct mp_config *cfg, const struct mp_key *key,
                     const struct wire_seg *syn)
{
    *h = (struct mp_half){ .kind = MP_HALF_PLAIN, .why_plain = judge_syn(cfg, syn) };
    if (h->why_plain != PLAIT_REASON_NONE)
        return;
    h->kind = MP_HALF_CAPABLE;
    h->version = mp_syn_version(syn);
    h->key_remote = h->version == 0 ? syn->mp.capable.key_sender : 0;
    h->local = *key;
    /*= RFC 8684 3.1
     * For the "Checksum required" bit (labeled "A"), if either host requires the use of checksums,
     * checksums MUST be used. */
    h->checksum = cfg->checksum || (syn->mp.capable.flags & WIRE_CAP_A) != 0;
    h->peer_no_join = h->version != 0 && (syn->mp.capable.flags & WIRE_CAP_C) != 0;
    h->syn_text = syn->len > 0;
}

/*= RFC 8684 3.1
 * The echoing of B's key allows B to operate statelessly, as described above. */
/* The checksum bit of the ACK says what the two SYNs agreed on. */
void mp_half_recreate(struct mp_half *h, const struct mp_config *cfg, uint64_t key,
                      const struct wire_seg *ack)
{
    const struct wire_mp_capable *cap = &ack->mp.capable;

    *h = (struct mp_half){ .kind = MP_HALF_PLAIN, .why_plain = PLAIT_REASON_MP_ACK_PLAIN };
    if (!cfg->mptcp || !ack->mp.any)
        return;
    *h = (struct mp_half){ .kind = MP_HALF_CAPABLE, .version = 1 };
    mp_key_derive(key, h->version, &h->local);
    h->checksum = cfg->checksum || (cap->flags & WIRE_CAP_A) != 0;
    h->peer_no_join = (cap->flags & WIRE_CAP_C) != 0;
}

static void synack_capable(const struct mp_half *h, const struct mp_config *cfg,
                           struct wire_mp *out)
{
    out->present |= 1u << WIRE_MP_CAPABLE;
    /*= RFC 8684 3.1
     * the receiver will signal the version number it wishes to use, which MUST be equal to or lower
     * than the version number indicated in the initial MP_CAPABLE */
    out->capable = (struct wire_mp_capable){
        .version = h->version, .flags = flags_of(cfg, h->version, h->checksum),
        .len = LEN_SYNACK, .key_sender = h->local.key,
    };
}

/*= RFC 8684 3.2
 * When receiving a SYN with an MP_JOIN option that contains a valid token for an existing MPTCP
 * connection, the recipient SHOULD respond with a SYN/ACK also containing an MP_JOIN option
 * containing a random number and a truncated (leftmost 64 bits) HMAC. */
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
    if (h->kind == MP_HALF_CAPABLE)
        synack_capable(h, cfg, out);
    else if (h->kind == MP_HALF_JOIN)
        synack_join(h, out);
}

static bool brings_dss_alone(const struct wire_seg *ack)
{
    return wire_mp_has(&ack->mp, WIRE_MP_DSS) && !wire_mp_has(&ack->mp, WIRE_MP_CAPABLE);
}

/* Linux never tells its key where the text of its SYN was not taken: it repeats that with a DSS,
 * and goes on as if we knew. So there it means plain TCP, which Linux understands. */
bool mp_half_waits(const struct mp_half *h, const struct wire_seg *ack)
{
    return h->kind == MP_HALF_CAPABLE && h->version != 0 && !h->syn_text && brings_dss_alone(ack);
}

/* The same of a responder whose SYN was enough to begin with (RFC 7413). */
static bool early_pending(const struct mp_subflow *s)
{
    return s->first && !s->initiator && s->conn->mode == MP_MODE_PENDING;
}

bool mp_capable_waits(const struct mp_subflow *s, const struct wire_seg *seg)
{
    return early_pending(s) && brings_dss_alone(seg);
}

struct mp_half mp_capable_half(const struct mp_conn *c)
{
    return (struct mp_half){
        .kind = MP_HALF_CAPABLE, .version = c->version, .local = c->local,
        .checksum = c->checksum, .peer_no_join = mp_remote_at(c, 0)->refuses,
    };
}

void mp_capable_synack_option(const struct mp_subflow *s, struct wire_mp *out)
{
    struct mp_half mh = mp_capable_half(s->conn);

    if (early_pending(s))
        synack_capable(&mh, s->conn->cfg, out);
}

/*= RFC 8684 3.1-30 */
/*= RFC 8684 3.1
 * If the third packet (the ACK) does not contain the MP_CAPABLE option, then the session MUST fall
 * back to operating as a regular, single-path TCP session. */
enum plait_reason mp_capable_ack(const struct mp_half *mh, const struct wire_seg *ack,
                                 struct mp_key *remote)
{
    const struct wire_mp_capable *cap = &ack->mp.capable;

    if (mh->kind != MP_HALF_CAPABLE)
        return mh->why_plain != PLAIT_REASON_NONE ? mh->why_plain : PLAIT_REASON_MP_SYN_PLAIN;
    if (mh->version == 0 && brings_dss_alone(ack)) { /* the third ACK is late or lost */
        mp_key_derive(mh->key_remote, 0, remote);
        return PLAIT_REASON_NONE;
    }
    if (!wire_mp_has(&ack->mp, WIRE_MP_CAPABLE) || cap->len < LEN_ACK)
        return PLAIT_REASON_MP_ACK_PLAIN;
    if (cap->version != mh->version || (mh->version == 0 && cap->len != LEN_ACK))
        return PLAIT_REASON_MP_VERSION;
    /*= RFC 8684 3.1
     * If at any point in the handshake either party thinks the MPTCP negotiation is compromised --
     * for example, by a middlebox corrupting the TCP options or by unexpected ACK numbers being
     * present -- the host MUST stop using MPTCP and no longer include MPTCP options in future TCP
     * packets. */
    if (cap->key_receiver != mh->local.key || cap->key_sender == mh->local.key)
        return PLAIT_REASON_MP_KEY;
    if (mh->version == 0 && cap->key_sender != mh->key_remote)
        return PLAIT_REASON_MP_KEY;
    mp_key_derive(cap->key_sender, mh->version, remote);
    return PLAIT_REASON_NONE;
}

/* ---- initiator ------------------------------------------------------------------------------ */

/*= RFC 8684 3.7
 * The handshake as described in Section 3.1 SHOULD fall back to regular TCP if either of the SYN
 * messages does not have the MPTCP options */
static enum plait_reason judge_synack(const struct mp_subflow *s, const struct wire_seg *seg)
{
    const struct mp_conn *c = s->conn;
    const struct wire_mp_capable *cap = &seg->mp.capable;

    if (!c->cfg->mptcp)
        return PLAIT_REASON_MP_DISABLED;
    if ((seg->flags & WIRE_SYN) == 0 || !wire_mp_has(&seg->mp, WIRE_MP_CAPABLE))
        /*= RFC 8684 3.1
         * The initiator MAY choose to immediately fall back to TCP */
        return s->tcb.syn_n > c->cfg->mp_syn_retries ? PLAIT_REASON_MP_SYN_LOST
                                                    : PLAIT_REASON_MP_SYNACK_PLAIN;
    if (cap->len != LEN_SYNACK || cap->version != c->version)
        return PLAIT_REASON_MP_VERSION;
    if (cap->key_sender == c->local.key)
        return PLAIT_REASON_MP_KEY;
    return judge_flags(cap->flags, c->version, true);
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

    /*= RFC 8684 3.1
     * The initiator MAY choose to immediately fall back to TCP or MAY choose to attempt a
     * connection using MPTCP v0 (if the initiator supports v0), in order to discover whether the
     * listener supports the earlier version of MPTCP. */
    /* Not where it took text of the SYN: it would get that twice. */
    if (tcp_fastopen_taken(&s->tcb) == 0 && why == PLAIT_REASON_MP_SYNACK_PLAIN &&
        c->version != 0 && (c->cfg->offer & PLAIT_MPTCP_V0) != 0) {
        c->news |= MP_NEWS_RETRY;
        return;
    }
    if (why != PLAIT_REASON_NONE) {
        mp_fallback(s, why, false, now);
        return;
    }
    mp_key_derive(seg->mp.capable.key_sender, c->version, &c->remote);
    c->has_remote = true;
    /*= RFC 8684 3.1
     * if the initiator sets A=0 in the SYN but the responder sets A=1 in the SYN/ACK, checksums
     * MUST be used in both directions, and the initiator will set A=1 in the ACK */
    c->checksum = c->cfg->checksum || (flags & WIRE_CAP_A) != 0;
    mp_store_checksums(c);
    mp_remote_at(c, 0)->refuses = c->version != 0 && (flags & WIRE_CAP_C) != 0;
    mp_set_mode(c, MP_MODE_MULTIPATH, now);
    s->tcb.shared_window = true;
    /*= RFC 8684 3.1
     * If A does not immediately have data to send, it MUST include the MP_CAPABLE on the first ACK,
     * but without the additional data parameters. */
    s->capable_due = true;
}

void mp_retry(struct mp_conn *c, const struct mp_key *key, plait_time now)
{
    c->version = 0;
    c->local = *key;
    c->news |= MP_NEWS_TOKEN;
    tcp_fastopen_end(&mp_first(c)->tcb); /* no room for its option */
    tcp_restart(&mp_first(c)->tcb, now);
}

/*= RFC 8684 3.9.3-1, 6-1 */
/*= RFC 8684 3.1
 * Note that an implementation MAY choose to attempt sending MPTCP options more than one time before
 * making this decision to operate as regular TCP (see Section 3.9). */
/*= RFC 8684 3.1
 * It is expected that a sender will eventually fall back to single-path TCP (i.e., without the
 * MP_CAPABLE option) in order to work around middleboxes that may drop packets with unknown
 * options */
void mp_capable_syn_option(const struct mp_conn *c, struct wire_mp *out)
{
    const struct mp_subflow *s = mp_first(c);

    if (c->mode == MP_MODE_PLAIN || s->tcb.syn_n >= c->cfg->mp_syn_retries)
        return;
    out->present |= 1u << WIRE_MP_CAPABLE;
    out->capable = (struct wire_mp_capable){
        .version = c->version, .flags = flags_of(c->cfg, c->version, c->cfg->checksum),
        .len = c->version == 0 ? LEN_SYN_V0 : LEN_SYN, .key_sender = c->local.key,
    };
}

void mp_capable_ack_option(const struct mp_conn *c, struct wire_mp *out)
{
    out->present |= 1u << WIRE_MP_CAPABLE;
    out->capable = (struct wire_mp_capable){
        .version = c->version, .flags = flags_of(c->cfg, c->version, c->checksum), .len = LEN_ACK,
        .key_sender = c->local.key, .key_receiver = c->remote.key,
    };
}

bool mp_unconfirmed(const struct mp_subflow *s)
{
    return s->first && s->initiator && s->conn->mode == MP_MODE_MULTIPATH && !s->conn->dss_in;
}

bool mp_data_brings_keys(const struct mp_subflow *s)
{
    return mp_unconfirmed(s) && s->conn->version != 0;
}

/*= RFC 6824 3.6
 * If the initiator is to send first, another segment must be sent that contains the data and
 * DSS. */
/* In version 0 the third ACK goes first, by itself; in version 1 one chunk may go with the keys. */
bool mp_data_waits(const struct mp_subflow *s)
{
    const struct mp_conn *c = s->conn;

    return mp_unconfirmed(s) && (c->version == 0 ? s->capable_due : c->snd_nxt > c->snd_first);
}
