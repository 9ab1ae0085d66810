/* SPDX-License-Identifier: Apache-2.0 */
/* A script of `plait sim run`: it is refused with a place and a reason, or every event of it can be
 * printed in any room, and it runs to its end.
 *
 * Input: the text. Scripts that ask for long virtual times or much data are only parsed. */
#include "fuzz.h"

#include "sim/pkt_print.h"

#include <string.h>

enum { RUN_TEXT_MAX = 4096, RUN_BYTES_MAX = 100000 };
#define RUN_TIME_MAX (300 * PLAIT_SEC)

static void check_error(const struct sim_pkt_error *e, const uint8_t *text, size_t len)
{
    uint32_t lines = 1;

    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    FUZZ_CHECK(e->line <= lines, "a place inside of the script");
    FUZZ_CHECK((e->line == 0) == (e->column == 0), "a line and a column, or neither");
    FUZZ_CHECK(e->text[0] != '\0' && memchr(e->text, '\0', sizeof e->text) != NULL, "a reason");
}

static void print_event(const struct sim_pkt_script *s, const struct sim_pkt_event *ev, size_t room)
{
    char line[SIM_PKT_LINE_MAX];

    memset(line, 'x', sizeof line);
    if (ev->kind == SIM_PKT_EVENT_SEG)
        sim_pkt_print(s, &ev->seg, line, room);
    else if (ev->kind == SIM_PKT_EVENT_CALL)
        sim_pkt_print_call(&ev->call, line, room);
    else if (ev->kind == SIM_PKT_EVENT_CHECK)
        sim_pkt_print_check(&ev->check, line, room);
    else
        return;
    FUZZ_CHECK(memchr(line, '\0', room) != NULL, "what is printed ends");
}

/* Is the work that the script asks for in proportion to its text? */
static bool is_short(const struct sim_pkt_script *s, size_t len)
{
    plait_time at = 0;

    if (len > RUN_TEXT_MAX)
        return false;
    for (unsigned i = 0; i < s->event_n; i++) {
        const struct sim_pkt_event *ev = &s->event[i];
        at = ev->when == SIM_PKT_RELATIVE ? at + ev->hi : ev->hi > at ? ev->hi : at;
        if (at > RUN_TIME_MAX)
            return false;
        for (unsigned k = 0; ev->kind == SIM_PKT_EVENT_CALL && k < ev->call.arg_n; k++)
            if (ev->call.arg[k].number > RUN_BYTES_MAX)
                return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sim_pkt_options quiet;
    struct sim_pkt_error error;
    struct sim_pkt_report report;
    struct sim_pkt_script *s = sim_pkt_parse((const char *)data, size, &error);

    if (s == NULL) {
        check_error(&error, data, size);
        return 0;
    }
    for (unsigned i = 0; i < s->event_n; i++) {
        print_event(s, &s->event[i], SIM_PKT_LINE_MAX);
        print_event(s, &s->event[i], 1 + i % 40);
    }
    if (is_short(s, size) && !sim_pkt_run(s, &quiet, &report))
        check_error(&report.error, data, size);
    sim_pkt_free(s);
    return 0;
}
