/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario of `plait sim`: it is refused with a place and a reason, or it makes sense: links and
 * paths that exist, events in order, reports whose names lead somewhere. A small one is run, too.
 *
 * Input: the text. */
#include "fuzz.h"

#include "sim/scn_run.h"

#include <string.h>

enum { RUN_LINKS = 8, RUN_FLOWS = 4, RUN_RATE = 10000000, RUN_PAGE = 100, RUN_SAMPLES = 1000 };
#define RUN_TIME PLAIT_SEC

static void check_error(const struct sim_scn_error *e, const uint8_t *text, size_t len)
{
    uint32_t lines = 1;

    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    FUZZ_CHECK(e->line <= lines, "a place inside of the file");
    FUZZ_CHECK((e->line == 0) == (e->column == 0), "a line and a column, or neither");
    FUZZ_CHECK(e->text[0] != '\0' && memchr(e->text, '\0', sizeof e->text) != NULL, "a reason");
}

static void check_flow(const struct sim_scn *s, const struct sim_scn_flow *f)
{
    size_t paths = (size_t)f->path_n * (f->apart ? f->count : 1);

    FUZZ_CHECK(f->count >= 1 && f->path_n >= 1, "a flow is somewhere");
    for (size_t i = 0; i < paths; i++)
        for (unsigned k = 0; k < f->path[i].hop_n; k++)
            FUZZ_CHECK(f->path[i].hop[k].link < s->link_n, "a link that there is");
}

static void check(const struct sim_scn *s)
{
    enum sim_scn_kind kind;

    FUZZ_CHECK(s->flow_n > 0 && s->run > s->warmup && s->sample > 0, "something is to be done");
    for (unsigned i = 0; i < s->flow_n; i++)
        check_flow(s, &s->flow[i]);
    for (unsigned i = 0; i < s->event_n; i++) {
        FUZZ_CHECK(i == 0 || s->event[i].at >= s->event[i - 1].at, "events in order");
        FUZZ_CHECK(s->event[i].link < s->link_n, "a link");
        FUZZ_CHECK(s->event[i].flow < s->flow_n, "a flow");
    }
    for (unsigned i = 0; i < s->report_n; i++)
        FUZZ_CHECK(sim_scn_report_kind(s, i, &kind), "a report that makes sense");
}

/* So that a run takes milliseconds. */
static bool is_small(const struct sim_scn *s)
{
    unsigned conns = 0;

    for (unsigned i = 0; i < s->link_n && i < RUN_LINKS; i++)
        for (unsigned k = 0; k < 2; k++)
            if (s->link[i].dir[k].cfg.rate > RUN_RATE || s->link[i].dir[k].cfg.rate == 0)
                return false;
    for (unsigned i = 0; i < s->flow_n; i++) {
        if (s->flow[i].objects > RUN_PAGE || s->flow[i].rate > RUN_RATE)
            return false;
        conns += s->flow[i].count;
    }
    return s->link_n <= RUN_LINKS && conns <= RUN_FLOWS && s->event_n == 0 && s->run <= RUN_TIME &&
           s->run / s->sample <= RUN_SAMPLES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sim_scn_options quiet;
    struct sim_scn_error error;
    struct sim_scn_input in = {.text = (const char *)data, .len = size};
    struct sim_scn *s = sim_scn_parse(&in, &error);

    if (s == NULL) {
        check_error(&error, data, size);
        return 0;
    }
    check(s);
    if (is_small(s)) {
        struct sim_scn_result *r = sim_scn_run(s, &quiet);
        FUZZ_CHECK(r->failure == NULL || strstr(r->failure, "own") != NULL ||
                       strstr(r->failure, "too many") != NULL, "the world holds");
        sim_scn_result_free(r);
    }
    sim_scn_free(s);
    return 0;
}
