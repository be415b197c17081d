// SPDX-License-Identifier: BSD-2-Clause
/*
 * The end of a program that was compiled with UR_DEBUG and used a slot that it
 * does not hold.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

void __ur_debug_stop(const char *call, uint32_t slot, const char *wrong)
{
	fprintf(stderr, "libuserring: %s(): slot %u %s\n", call, slot, wrong);
	abort();
}
