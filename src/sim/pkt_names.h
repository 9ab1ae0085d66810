/* SPDX-License-Identifier: Apache-2.0 */
/* The names that scripts may use. A name is not terminated where its length is given. */
#ifndef SIM_PKT_NAMES_H
#define SIM_PKT_NAMES_H

#include "pkt.h"

/* PLAIT_LOCAL_* of SUBFLOW, SIGNAL, BACKUP and DOWN; 0: another name. */
uint32_t sim_pkt_flag(const char *name);
/* "EAGAIN" of PLAIT_EAGAIN; "NONE" of 0. */
const char *sim_pkt_errno_name(int64_t err);
bool sim_pkt_call_known(const char *name, size_t len);
bool sim_pkt_subject_known(const char *name, size_t len);
/* Is it a counter, a state, a reason or an error, as this subject wants it? */
bool sim_pkt_word_known(const char *subject, const char *word, size_t len);
/* States are written with '_' where their names have '-'. */
bool sim_pkt_same_state(const char *state, const char *word, size_t len);
/* PLAIT_REASON_COUNT: no reason has this name. */
enum plait_reason sim_pkt_reason(const char *name, size_t len);

#endif
