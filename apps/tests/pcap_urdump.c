// SPDX-License-Identifier: BSD-2-Clause
/* urdump as a function, for a test that has other apps as well. */
int urdump_main(int argc, char **argv);

#define main urdump_main
#include "urdump/main.c"
