/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame in words, on one line, without looking up names. */
#ifndef APPS_URDUMP_LINE_H
#define APPS_URDUMP_LINE_H

#include <stddef.h>
#include <stdint.h>

#define DUMP_LINE	512	/* bytes, enough for any frame */

/* Writes the line, cut at size. */
void dump_line(char *out, size_t size, const uint8_t *frame, uint32_t len);

/* The same of a frame of len bytes of which only some were captured. */
void dump_cut_line(char *out, size_t size, const uint8_t *frame,
		   uint32_t captured, uint32_t len);

#endif /* APPS_URDUMP_LINE_H */
