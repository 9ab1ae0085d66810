/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks of a sweep. Called by sim_scenario.c and sim_sweep.c. Ranks share a list of runs in turn;
 * rank 0 alone has files and the terminal. MPI is in sim_ranks_mpi.c, where it is built in. */
#include "sim_ranks.h"

#include <stdlib.h>

const struct sim_ranks_ops *sim_ranks_ops;

void sim_ranks_start(struct sim_ranks *r)
{
    *r = (struct sim_ranks){0, 1};
    if (sim_ranks_ops != NULL)
        sim_ranks_ops->start(r);
}

void sim_ranks_share(const struct sim_ranks *r, void *bytes, size_t len)
{
    if (r->n > 1)
        sim_ranks_ops->share(bytes, len);
}

void sim_ranks_send(const struct sim_ranks *r, unsigned run, const char *text, size_t len)
{
    if (r->n > 1)
        sim_ranks_ops->send(run, text, len);
}

bool sim_ranks_receive(const struct sim_ranks *r, unsigned *run, char **text, size_t *len)
{
    return r->n > 1 && sim_ranks_ops->receive(run, text, len);
}

void sim_ranks_end(const struct sim_ranks *r)
{
    (void)r;
    if (sim_ranks_ops != NULL)
        sim_ranks_ops->end();
}

void sim_ranks_abort(const struct sim_ranks *r, int status)
{
    if (r->n > 1)
        sim_ranks_ops->abort(status);
}
