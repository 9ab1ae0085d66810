/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the script parser share. Each function takes its piece of the script from the
 * lexer, and answers false when an error was told. None calls itself. */
#ifndef SIM_PKT_PARSE_H
#define SIM_PKT_PARSE_H

#include "pkt_lex.h"

struct sim_pkt_parser {
    struct sim_pkt_lex x;
    struct sim_pkt_script *script;
};

/* A header line without its dashes, "name=value" or "name" (pkt_config.c). NULL: taken, else what
 * is wrong. */
const char *sim_pkt_config_set(struct sim_pkt_setup *setup, const char *name, const char *value);
void sim_pkt_config_defaults(struct sim_pkt_setup *setup);

/* Behind `<` or `>`: the rest of a packet (pkt_parse_seg.c). */
bool sim_pkt_parse_packet(struct sim_pkt_parser *p, struct sim_pkt_event *ev, bool out);
/* Behind '[': "localN:port]" or "remoteN:port]". */
bool sim_pkt_parse_end(struct sim_pkt_parser *p, struct sim_pkt_end *end);
/* A key variable's number; it is made when it is new. */
bool sim_pkt_parse_var(struct sim_pkt_parser *p, uint8_t *var);
/* The TCP options from '<' to '>' (pkt_parse_opt.c). */
bool sim_pkt_parse_options(struct sim_pkt_parser *p, struct sim_pkt_seg *seg);
/* The MPTCP option whose name is ahead; false and no error: it is none (pkt_parse_mp.c). */
bool sim_pkt_parse_mptcp(struct sim_pkt_parser *p, struct sim_pkt_seg *seg,
                         struct sim_pkt_opt *opt);
/* A call or a check, whose name is ahead (pkt_parse_call.c). */
bool sim_pkt_parse_call(struct sim_pkt_parser *p, struct sim_pkt_event *ev);

#endif
