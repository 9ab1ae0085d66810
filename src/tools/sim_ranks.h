/* SPDX-License-Identifier: Apache-2.0 */
/* A sweep over many machines: ranks of MPI, where plait was built with it and mpirun started it;
 * else there is one rank. */
#ifndef TOOLS_SIM_RANKS_H
#define TOOLS_SIM_RANKS_H

#include <stdbool.h>
#include <stddef.h>

struct sim_ranks {
    int rank, n;
};

/* What does it; NULL: nobody, there is one rank. */
struct sim_ranks_ops {
    void (*start)(struct sim_ranks *r);
    void (*share)(void *bytes, size_t len);
    void (*send)(unsigned run, const char *text, size_t len);
    bool (*receive)(unsigned *run, char **text, size_t *len);
    void (*end)(void);
    void (*abort)(int status);
};
extern const struct sim_ranks_ops *sim_ranks_ops;

void sim_ranks_start(struct sim_ranks *r);
/* Rank 0's bytes become everybody's. */
void sim_ranks_share(const struct sim_ranks *r, void *bytes, size_t len);
/* To rank 0: what a run came to; len 0: nothing. */
void sim_ranks_send(const struct sim_ranks *r, unsigned run, const char *text, size_t len);
/* Rank 0: something that arrived, allocated in *text. False: nothing is there. */
bool sim_ranks_receive(const struct sim_ranks *r, unsigned *run, char **text, size_t *len);
/* Everybody has come so far. */
void sim_ranks_end(const struct sim_ranks *r);
/* Ends the whole job, all ranks. */
void sim_ranks_abort(const struct sim_ranks *r, int status);

#endif
