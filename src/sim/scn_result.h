/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of a scenario measured, and how reports name it: FLOW.FIELD, FLOW.PATH.FIELD,
 * LINK.FIELD and LINK.back.FIELD. */
#ifndef SIM_SCN_RESULT_H
#define SIM_SCN_RESULT_H

#include "scn.h"

enum sim_scn_flow_field {
    SIM_SCN_GOODPUT, /* mean of a connection */
    SIM_SCN_TOTAL,   /* of all of them */
    SIM_SCN_LEAST,
    SIM_SCN_MOST,
    SIM_SCN_JAIN,
    SIM_SCN_DONE,
    SIM_SCN_OPEN,
    SIM_SCN_MEAN_TIME, /* the first of those that only a flow with times has */
    SIM_SCN_P50,
    SIM_SCN_P90,
    SIM_SCN_P95,
    SIM_SCN_P99,
    SIM_SCN_WORST,
    SIM_SCN_STALL,
    SIM_SCN_SENT,
    SIM_SCN_RETRANSMITTED,
    SIM_SCN_RESTARTS,
    SIM_SCN_REINJECTED,
    SIM_SCN_DUPLICATE,
    SIM_SCN_FLOW_FIELDS
};

enum sim_scn_path_field {
    SIM_SCN_PATH_GOODPUT,
    SIM_SCN_PATH_RTT,
    SIM_SCN_PATH_CWND,
    SIM_SCN_PATH_LOSS,
    SIM_SCN_PATH_SENT,
    SIM_SCN_PATH_RETRANSMITTED,
    SIM_SCN_PATH_RESTARTS,
    SIM_SCN_PATH_FIELDS
};

enum sim_scn_link_field {
    SIM_SCN_LOAD,
    SIM_SCN_PACKETS,
    SIM_SCN_DROPS,
    SIM_SCN_LOSS,
    SIM_SCN_MARKS,
    SIM_SCN_QUEUE,
    SIM_SCN_QUEUE_MAX,
    SIM_SCN_LINK_FIELDS
};

/* Values are in millionths of the field's unit. */
struct sim_scn_field {
    const char *name;
    enum sim_scn_kind kind;
};
extern const struct sim_scn_field sim_scn_flow_fields[SIM_SCN_FLOW_FIELDS];
extern const struct sim_scn_field sim_scn_path_fields[SIM_SCN_PATH_FIELDS];
extern const struct sim_scn_field sim_scn_link_fields[SIM_SCN_LINK_FIELDS];

struct sim_scn_path_result {
    int64_t field[SIM_SCN_PATH_FIELDS];
};
struct sim_scn_flow_result {
    int64_t field[SIM_SCN_FLOW_FIELDS];
    bool timed;    /* something was finished, so there are times */
    int64_t *each; /* goodput of each connection */
    unsigned path_n;
    struct sim_scn_path_result *path; /* means of the connections */
};
struct sim_scn_link_result {
    int64_t field[2][SIM_SCN_LINK_FIELDS]; /* forward, back */
};
struct sim_scn_report_result {
    bool good;
    struct sim_scn_value value;
    char why[SIM_SCN_TELL_MAX]; /* it could not be computed */
};

struct sim_scn_result {
    const struct sim_scn *scn;
    struct sim_scn_flow_result *flow;
    struct sim_scn_link_result *link; /* those of a tree are in that of its first link */
    struct sim_scn_report_result *report;
    plait_time took;  /* virtual time */
    uint64_t packets; /* that arrived at hosts */
    uint64_t steps;
    const char *failure; /* the world broke; NULL: it did not */
};

/* What a name means. */
struct sim_scn_target {
    int flow, link; /* -1: not one */
    int path;       /* -1: of the flow itself */
    bool back;
    unsigned field;
};
/* The kind of its value. */
enum sim_scn_kind sim_scn_target_kind(const struct sim_scn_target *t);
/* The ref->n-th thing that a name stands for. False: there is none, or ref->tell says why. */
bool sim_scn_resolve(const struct sim_scn *s, const struct sim_scn_ref *ref,
                     struct sim_scn_target *out);
/* The kind of a report's value; false: it makes no sense. */
bool sim_scn_report_kind(const struct sim_scn *s, unsigned report, enum sim_scn_kind *out);
/* Looks up in a struct sim_scn_result. */
sim_scn_lookup_fn sim_scn_field_value;
/* How many paths or subflows of a flow there are figures of. */
unsigned sim_scn_path_figures(const struct sim_scn_flow *f);

#endif
