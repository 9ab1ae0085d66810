/* SPDX-License-Identifier: Apache-2.0 */
/* The control fifo of `plait cat`, for tests and demonstrations: a command is a line.
 *     backup IFNAME on|off     del IFNAME     add IFNAME[=ADDR][,backup]     shutdown     abort
 * A wrong line is told on standard error and changes nothing. Called by cat.c. */
#include "cat_control.h"

#include "cat_report.h"
#include "say.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 4 };

static size_t split(char *line, char *words[WORDS_MAX])
{
    size_t n = 0;
    char *save = NULL;

    for (char *w = strtok_r(line, " \t\r", &save); w && n < WORDS_MAX;
         w = strtok_r(NULL, " \t\r", &save))
        words[n++] = w;
    return n;
}

static void tell(int rc, const struct drv_error *err)
{
    if (rc < 0)
        say("control: %s", err->text);
}

static void add_path(struct drv_host *host, const char *text)
{
    struct drv_error err;
    struct drv_path path;

    if (drv_path_parse(text, &path))
        tell(drv_host_path_add(host, &path, &err), &err);
    else
        say("control: add %s: it has to be IFNAME[=ADDR][,backup]", text);
}

enum cat_command cat_control_run(char *line, struct drv_host *host)
{
    char *w[WORDS_MAX];
    size_t n = split(line, w);
    struct drv_error err;

    if (n == 0)
        return CAT_COMMAND_NONE;
    if (n == 1 && strcmp(w[0], "abort") == 0)
        return CAT_COMMAND_ABORT;
    if (n == 1 && strcmp(w[0], "shutdown") == 0)
        return CAT_COMMAND_SHUTDOWN;
    if (n == 2 && strcmp(w[0], "add") == 0)
        add_path(host, w[1]);
    else if (n == 2 && strcmp(w[0], "del") == 0)
        tell(drv_host_path_del(host, w[1], &err), &err);
    else if (n == 3 && strcmp(w[0], "backup") == 0 &&
             (strcmp(w[2], "on") == 0 || strcmp(w[2], "off") == 0))
        tell(drv_host_path_backup(host, w[1], strcmp(w[2], "on") == 0, &err), &err);
    else
        say("control: unknown command '%s'; there are: backup IFNAME on|off, del IFNAME, "
            "add IFNAME[=ADDR][,backup], shutdown, abort",
            w[0]);
    return CAT_COMMAND_NONE;
}

/* The next whole line in the buffer, cut out of it; false when there is none. */
static bool take_line(struct cat_control *c, char *line)
{
    char *end = memchr(c->line, '\n', c->len);
    size_t len;
    bool skip = c->overlong;

    if (!end) {
        if (c->len == sizeof c->line) {
            c->overlong = true;
            c->len = 0;
        }
        return false;
    }
    len = (size_t)(end - c->line);
    memcpy(line, c->line, len);
    line[skip ? 0 : len] = '\0';
    c->overlong = false;
    c->len -= len + 1;
    memmove(c->line, end + 1, c->len);
    return true;
}

void cat_control_read(struct cat_control *c)
{
    ssize_t n = read(c->fd, c->line + c->len, sizeof c->line - c->len);

    if (n > 0) {
        c->len += (size_t)n;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        (void)close(c->fd);
        c->fd = -1;
    }
}

enum cat_command cat_control_next(struct cat_control *c, struct drv_host *host)
{
    char line[sizeof c->line];

    while (take_line(c, line)) {
        enum cat_command command = cat_control_run(line, host);
        if (command != CAT_COMMAND_NONE)
            return command;
    }
    return CAT_COMMAND_NONE;
}
