/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_check() must find what is wrong: each case breaks one thing in a copy and sees the assert. */
#include "pair.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Does tcp_check() abort, or answer false, after this change? */
static bool finds(struct pair *p, void (*spoil)(struct tcb *))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(2);
        spoil(&p->end[0].t);
        _exit(tcp_check(&p->end[0].t) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void nothing(struct tcb *t) { (void)t; }
static void una_beyond_nxt(struct tcb *t) { t->sndq.una = t->sndq.nxt + 1; }
static void fin_unwanted(struct tcb *t) { t->fin_sent = true; }
static void tiny_mss(struct tcb *t) { t->mss = 20; }
static void big_shift(struct tcb *t) { t->snd_wscale = 15; }
static void window_seen(struct tcb *t) { t->max_wnd = t->snd_wnd - 1; }
static void position(struct tcb *t) { t->rcv_pos++; }
static void rcv_nxt(struct tcb *t) { t->rcv_nxt++; }
static void beyond_window(struct tcb *t) { t->rcv_adv = t->rcv_nxt - 5; }
static void acked_ahead(struct tcb *t) { t->last_ack_sent = t->rcv_nxt + 1; }
static void fin_state(struct tcb *t) { t->fin_seen = t->fin_received = true; t->rcv_nxt++; }
static void time_wait(struct tcb *t) { t->time_wait_at = 5; }
static void ack_time(struct tcb *t) { t->ack_pending = true; t->ack_at = PLAIT_NEVER; }

static void each_breach_is_found(void **state)
{
    void (*const spoil[])(struct tcb *) = {
        una_beyond_nxt, fin_unwanted, tiny_mss, big_shift, window_seen, position, rcv_nxt,
        beyond_window, acked_ahead, fin_state, time_wait, ack_time,
    };
    struct pair *p = *state;

    assert_false(finds(p, nothing));
    for (unsigned i = 0; i < sizeof spoil / sizeof spoil[0]; i++)
        assert_true(finds(p, spoil[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_breach_is_found, pair_setup, pair_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
