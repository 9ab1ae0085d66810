/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks by MPI. Built into plait with -Dmpi=enabled, and into plait-mpi, which is for tests, where
 * MPI is found. Processes that are forked for runs never call MPI. */
#include "sim_ranks.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { TAG = 1 };

/* MPI is started where a launcher of it started us; else `plait sim` would need a daemon of it. */
static bool launched(void)
{
    static const char *const marks[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK",
                                        "PMI_SIZE"};

    for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++)
        if (getenv(marks[i]) != NULL)
            return true;
    return false;
}

static void start(struct sim_ranks *r)
{
    if (!launched() || MPI_Init(NULL, NULL) != MPI_SUCCESS)
        return;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &r->rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &r->n);
}

static void share(void *bytes, size_t len)
{
    (void)MPI_Bcast(bytes, (int)len, MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void send_one(unsigned run, const char *text, size_t len)
{
    char *message = malloc(sizeof run + len);

    if (message == NULL || len > INT_MAX - sizeof run)
        abort();
    memcpy(message, &run, sizeof run);
    if (len > 0)
        memcpy(message + sizeof run, text, len);
    (void)MPI_Send(message, (int)(sizeof run + len), MPI_BYTE, 0, TAG, MPI_COMM_WORLD);
    free(message);
}

static bool receive(unsigned *run, char **text, size_t *len)
{
    MPI_Status status;
    int there = 0, size = 0;
    char *message;

    (void)MPI_Iprobe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &there, &status);
    if (!there)
        return false;
    (void)MPI_Get_count(&status, MPI_BYTE, &size);
    message = malloc((size_t)size + 1);
    if (message == NULL)
        abort();
    (void)MPI_Recv(message, size, MPI_BYTE, status.MPI_SOURCE, TAG, MPI_COMM_WORLD, &status);
    memcpy(run, message, sizeof *run);
    *len = (size_t)size - sizeof *run;
    memmove(message, message + sizeof *run, *len);
    *text = message;
    return true;
}

static void finish(void)
{
    int started = 0;

    if (MPI_Initialized(&started) == MPI_SUCCESS && started)
        (void)MPI_Finalize();
}

static void give_up(int status)
{
    (void)MPI_Abort(MPI_COMM_WORLD, status);
}

static const struct sim_ranks_ops ops = {start, share, send_one, receive, finish, give_up};

__attribute__((constructor)) static void use(void)
{
    sim_ranks_ops = &ops;
}
