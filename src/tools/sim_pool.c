/* SPDX-License-Identifier: Apache-2.0 */
/* A process for each run: a run that crashes takes nobody along, and what it allocated is gone. It
 * answers through a pipe, whose end is its end. Called by sim_scenario.c. */
#include "sim_pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 65536 };

struct job {
    pid_t pid; /* 0: idle */
    unsigned run;
    char *text;
    size_t len, cap;
};

struct state {
    const struct sim_pool *p;
    struct job *job;
    struct pollfd *fd; /* of each job; -1: idle */
    unsigned next, busy;
    bool stop; /* nothing new is begun */
};

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

int sim_pool_signal(void)
{
    return caught;
}

static void set_signals(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    (void)sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < 3; i++)
        (void)sigaction(numbers[i], &action, NULL);
}

/* ---- one job --------------------------------------------------------------------------------- */

static bool begin(struct state *s, unsigned slot)
{
    struct job *job = &s->job[slot];
    int ends[2];

    if (pipe(ends) != 0)
        return false;
    (void)fflush(NULL);
    job->run = s->p->run[s->next];
    job->len = 0;
    job->pid = fork();
    if (job->pid == 0) {
        set_signals(SIG_DFL);
        (void)close(ends[0]);
        int status = s->p->work(s->p->ctx, job->run, ends[1]);
        (void)fflush(NULL);
        _exit(status);
    }
    (void)close(ends[1]);
    if (job->pid < 0) {
        job->pid = 0;
        (void)close(ends[0]);
        return false;
    }
    s->fd[slot] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    s->next++;
    s->busy++;
    return true;
}

static void end(struct state *s, unsigned slot)
{
    struct job *job = &s->job[slot];
    int status = 0;

    (void)close(s->fd[slot].fd);
    s->fd[slot].fd = -1;
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
        ;
    job->pid = 0;
    s->busy--;
    if (caught == 0 &&
        !s->p->take(s->p->ctx, job->run, job->text, status == 0 ? job->len : 0, status))
        s->stop = true;
}

static void listen(struct state *s, unsigned slot)
{
    struct job *job = &s->job[slot];
    ssize_t n;

    if (job->len + PIECE > job->cap) {
        job->cap = job->cap * 2 + PIECE;
        job->text = realloc(job->text, job->cap);
        if (job->text == NULL)
            abort();
    }
    n = read(s->fd[slot].fd, job->text + job->len, PIECE);
    if (n > 0)
        job->len += (size_t)n;
    else if (n == 0 || errno != EINTR)
        end(s, slot);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void end_all(struct state *s)
{
    for (unsigned i = 0; i < s->p->jobs; i++)
        if (s->job[i].pid != 0) {
            (void)kill(s->job[i].pid, SIGTERM);
            end(s, i);
        }
}

static void fill(struct state *s)
{
    for (unsigned i = 0; i < s->p->jobs && s->next < s->p->n && !s->stop; i++)
        if (s->job[i].pid == 0 && !begin(s, i)) {
            if (s->busy == 0) { /* else it is tried again when one has ended */
                perror("plait sim: fork");
                s->stop = true;
            }
            return;
        }
}

int sim_pool_work(const struct sim_pool *p)
{
    struct state s = {.p = p};

    s.job = calloc(p->jobs, sizeof *s.job);
    s.fd = calloc(p->jobs, sizeof *s.fd);
    if (s.job == NULL || s.fd == NULL)
        abort();
    for (unsigned i = 0; i < p->jobs; i++)
        s.fd[i].fd = -1;
    set_signals(on_signal);
    fill(&s);
    while (s.busy > 0 && caught == 0) {
        int n = poll(s.fd, p->jobs, p->tick_ms);
        for (unsigned i = 0; n > 0 && i < p->jobs; i++)
            if (s.fd[i].fd >= 0 && (s.fd[i].revents & (POLLIN | POLLHUP | POLLERR)))
                listen(&s, i);
        p->tick(p->ctx);
        fill(&s);
    }
    end_all(&s);
    for (unsigned i = 0; i < p->jobs; i++)
        free(s.job[i].text);
    free(s.job);
    free(s.fd);
    return caught;
}
