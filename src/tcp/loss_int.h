/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of loss recovery. loss.c calls the others in the order of an ACK's steps; each
 * file writes the fields of struct tcp_loss that stand under its name there. */
#ifndef TCP_LOSS_INT_H
#define TCP_LOSS_INT_H

#include "loss.h"

enum { TCP_DUP_THRESH = 3 };

/* One ACK on its way through the steps. */
struct tcp_ackctx {
    const struct wire_seg *seg;
    plait_time now;
    bool more;             /* new data waits above */
    bool ts;               /* tsecr means something */
    uint32_t tsecr;
    uint32_t prior_una;
    uint32_t prior_out;    /* nxt - una before this ACK */
    uint32_t prior_pipe;   /* in flight before this ACK */
    uint32_t prior_fack;   /* highest sequence number that was delivered before this ACK */
    bool advanced;         /* it moved una */
    uint32_t delivered;    /* bytes in flight or lost that now are known to be there */
    uint32_t delivered_hi; /* highest sequence number among them; prior_una when none */
    bool dsack;            /* the first block reports a duplicate */
    struct tcp_sack_range dup;
    bool dup_of_probe;     /* and that was a tail loss probe */
    /* RACK: the newly delivered record that was sent last */
    bool best;
    plait_time best_sent;
    uint32_t best_end;
    /* RTT: of originals acknowledged first and last, SACKed last, of a retransmission by timestamp;
     * PLAIT_NEVER: none. Times of transmission. */
    plait_time first_acked, last_acked, last_sacked, rtx_echoed;
    bool rtx_acked;        /* something retransmitted was acknowledged cumulatively */
    uint32_t rtx_ts;       /* lowest timestamp of those retransmissions */
    bool orig_delivered;   /* something never retransmitted was delivered */
    uint32_t orig_hi;      /* its highest sequence number */
    uint32_t lost;         /* bytes newly deemed lost */
    bool lost_rtx;         /* among them a retransmission that is younger than the last reduction */
    struct tcp_ack_out *out;
};

/* Nothing is in flight, nor was when this step began: l->f may be read and not be written. */
static inline bool tcp_loss_rests(const struct tcp_loss *l)
{
    return l->f == &tcp_flight_none()->repair;
}

/* loss.c: cwnd was reduced, for any reason: the peer is told, and what it still says about this
 * window is old news. */
void tcp_loss_reduced(struct tcp_loss *l, const struct tcp_sndq *q, plait_time now);

/* rate.c; all for l->rate != NULL. Steps of an ACK: begin, delivered for each record, end. */
void tcp_rate_begin(struct tcp_loss *l);
void tcp_rate_delivered(struct tcp_loss *l, const struct tcp_ackctx *a, const struct tcp_rec *r,
                        uint32_t end);
void tcp_rate_end(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a);
void tcp_rate_lost(struct tcp_loss *l, const struct tcp_rec *r, plait_time now);
void tcp_rate_sent(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_sent *s,
                   plait_time now);

/* marks.c: DSACK, marks. */
void tcp_marks_input(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a);
void tcp_marks_forget(struct tcp_loss *l, struct tcp_sndq *q); /* the peer reneged */

/* rack.c */
void tcp_rack_init(struct tcp_loss *l);
/* [r->seq, end) of a record is newly delivered; sacked: by SACK, not cumulatively. */
void tcp_rack_delivered(struct tcp_loss *l, struct tcp_ackctx *a, const struct tcp_rec *r,
                        uint32_t end, bool sacked);
void tcp_rack_update(struct tcp_loss *l, const struct tcp_ackctx *a);
void tcp_rack_dsack(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_ackctx *a);
void tcp_rack_recovered(struct tcp_loss *l); /* fast or RTO recovery ends */
plait_time tcp_rack_reo_wnd(const struct tcp_loss *l, const struct tcp_sndq *q);
/* Marks what is lost by now; a->lost, a->lost_rtx, l->f->reorder_at. */
void tcp_rack_detect(struct tcp_loss *l, struct tcp_sndq *q, struct tcp_ackctx *a);
void tcp_rack_rto(struct tcp_loss *l, struct tcp_sndq *q, plait_time now); /* marks on a time-out */

/* tlp.c */
void tcp_tlp_init(struct tcp_loss *l);
bool tcp_tlp_may_arm(const struct tcp_loss *l, const struct tcp_sndq *q);
plait_time tcp_tlp_timeout(const struct tcp_loss *l, const struct tcp_sndq *q); /* PTO */
void tcp_tlp_sent(struct tcp_loss *l, const struct tcp_sndq *q, const struct tcp_sent *s);
/* True: the probe repaired a loss that congestion control must hear of. Sets a->dup_of_probe. */
bool tcp_tlp_ack(struct tcp_loss *l, struct tcp_ackctx *a);

/* prr.c: recovery and its window */
void tcp_prr_enter(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a);
void tcp_prr_again(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a);
void tcp_prr_ack(struct tcp_loss *l, const struct tcp_sndq *q, uint32_t delivered, bool safe);
void tcp_prr_leave(struct tcp_loss *l, plait_time now);
/* Bytes that count as FlightSize: what was sent within cwnd. */
uint32_t tcp_prr_flight_size(const struct tcp_loss *l, uint32_t out);

/* undo.c */
void tcp_undo_start(struct tcp_loss *l, const struct tcp_sndq *q);
void tcp_undo_rtx(struct tcp_loss *l, const struct tcp_sent *s);
/* True: the last reduction turned out to be needless and was undone. */
bool tcp_undo_ack(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a);
void tcp_undo_apply(struct tcp_loss *l, struct tcp_sndq *q, plait_time now);

/* rto.c: the retransmission timer and F-RTO */
void tcp_rto_fire(struct tcp_loss *l, struct tcp_sndq *q, plait_time now);
/* True: the time-out was spurious and was undone. */
bool tcp_rto_ack(struct tcp_loss *l, struct tcp_sndq *q, const struct tcp_ackctx *a);

#endif
