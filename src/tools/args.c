/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, places, paths, and how a mistake is told. Called by cat_options.c and
 * perf_options.c. */
#include "args.h"

#include "driver/addr.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- mistakes ------------------------------------------------------------------------------- */

enum args_verdict args_bad(const char *program, const char *fmt, ...)
{
    va_list args;

    (void)fprintf(stderr, "plait %s: ", program);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "\nTry `plait %s --help`.\n", program);
    return ARGS_BAD;
}

enum args_verdict args_bad_option(const char *program, int option, char **argv)
{
    if (option == ':')
        return args_bad(program, "option '%s' needs a value", argv[optind - 1]);
    if (optopt > 0 && optopt < 256)
        return args_bad(program, "unknown option '-%c'", optopt);
    return args_bad(program, "option '%s' is unknown, ambiguous, or takes no value",
                    argv[optind - 1]);
}

/* ---- paths and places ----------------------------------------------------------------------- */

enum args_verdict args_path(const char *program, const char *arg, struct drv_paths *paths)
{
    if (paths->path_n == DRV_PATHS_MAX)
        return args_bad(program, "--path %s: too many paths, the limit is %d", arg, DRV_PATHS_MAX);
    if (!drv_path_parse(arg, &paths->path[paths->path_n]))
        return args_bad(program,
                        "--path %s: it has to be IFNAME[=ADDR][,backup], as in eth0 or "
                        "wlan0=192.0.2.7,backup",
                        arg);
    paths->path_n++;
    paths->automatic = false;
    return ARGS_OK;
}

enum args_verdict args_driver(const char *program, const char *arg,
                              const struct drv_driver **driver)
{
    char names[128] = "";
    size_t used = 0;

    *driver = NULL; /* which one "auto" is, the host finds */
    if (strcmp(arg, drv_driver_name(0)) == 0)
        return ARGS_OK;
    *driver = drv_driver_find(arg);
    if (*driver)
        return ARGS_OK;
    for (size_t i = 0; drv_driver_name(i) && used + 32 < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 drv_driver_name(i));
    return args_bad(program, "--driver %s: there is no such driver; there are: %s", arg, names);
}

enum args_verdict args_queues(const char *program, const char *arg, size_t *queues)
{
    uint64_t n;
    const char *end = args_digits(arg, 3, &n);

    if (!end || *end != '\0' || n < 1 || n > DRV_QUEUES_MAX)
        return args_bad(program, "--queues %s: it has to be a number from 1 to %d", arg,
                        DRV_QUEUES_MAX);
    *queues = (size_t)n;
    return ARGS_OK;
}

enum args_verdict args_spin(const char *program, const char *arg, plait_time *spin)
{
    const char *end = args_digits(arg, 6, spin);

    if (!end || *end != '\0' || *spin > ARGS_SPIN_MAX)
        return args_bad(program, "--spin %s: it has to be microseconds, from 0 to %d", arg,
                        ARGS_SPIN_MAX);
    return ARGS_OK;
}

enum args_verdict args_place(const char *program, int n, char **words, struct args_place *place)
{
    if (n == 0)
        return args_bad(program, place->serving ? "PORT is missing" : "HOST and PORT are missing");
    if (n == 1 && !place->serving)
        return args_bad(program, "PORT is missing after HOST '%s'", words[0]);
    if (n > 2)
        return args_bad(program, "unexpected argument '%s'", words[2]);
    place->host = n == 2 ? words[0] : NULL;
    if (!drv_addr_parse_port(words[n - 1], &place->port))
        return args_bad(program, "PORT '%s': it has to be a number from 1 to 65535", words[n - 1]);
    return ARGS_OK;
}

/* ---- numbers -------------------------------------------------------------------------------- */

const char *args_digits(const char *at, unsigned max, uint64_t *value)
{
    const char *start = at;

    *value = 0;
    while (*at >= '0' && *at <= '9' && (unsigned)(at - start) < max)
        *value = *value * 10 + (uint64_t)(*at++ - '0');
    return at == start ? NULL : at;
}

bool args_duration(const char *text, plait_time *out)
{
    static const struct {
        const char *name;
        uint64_t us;
    } units[] = {
        {"", 1000000},
        {"s", 1000000},
        {"ms", 1000},
        {"min", 60000000},
    };
    uint64_t whole, fraction = 0, scale = 1;
    const char *at = args_digits(text, 9, &whole);

    if (at && *at == '.') {
        const char *end = args_digits(at + 1, 6, &fraction);
        for (const char *p = at + 1; end && p < end; p++)
            scale *= 10;
        at = end;
    }
    if (!at)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(at, units[i].name) != 0)
            continue;
        *out = whole * units[i].us + fraction * units[i].us / scale;
        return true;
    }
    return false;
}

bool args_amount(const char *text, uint64_t *out)
{
    static const char units[] = "kMG";
    const char *at = args_digits(text, 15, out), *unit;

    if (!at || *out == 0)
        return false;
    if (*at != '\0') {
        unit = strchr(units, *at);
        if (!unit || at[1] != '\0' || *out > ARGS_AMOUNT_MAX >> 10 * (unit - units + 1))
            return false;
        *out <<= 10 * (unit - units + 1);
    }
    return *out <= ARGS_AMOUNT_MAX;
}
