/* SPDX-License-Identifier: BSD-2-Clause */
/* This program: where it lies, and how to start it and others. */
#ifndef APPS_SELF_H
#define APPS_SELF_H

#include <stddef.h>

#include "urctl/sysfs.h"

/* How to call urctl behind sudo, which looks into few folders only: its path, or "urctl". */
const char *self_command(void);

/* The module that the sources of this program were built with, if it lies in build/apps. */
void self_module(char path[SYSFS_PATH]);

/*
 * Runs a program, without a shell, with what it says thrown away; its standard
 * output goes to text, which may be NULL.
 * Return: its exit code, or -errno.
 */
int self_run(const char *const argv[], char *text, size_t size);

#endif /* APPS_SELF_H */
