/* SPDX-License-Identifier: Apache-2.0 */
/* Error text of the driver. Every file of the driver that can fail at start-up calls it; nothing on
 * the packet path does. */
#include "drv.h"

#include <stdarg.h>
#include <stdio.h>

int drv_fail(struct drv_error *err, enum drv_fault fault, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    err->fault = fault;
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return -1;
}
