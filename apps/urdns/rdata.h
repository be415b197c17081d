/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of a record: of which fields it consists, by its type.  It is checked
 * where records come in, however they were written; behind that names and lengths in
 * it are believed.
 */
#ifndef APPS_URDNS_RDATA_H
#define APPS_URDNS_RDATA_H

#include <stdbool.h>
#include <stdint.h>

/* Return: NULL: it is right; or what is wrong, in words. */
const char *rdata_wrong(uint16_t type, const uint8_t *data, uint32_t len);

/* The same to all who read it: names have no case. */
bool rdata_same(uint16_t type, const uint8_t *a, uint32_t a_len,
		const uint8_t *b, uint32_t b_len);

/*
 * Of data that is right, the next piece: either a name which may be compressed in a
 * message (RFC 3597, 4), or other bytes.  Begins with *at 0.  Return: its length, 0:
 * there is no more.
 */
uint32_t rdata_piece(uint16_t type, const uint8_t *data, uint32_t len,
		     uint32_t *at, bool *is_name);

#endif /* APPS_URDNS_RDATA_H */
