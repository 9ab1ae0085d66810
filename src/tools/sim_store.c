/* SPDX-License-Identifier: Apache-2.0 */
/* The file of results. A line is written by one call, so an interruption leaves at most the last
 * one cut, which is dropped the next time. The order in which runs end does not matter: at the end
 * the file is written anew, sorted, beside the old one, and takes its place.
 *
 * Lines are known by their hash, not by the number of the run: with more values in a list, runs
 * get other numbers and need not be made again. Called by sim_scenario.c. */
#include "sim_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define bad(...) args_bad("sim", __VA_ARGS__)

enum { PREFIX_MAX = 64 };

static void *must(void *mem)
{
    if (mem == NULL)
        abort();
    return mem;
}

/* ---- looking up ------------------------------------------------------------------------------ */

struct known {
    uint64_t hash;
    unsigned run;
};

static int by_hash(const void *a, const void *b)
{
    const struct known *x = a, *y = b;

    return (x->hash > y->hash) - (x->hash < y->hash);
}

static struct known *sort_hashes(const struct sim_store *s)
{
    struct known *known = must(calloc(s->n + 1, sizeof *known));

    for (unsigned i = 0; i < s->n; i++)
        known[i] = (struct known){s->hash[i], i};
    qsort(known, s->n, sizeof *known, by_hash);
    return known;
}

/* {"run":12,"hash":"0123456789abcdef",...: where the part behind the number begins. 0: it is not
 * like that. */
static size_t read_prefix(const char *line, size_t len, uint64_t *hash)
{
    char head[PREFIX_MAX];
    unsigned run;
    int comma = 0, end = 0;

    memcpy(head, line, len < sizeof head ? len : sizeof head);
    head[len < sizeof head ? len : sizeof head - 1] = '\0';
    if (sscanf(head, "{\"run\":%9u%n,\"hash\":\"%16" SCNx64 "\",%n", &run, &comma, hash, &end) != 2)
        return 0;
    return end > 0 && line[len - 2] == '}' ? (size_t)comma : 0;
}

static enum args_verdict note_line(struct sim_store *s, const struct known *known,
                                   const char *line, const struct sim_store_line *where)
{
    struct known key = {0, 0}, *found = NULL;

    if (read_prefix(line, where->len, &key.hash) != 0)
        found = bsearch(&key, known, s->n, sizeof key, by_hash);
    if (found == NULL)
        return bad("--out %s: it has something that is no result of this scenario with these "
                   "parameters; name another file, or remove this one", s->path);
    if (s->line[found->run].len == 0)
        s->done++;
    s->line[found->run] = *where;
    return ARGS_OK;
}

static enum args_verdict read_lines(struct sim_store *s)
{
    struct known *known = sort_hashes(s);
    enum args_verdict verdict = ARGS_OK;
    FILE *file = fdopen(dup(s->fd), "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = 0;

    while (file != NULL && verdict == ARGS_OK && (n = getline(&line, &cap, file)) > 0) {
        if (line[n - 1] != '\n')
            break; /* cut by an interruption */
        verdict = note_line(s, known, line, &(struct sim_store_line){s->end, (size_t)n});
        s->end += n;
    }
    if (file != NULL)
        (void)fclose(file);
    free(line);
    free(known);
    if (verdict == ARGS_OK && ftruncate(s->fd, s->end) != 0)
        verdict = bad("--out %s: %s", s->path, strerror(errno));
    return verdict;
}

enum args_verdict sim_store_open(struct sim_store *s, const struct sim_runs *runs, const char *path)
{
    struct sim_run *run = must(calloc(1, sizeof *run));
    FILE *unnamed;

    *s = (struct sim_store){.path = path, .n = runs->n, .fd = -1};
    s->hash = must(calloc(s->n + 1, sizeof *s->hash));
    s->line = must(calloc(s->n + 1, sizeof *s->line));
    for (unsigned i = 0; i < s->n; i++) {
        sim_run_make(runs, i, run);
        s->hash[i] = sim_run_hash(run);
    }
    free(run);
    if (path == NULL) {
        unnamed = tmpfile();
        s->fd = unnamed != NULL ? dup(fileno(unnamed)) : -1;
        if (unnamed != NULL)
            (void)fclose(unnamed);
        return s->fd >= 0 ? ARGS_OK : bad("no room for results: %s", strerror(errno));
    }
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->fd < 0)
        return bad("--out %s: %s", path, strerror(errno));
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
        return bad("--out %s: another plait writes there", path);
    return read_lines(s);
}

bool sim_store_has(const struct sim_store *s, unsigned run)
{
    return s->line[run].len != 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static bool complain(const struct sim_store *s)
{
    (void)bad("%s: %s", s->path != NULL ? s->path : "results", strerror(errno));
    return false;
}

bool sim_store_add(struct sim_store *s, unsigned run, const char *line, size_t len)
{
    if (lseek(s->fd, s->end, SEEK_SET) < 0 || !write_all(s->fd, line, len))
        return complain(s);
    s->done += s->line[run].len == 0;
    s->line[run] = (struct sim_store_line){s->end, len};
    s->end += (off_t)len;
    return true;
}

bool sim_store_read(const struct sim_store *s, unsigned run, char **line, size_t *len)
{
    size_t have = s->line[run].len, skip;
    char *raw = must(malloc(have + 1)), *out;
    uint64_t hash;
    int head;

    if (pread(s->fd, raw, have, s->line[run].at) != (ssize_t)have ||
        (skip = read_prefix(raw, have, &hash)) == 0) {
        free(raw);
        return false;
    }
    out = must(malloc(have + PREFIX_MAX));
    head = snprintf(out, PREFIX_MAX, "{\"run\":%u", run); /* it may have had another number */
    memcpy(out + head, raw + skip, have - skip);
    *len = (size_t)head + have - skip;
    out[*len] = '\0';
    *line = out;
    free(raw);
    return true;
}

static bool write_sorted(const struct sim_store *s, int fd)
{
    bool good = true;

    for (unsigned i = 0; good && i < s->n; i++) {
        char *line;
        size_t len;
        if (!sim_store_has(s, i))
            continue;
        good = sim_store_read(s, i, &line, &len);
        if (good) {
            good = write_all(fd, line, len);
            free(line);
        }
    }
    return good && fsync(fd) == 0;
}

bool sim_store_finish(struct sim_store *s)
{
    char *beside;
    int fd;
    bool good;

    if (s->path == NULL)
        return true;
    beside = must(malloc(strlen(s->path) + 8));
    (void)sprintf(beside, "%s.tmp", s->path);
    fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    good = fd >= 0 && write_sorted(s, fd) && rename(beside, s->path) == 0;
    if (!good)
        (void)complain(s);
    if (fd >= 0)
        (void)close(fd);
    free(beside);
    return good;
}

void sim_store_close(struct sim_store *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->hash);
    free(s->line);
}
