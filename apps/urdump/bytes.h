/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of a frame, on lines of their own behind the line on it. */
#ifndef APPS_URDUMP_BYTES_H
#define APPS_URDUMP_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* In hexadecimal, 16 on a line; with their characters beside them. */
void bytes_hex(FILE *out, const uint8_t *frame, uint32_t len, bool characters);

/*
 * What is behind the last header of Ethernet, IP, UDP or TCP, as text.  Of a frame
 * of len bytes so many were captured.
 */
void bytes_text(FILE *out, const uint8_t *frame, uint32_t captured,
		uint32_t len);

#endif /* APPS_URDUMP_BYTES_H */
