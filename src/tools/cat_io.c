/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of the pipe that `plait cat` is. Input is read into memory that the caller lends, when
 * poll() said that there is some. Output must not block: a blocked write would keep the stack from
 * answering the peer. Pipes and terminals are opened a second time, so that only our own handle is
 * non-blocking and whoever shares standard output with us does not notice. Called by cat.c. */
#include "cat_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIPE_SIZE = 1 << 20 };

void cat_in_open(void)
{
    /* A larger pipe means fewer turns; refused where it is no pipe. */
    (void)fcntl(STDIN_FILENO, F_SETPIPE_SZ, PIPE_SIZE);
}

size_t cat_in_waiting(void)
{
    int n = 0;

    if (ioctl(STDIN_FILENO, FIONREAD, &n) < 0 || n <= 0)
        return 0; /* the end, or a file that does not tell */
    return n < CAT_IN_TURN ? (size_t)n : (size_t)CAT_IN_TURN;
}

ssize_t cat_in_read(uint8_t *to, size_t len)
{
    ssize_t n = read(STDIN_FILENO, to, len);

    if (n < 0 && errno == EINTR)
        errno = EAGAIN;
    return n;
}

void cat_out_open(struct cat_out *out)
{
    struct stat st;
    int flags = fcntl(STDOUT_FILENO, F_GETFL);

    *out = (struct cat_out){.fd = STDOUT_FILENO, .restore_flags = -1};
    if (fstat(STDOUT_FILENO, &st) < 0 || S_ISREG(st.st_mode))
        return;
    if (S_ISSOCK(st.st_mode)) {
        out->is_socket = true;
        return;
    }
    out->fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (out->fd < 0) {
        out->fd = STDOUT_FILENO;
        if (flags >= 0 && !(flags & O_NONBLOCK) &&
            fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) == 0)
            out->restore_flags = flags;
    }
    (void)fcntl(out->fd, F_SETPIPE_SZ, PIPE_SIZE);
}

ssize_t cat_out_write(const struct cat_out *out, const uint8_t *data, size_t len)
{
    ssize_t n;

    do
        n = out->is_socket ? send(out->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : write(out->fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

int cat_out_close(struct cat_out *out)
{
    int error = 0;

    if (out->fd < 0)
        return 0;
    if (out->restore_flags >= 0)
        (void)fcntl(STDOUT_FILENO, F_SETFL, out->restore_flags);
    if (out->fd != STDOUT_FILENO && close(out->fd) < 0)
        error = errno;
    if (close(STDOUT_FILENO) < 0)
        error = errno;
    out->fd = -1;
    return error;
}

int cat_open_lines(const char *name, bool writing)
{
    struct stat st;
    int fd, n;
    char rest;

    if (sscanf(name, "fd:%d%c", &n, &rest) == 1)
        return fcntl(n, F_DUPFD_CLOEXEC, 3);
    /* A fifo opened for both never waits for a reader and never ends when a writer leaves. */
    if (stat(name, &st) == 0 && S_ISFIFO(st.st_mode))
        return open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (writing)
        fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    else
        fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fd;
}
