/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios: what a scenario file says, as plain data. doc/scenario.md tells the language;
 * `plait sim FILE.sim` is the user.
 *
 * A file is parsed whole (sim_scn_parse), with the values of its parameters and the seed, and then
 * run (sim_scn_run of scn_run.h). Loops, parameters and generated topologies are gone by then: what
 * is left is links, flows over them, events, and what to report. */
#ifndef SIM_SCN_H
#define SIM_SCN_H

#include "scn_expr.h"
#include "sim.h"

enum {
    SIM_SCN_TEXT_MAX = 1 << 20, /* bytes of a file */
    SIM_SCN_LINE_MAX = 4096,    /* bytes of a line, continued and with what braces became */
    SIM_SCN_NAME_MAX = 48,      /* bytes of a name, with its end */
    SIM_SCN_ERROR_MAX = 512,
    SIM_SCN_STEPS_MAX = 200000, /* statements, loops counted out */
    SIM_SCN_LINKS_MAX = 20000,
    SIM_SCN_FLOWS_MAX = 4096,   /* connections, `count` counted out */
    SIM_SCN_PATHS_MAX = 16,     /* of a flow */
    SIM_SCN_HOPS_MAX = 7,       /* links of a path; one more leads to it */
    SIM_SCN_EVENTS_MAX = 100000,
};

/* A place in the file, and what was wrong there. */
struct sim_scn_error {
    uint32_t line, column; /* from 1; 0: not at a place */
    char text[SIM_SCN_ERROR_MAX];
};

/* ---- links ----------------------------------------------------------------------------------- */

/* Which properties of a link a line named. */
enum sim_scn_prop {
    SIM_SCN_RATE_SET = 1 << 0,
    SIM_SCN_DELAY_SET = 1 << 1,
    SIM_SCN_JITTER_SET = 1 << 2,
    SIM_SCN_LOSS_SET = 1 << 3,
    SIM_SCN_QUEUE_SET = 1 << 4,
    SIM_SCN_RED_SET = 1 << 5,
    SIM_SCN_MARK_SET = 1 << 6,
    SIM_SCN_REORDER_SET = 1 << 7,
    SIM_SCN_DUPLICATE_SET = 1 << 8,
    SIM_SCN_MTU_SET = 1 << 9,
    SIM_SCN_HOLE_SET = 1 << 10,
    SIM_SCN_DOWN_SET = 1 << 11,
    SIM_SCN_TAIL_SET = 1 << 12,
};

/* One direction. */
struct sim_scn_dir {
    unsigned set; /* of sim_scn_prop */
    struct sim_link_config cfg;
    plait_time queue_time; /* the queue as time, of which cfg.queue is made; 0: given otherwise */
};

struct sim_scn_link {
    char name[SIM_SCN_NAME_MAX];
    uint32_t line;
    int group; /* of links that are reported together: index of the tree, -1: alone */
    struct sim_scn_dir dir[2]; /* forward, back */
};

/* ---- flows ----------------------------------------------------------------------------------- */

struct sim_scn_span {
    plait_time lo, hi; /* a random moment in between */
};

struct sim_scn_path {
    uint8_t hop_n;
    struct sim_scn_hop {
        uint16_t link;
        bool back;
    } hop[SIM_SCN_HOPS_MAX];
};

enum sim_scn_traffic {
    SIM_SCN_BULK = 0,
    SIM_SCN_FIXED,   /* so many bytes */
    SIM_SCN_REQUEST, /* and response, over and over */
    SIM_SCN_BLOCKS,  /* at intervals */
    SIM_SCN_BURSTS,  /* a pause when each has arrived */
    SIM_SCN_PAGE,
    SIM_SCN_CBR, /* no connection */
};

struct sim_scn_flow {
    char name[SIM_SCN_NAME_MAX];
    uint32_t line, column;
    enum sim_scn_traffic traffic;
    bool tcp, mptcp; /* as said; neither: by the number of paths */
    bool ecmp, reverse, nodelay, ecn, checksum;
    bool exponential;  /* on, off, think */
    char cc[SIM_SCN_WORD_MAX], sched[SIM_SCN_WORD_MAX], pm[SIM_SCN_WORD_MAX]; /* "": default */
    unsigned subflows; /* 0: as many as paths */
    bool demand;       /* of a path manager on demand, not the defaults */
    uint64_t demand_bytes;
    plait_time demand_after;
    uint32_t backup;   /* set of paths */
    unsigned count;
    struct sim_scn_span start, access;
    plait_time stop;               /* 0: never */
    uint32_t sndbuf, rcvbuf;       /* 0: default */
    uint64_t size, response;       /* bytes: of what it carries; of an answer */
    uint64_t times;                /* 0: until the end */
    unsigned objects, conns;       /* of a page */
    plait_time think, every, on, off;
    uint64_t rate;                 /* bit/s, of CBR or of the application; 0: no limit */
    uint32_t packet;               /* bytes, of CBR */
    /* path_n for each of count where `apart`, else the same for all */
    unsigned path_n;
    bool apart;
    struct sim_scn_path *path;
};

/* ---- the rest -------------------------------------------------------------------------------- */

enum sim_scn_what {
    SIM_SCN_LINK_CHANGE,
    SIM_SCN_PATH_DOWN, /* flag: down */
    SIM_SCN_PATH_GONE, /* flag: the address is removed; else it comes */
    SIM_SCN_PATH_PRIO, /* flag: backup */
};

struct sim_scn_event {
    plait_time at;
    enum sim_scn_what what;
    unsigned link;             /* its number */
    struct sim_scn_dir dir[2]; /* what of it becomes new */
    unsigned flow, path;
    bool flag;
};

struct sim_scn_box {
    unsigned flow, path;
    char name[SIM_SCN_WORD_MAX];
};

struct sim_scn_report {
    char name[SIM_SCN_NAME_MAX];
    uint32_t line, column; /* of the expression */
    char *expr;
    bool filled; /* parameters became values in it, so places in it are others */
};

struct sim_scn_param {
    char name[SIM_SCN_NAME_MAX];
    char text[SIM_SCN_WORD_MAX]; /* its value as it was written */
    struct sim_scn_value value;
    bool given; /* from outside */
};

struct sim_scn_tree {
    char name[SIM_SCN_NAME_MAX];
    unsigned k;
    unsigned link; /* number of its first one */
};

struct sim_scn {
    char title[SIM_SCN_LINE_MAX];
    uint64_t seed;
    plait_time run, warmup, sample;
    bool until_done;
    struct plait_config stack; /* of all hosts; policies are set for each flow */
    unsigned link_n, flow_n, event_n, box_n, report_n, param_n, tree_n;
    struct sim_scn_link *link;
    struct sim_scn_flow *flow;
    struct sim_scn_event *event; /* in order of their times */
    struct sim_scn_box *box;
    struct sim_scn_report *report;
    struct sim_scn_param *param;
    struct sim_scn_tree *tree;
};

/* "key=value" from the command line. */
struct sim_scn_set {
    const char *name, *value;
};
struct sim_scn_input {
    const char *text;
    size_t len;
    const struct sim_scn_set *set;
    unsigned set_n;
    bool seed_given;
    uint64_t seed;
};

/* NULL: *error tells where and why. */
struct sim_scn *sim_scn_parse(const struct sim_scn_input *in, struct sim_scn_error *error);
void sim_scn_free(struct sim_scn *s);

/* New properties of a link's direction, those that were set; the length of a queue that was given
 * as a time is computed anew. */
void sim_scn_dir_apply(struct sim_scn_dir *to, const struct sim_scn_dir *change);

#endif
