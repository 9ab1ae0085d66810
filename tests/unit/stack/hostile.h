/* SPDX-License-Identifier: Apache-2.0 */
/* A stack under attack by somebody who knows all numbers. Two connections come from an honest
 * client: one is aimed at, the other must never notice. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "kit.h"

#include "mp/mp_int.h"

struct scene {
    struct kit victim, client;
    struct plait_listener *listener;
    struct kit_pair aimed, other;
    struct mp_subflow *sub; /* the victim's, of the connection aimed at */
};

void scene_init(struct scene *s, bool mptcp, const struct plait_config *victim);
/* Pure ACK in the client's name, with the numbers that are right. */
struct kit_seg scene_seg(const struct scene *s);
/* Gives it to the victim and expects this counter, and no other reason to drop, to grow by one. */
void scene_expect(struct scene *s, const struct kit_seg *seg, enum plait_reason reason);
/* Bytes go both ways over a connection and arrive as they were. */
void scene_talk(struct scene *s, struct kit_pair *p);
/* What the victim sends next, which it must. */
struct wire_seg scene_answer(struct scene *s);
/* The other connection works, and the one aimed at as well where it lives; nothing is left. */
void scene_fini(struct scene *s, bool aimed_lives);

#endif
