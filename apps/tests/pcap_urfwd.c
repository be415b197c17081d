// SPDX-License-Identifier: BSD-2-Clause
/* urfwd as a function, for a test that has other apps as well. */
int urfwd_main(int argc, char **argv);

#define main urfwd_main
#include "urfwd/main.c"
