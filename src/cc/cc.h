/* SPDX-License-Identifier: Apache-2.0 */
/* Congestion control: a policy of one subflow. It sees numbers and sets two: cwnd and ssthresh. All
 * in bytes, microseconds and integers: a simulation is the same bit for bit on every compiler.
 *
 * Coupled algorithms (RFC 6356) look at the other subflows of the connection too: these stand in a
 * ring, and each says there what the others need to know. */
#ifndef CC_CC_H
#define CC_CC_H

#include "../base/plugin.h"
#include <plait/types.h>

enum {
    CC_SSTHRESH_INFINITE = 0x7fffffff,
    CC_CWND_MAX = 1 << 30, /* no window grows beyond */
    CC_BURST_SEGS = 2,     /* RFC 3465's L: segments that one ACK may add in slow start */
    CC_ONE = 1 << 28,      /* 1 as a fixed-point fraction: of a rate, or of Reno's pace */
};

/* What an ACK brought. */
struct cc_ack {
    plait_time now;
    uint32_t acked;      /* bytes newly acknowledged, cumulatively */
    uint32_t flight;     /* bytes in flight before this ACK */
    plait_time rtt;      /* sample of this ACK, 0: none */
    plait_time srtt;     /* 0: none yet */
    plait_time min_rtt;
    bool cwnd_limited;   /* the window was what held the sender back */
    bool after_rto;      /* slow start after a time-out: ABC with L = 1 (RFC 3465 2.3) */
    uint32_t burst;      /* bytes that it may add in slow start; at least CC_BURST_SEGS segments */
    uint32_t snd_una, snd_nxt; /* for algorithms that count rounds */
};

/* RFC 9406; see hystart.c. */
struct cc_hystart {
    uint32_t last_min, round_min; /* lowest RTT of the last round and of this one; UINT32_MAX */
    uint32_t css_base;            /* round_min when conservative slow start began */
    uint32_t round_end;           /* SND.NXT when this round began */
    uint32_t samples;             /* RTT samples of this round */
    uint8_t css_rounds;           /* rounds of conservative slow start */
    bool began, css;
};

/* RFC 9438 4.1.2, in bytes; see cubic.c. */
struct cc_cubic {
    uint32_t w_max;      /* window when the last reduction came; 0: none known */
    uint32_t w_est;      /* what Reno would have by now */
    uint32_t cwnd_prior; /* cwnd before the last reduction */
    bool running;        /* an epoch (congestion avoidance) has begun: the rest is valid */
    plait_time k;        /* from the epoch's start until w_max is reached again */
    plait_time epoch;    /* its start, moved on by the time that the application did not use */
    plait_time last_ack; /* until when epoch has been adjusted */
    uint64_t cwnd_frac;  /* remainder of the last division: (target - cwnd) * bytes */
    uint64_t est_frac;   /* likewise: 9 * mss * bytes */
};

/* The states of all algorithms but CUBIC begin with this one. */
struct cc_reno {
    int64_t credit; /* bytes acknowledged towards the next step of one MSS, times CC_ONE */
};

/* See olia.c. */
struct cc_olia {
    struct cc_reno reno;
    uint64_t before, since; /* bytes acknowledged between the last two losses, since the last */
    uint32_t una;           /* counted up to here, */
    bool counting;          /* once there was an ACK */
};

/* See wvegas.c. */
struct cc_wvegas {
    struct cc_reno reno;
    uint64_t rate;        /* window by RTT when alpha was set, in the unit of cc_rate(); 0: never */
    uint64_t rtt_sum;     /* of this round's samples */
    uint32_t rtt_n;       /* how many */
    uint32_t round_end;   /* SND.NXT when this round began */
    uint32_t base_rtt;    /* lowest sample; UINT32_MAX: none */
    uint32_t queue_delay; /* lowest mean above it with alpha segments in the queue; 0: none yet */
    uint32_t alpha;       /* quarters of a segment that may wait in the queue */
    uint32_t looked;      /* when the lowest RTT was lowered, or looked for, last: milliseconds */
    bool on, began;       /* it goes by delay; a round has begun */
    uint8_t looking;      /* rounds with half a window that are to come */
};

/* What an ACK says of the rate of delivery, for algorithms that ask (draft-ietf-ccwg-bbr 4.1). All
 * counts are bytes; those of what was ever delivered or lost are modulo 2^32. */
struct cc_sample {
    plait_time now;
    uint64_t rate;         /* bytes per second; 0: no reliable one */
    plait_time rtt;        /* of the segment sent last; 0: none */
    plait_time srtt;
    uint32_t newly;        /* this ACK delivered */
    uint32_t total;        /* delivered so far, this included */
    uint32_t prior;        /* as it was when the newest segment that this ACK delivers was sent; */
    uint32_t delivered;    /* since then, */
    uint32_t lost;         /* and deemed lost since then, */
    uint32_t tx_in_flight; /* and in flight then, with it */
    uint32_t flight;       /* in flight now */
    bool app_limited;      /* the application held back the rate, not the path */
    bool cwnd_limited;     /* the window did, in the last flight */
    bool recovering;       /* in fast recovery or after a time-out */
};

/* A segment (or several that were sent as one) is deemed lost. */
struct cc_lost {
    plait_time now;
    uint32_t seq, len;
    uint32_t lost;         /* since it was sent, itself included */
    uint32_t tx_in_flight; /* when it was sent, itself included */
    uint32_t total;        /* bytes delivered so far */
    bool app_limited;
};

/* State of an algorithm that has more of its own than u holds begins with this. It is allocated
 * only where such an algorithm is used. */
struct cc_own {
    uint64_t pacing_rate; /* bytes per second; 0: not paced */
    uint32_t quantum;     /* bytes that go out as one where it is paced */
    uint32_t seed;        /* for what it draws at random; set before init */
    bool app_limited;     /* set: what is sent from now on is not limited by the path */
};

union cc_state {
    struct cc_reno reno;
    struct cc_cubic cubic;
    struct cc_olia olia;
    struct cc_wvegas wvegas;
};

/* What a spurious reduction must give back. */
struct cc_saved {
    uint32_t cwnd, ssthresh; /* 0: nothing to undo */
    union cc_state u;
};

struct cc {
    const struct cc_ops *ops;
    struct cc *next;     /* ring of a connection's subflows; NULL: alone. cc_join(), cc_leave() */
    uint32_t mss;        /* payload bytes of a full segment */
    uint32_t cwnd, ssthresh;
    /* for the others of the ring; kept up to date by tcp */
    uint32_t srtt;       /* 0: no sample yet */
    uint32_t flight;     /* most bytes in flight during the last flight */
    bool recovering;     /* in fast recovery: ssthresh stands for the window */
    bool silent;         /* timed out, and nothing was acknowledged since */
    plait_time last_sent; /* data; 0: never */
    union { struct cc_hystart start; } m; /* what was measured: nothing to undo */
    union cc_state u;
    struct cc_own *own;  /* NULL: nothing is kept there */
};

struct cc_ops {
    const char *name;
    const char *what; /* it does: a line for people */
    void (*init)(struct cc *cc);
    /* Congestion avoidance or slow start: called for every ACK of new data outside recovery. */
    void (*on_ack)(struct cc *cc, const struct cc_ack *ack);
    /* A loss or ECN event, once for each window: sets ssthresh (>= 2 MSS; 1 where others of the
     * ring send); cwnd follows it through PRR. flight: bytes in flight when it was found. */
    void (*on_congestion)(struct cc *cc, uint32_t flight, plait_time now);
    /* First time-out of a segment: sets ssthresh; the caller sets cwnd to 1 MSS. */
    void (*on_rto)(struct cc *cc, uint32_t flight, plait_time now);
    /* Recovery is over: cwnd = ssthresh has been set. */
    void (*on_recovered)(struct cc *cc, plait_time now);
    /* Sending begins again after idle microseconds without anything in flight. */
    void (*on_idle)(struct cc *cc, plait_time idle, plait_time rto, plait_time now);

    /* The rest is for an algorithm that goes by rates, with own_size > 0: bytes of its struct that
     * begins with cc_own. It sets cwnd itself, in recovery too: on_ack is not called, and neither
     * PRR nor ssthresh limits it but for one segment after a time-out. */
    uint16_t own_size;
    /* For every ACK that delivers something, cumulatively or by SACK. */
    void (*on_sample)(struct cc *cc, const struct cc_sample *s);
    void (*on_lost)(struct cc *cc, const struct cc_lost *lost);
    /* An ECN mark, or a loss that a probe has repaired: in place of on_congestion. */
    void (*on_mark)(struct cc *cc, plait_time now);
    /* The last recovery was needless; cwnd has been given back. */
    void (*on_undo)(struct cc *cc, plait_time now);
};

extern const struct cc_ops cc_reno_ops, cc_cubic_ops, cc_lia_ops, cc_olia_ops, cc_balia_ops,
    cc_ewtcp_ops, cc_wvegas_ops, cc_bbr_ops;
const struct cc_ops *cc_find(const char *name); /* NULL: no such algorithm */
const struct cc_ops *cc_at(unsigned i); /* all of them, the default first; NULL: no more */

/* Alone, and then cc_open(). */
void cc_init(struct cc *cc, const struct cc_ops *ops, uint32_t mss);
/* Data may be sent from now on: cwnd = initial window of RFC 6928, ssthresh infinite. */
void cc_open(struct cc *cc, uint32_t mss);
/* Where ops->own_size > 0: own is zeroed memory of that size but for its seed. */
void cc_attach(struct cc *cc, struct cc_own *own);
/* Another segment size; where it is smaller cwnd shrinks in proportion (RFC 5681 3.1), to 1 MSS at
 * least. */
void cc_set_mss(struct cc *cc, uint32_t mss);
/* Before a reduction that may turn out to be spurious; cc_undo() gives it back, once (cwnd never
 * shrinks). */
void cc_save(const struct cc *cc, struct cc_saved *to);
void cc_undo(struct cc *cc, struct cc_saved *from);
PLUGIN_API uint32_t cc_initial_window(uint32_t mss); /* RFC 6928 2 */

/* ---- the ring ----------------------------------------------------------------------------------
 */

/* cc, which is alone, becomes one of the subflows that other is of. */
void cc_join(struct cc *cc, struct cc *other);
void cc_leave(struct cc *cc); /* nothing to do where it is alone */
/* Walks over those that count at now: cc itself, and who of the others sends. */
#define CC_EACH(o, cc, now)                                                                        \
    for (const struct cc *o = (cc); o != NULL; o = cc_after(o, (cc), (now)))
PLUGIN_API const struct cc *cc_after(const struct cc *o, const struct cc *self, plait_time now);
/* How many they are; 1 where cc's own RTT is not known yet. */
PLUGIN_API unsigned cc_count(const struct cc *cc, plait_time now);
/* What it really may have in flight, at least 1 MSS, and that by its RTT: bytes per microsecond,
 * times 2^32; never 0. */
PLUGIN_API uint32_t cc_window(const struct cc *o);
PLUGIN_API uint64_t cc_rate_of(uint32_t window, uint64_t rtt);
PLUGIN_API uint64_t cc_rate(const struct cc *o);
PLUGIN_API uint64_t cc_rate_sum(const struct cc *cc, plait_time now);
/* part / whole, which is not 0, in CC_ONE; at most 8. */
PLUGIN_API int64_t cc_fraction(uint64_t part, uint64_t whole);

/* ---- what the algorithms share -----------------------------------------------------------------
 */

/* Slow start with appropriate byte counting: adds to cwnd. */
PLUGIN_API void cc_slow_start(struct cc *cc, const struct cc_ack *ack);
/* Slow start where it is time for it. True: this ACK is one of congestion avoidance. */
PLUGIN_API bool cc_past_slow_start(struct cc *cc, const struct cc_ack *ack);
/* Congestion avoidance with pace (CC_ONE: as Reno; it may be negative): a step of 1 MSS for each
 * window that is acknowledged, times pace. */
PLUGIN_API void cc_avoid(struct cc *cc, uint32_t acked, int64_t pace);
/* ssthresh = target, at least so many segments; cc_avoid() begins anew. */
PLUGIN_API void cc_reduce(struct cc *cc, uint32_t target, uint32_t segs_min);
/* Slow start that watches the RTT, for the first one (RFC 9406). */
PLUGIN_API void cc_hystart_init(struct cc_hystart *h);
PLUGIN_API void cc_hystart_on_ack(struct cc_hystart *h, struct cc *cc, const struct cc_ack *ack);
/* cwnd += bytes, up to CC_CWND_MAX. */
PLUGIN_API void cc_grow(struct cc *cc, uint64_t bytes);
/* After idling for longer than rto: cwnd = restart window (RFC 5681 4.1). */
PLUGIN_API void cc_restart(struct cc *cc, plait_time idle, plait_time rto);
/* Reno's, for those that differ from it in other things. */
PLUGIN_API void cc_reno_init(struct cc *cc);
PLUGIN_API void cc_reno_on_congestion(struct cc *cc, uint32_t flight, plait_time now);
PLUGIN_API void cc_reno_on_recovered(struct cc *cc, plait_time now);
PLUGIN_API void cc_reno_on_idle(struct cc *cc, plait_time idle, plait_time rto, plait_time now);

/* For a shared object (--cc ./FILE.so): these are its ops. */
#define CC_PLUGIN(its_ops)                                                                         \
    extern const struct plugin plait_cc PLUGIN_API;                                                \
    const struct plugin plait_cc = { CC_PLUGIN_SIZES, &(its_ops) }
#define CC_PLUGIN_SIZES { sizeof(struct cc), sizeof(struct cc_ack), sizeof(struct cc_ops) }

#endif
