/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a target on files, and on every file of directories: the corpus as a test, and a finding
 * under a debugger. Prints TAP: one test for each argument. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20, PATH_LEN = 1024 };

/* The input stands in memory of exactly its size, so that a sanitizer sees a read behind it. */
static void run_file(const char *path)
{
    static uint8_t buf[INPUT_MAX];
    FILE *f = fopen(path, "rb");

    FUZZ_CHECK(f != NULL, path);
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    uint8_t *data = malloc(n > 0 ? n : 1);
    FUZZ_CHECK(data != NULL, "memory for the input");
    memcpy(data, buf, n);
    if (getenv("FUZZ_NAMES") != NULL)
        fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
}

static unsigned run_dir(const char *path, DIR *dir)
{
    char name[PATH_LEN];
    struct dirent *e;
    unsigned n = 0;

    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        run_file(name);
        n++;
    }
    closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        unsigned n = 1;
        if (dir != NULL)
            n = run_dir(argv[i], dir);
        else
            run_file(argv[i]);
        printf("%s %d - %s: %u inputs\n", n > 0 ? "ok" : "not ok", i, argv[i], n);
    }
    return argc > 1 ? 0 : 2;
}
