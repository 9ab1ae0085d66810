/* SPDX-License-Identifier: Apache-2.0 */
/* pump: the ends of a pipe whose middle is measured. The source maps page-aligned memory into the
 * pipe instead of copying it, the sink throws pages away unseen, so that what they cost does not
 * count against the program between them. Called by tests/bench/run.
 *
 * pump source BYTES | PROGRAM | pump sink
 *
 * The sink prints bytes and times as JSON on stderr. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20, BUFFER = 1 << 20 };

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int fail(const char *what)
{
    fprintf(stderr, "pump: %s: %s\n", what, strerror(errno));
    return 1;
}

static int source(uint64_t bytes)
{
    uint8_t *mem = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (mem == MAP_FAILED)
        return fail("memory");
    for (size_t i = 0; i < BUFFER; i++)
        mem[i] = (uint8_t)(i * 2654435761u >> 13);
    (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES); /* a smaller pipe works too */
    for (uint64_t left = bytes; left > 0;) {
        size_t at = (size_t)((bytes - left) % BUFFER), room = BUFFER - at;
        struct iovec iov = {mem + at, left < room ? (size_t)left : room};
        ssize_t n = vmsplice(STDOUT_FILENO, &iov, 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail("standard output has to be a pipe");
        left -= (uint64_t)n;
    }
    return 0;
}

static int sink(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint64_t bytes = 0, begin = 0, end = 0;

    if (null < 0)
        return fail("/dev/null");
    (void)fcntl(STDIN_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
    for (;;) {
        ssize_t n = splice(STDIN_FILENO, NULL, null, NULL, PIPE_BYTES, SPLICE_F_MOVE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail("standard input has to be a pipe");
        if (n == 0)
            break;
        end = now_us();
        begin = begin == 0 ? end : begin;
        bytes += (uint64_t)n;
    }
    fprintf(stderr, "{\"bytes\": %llu, \"us\": %llu}\n", (unsigned long long)bytes,
            (unsigned long long)(end - begin));
    return 0;
}

int main(int argc, char **argv)
{
    char *rest = NULL;

    if (argc == 2 && strcmp(argv[1], "sink") == 0)
        return sink();
    if (argc == 3 && strcmp(argv[1], "source") == 0) {
        unsigned long long bytes = strtoull(argv[2], &rest, 10);
        if (*rest == 0 && bytes > 0)
            return source(bytes);
    }
    fprintf(stderr, "usage: pump source BYTES | PROGRAM | pump sink\n");
    return 2;
}
