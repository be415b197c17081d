/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rows of userring share.
 */
#ifndef BENCH_USERRING_H
#define BENCH_USERRING_H

#include "device.h"

/* row.flags */
#define ROW_MODULE	0x1	/* ur_sync() after each burst is timed, too */
#define ROW_SENDS	0x2	/* packets leave that did not arrive */
#define ROW_FORWARDS	0x4
#define ROW_SCATTER	0x8	/* other slots of the pool for each lap */

/* The device for such a row, opened if it is the first; NULL, said why. */
struct device *userring_device(const struct device_opts *opts, bool forwards);

const char *userring_lap(struct row *row, struct lap *lap);

/* Receive a burst, look at it, give it back in place. */
uint32_t step_array(void *device, uint32_t batch);

#endif /* BENCH_USERRING_H */
