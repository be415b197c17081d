/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal while urctl top has it: its other screen, keys without Enter.  It is
 * put back by term_end(), which the end of the program in any way but SIGKILL
 * calls, and while the program is stopped by ^Z.
 */
#ifndef APPS_TERM_H
#define APPS_TERM_H

#include <stdbool.h>
#include <stdint.h>

void term_begin(void);
void term_end(void);

/*
 * Waits for a key until that moment of app_clock(), or a signal, or a change of the
 * window's size.  Return: was it q?
 */
bool term_wait(uint64_t until);

#endif /* APPS_TERM_H */
