/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk copy: `rep movsb`, which libc uses for long copies, falls to 2-3 GB/s for some alignments on
 * common CPUs; this loop does not. */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stddef.h>

void copy_bulk(void *dst, const void *src, size_t len); /* no overlap */

#endif
