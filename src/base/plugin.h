/* SPDX-License-Identifier: Apache-2.0 */
/* A policy in a shared object of its own: what the object says of itself, and how it reaches the
 * functions that plait lends it. HACKING.md, "Add something". */
#ifndef BASE_PLUGIN_H
#define BASE_PLUGIN_H

#include <stdint.h>

/* A function of plait that shared objects may call. */
#define PLUGIN_API __attribute__((visibility("default")))

/* The sizes of the structs that both sides share: an object that was built from other headers is
 * refused. */
struct plugin {
    uint32_t size[3];
    const void *ops;
};

#endif
