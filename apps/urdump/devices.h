/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is to dump. */
#ifndef APPS_URDUMP_DEVICES_H
#define APPS_URDUMP_DEVICES_H

#include <stdint.h>

/* Calls say with each interface that belongs to userring.  Return: how many. */
uint32_t devices_each(void (*say)(const char *name));

/* Prints a line on each device; for people. */
void devices_list(void);

#endif /* APPS_URDUMP_DEVICES_H */
