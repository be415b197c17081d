// SPDX-License-Identifier: BSD-2-Clause
/*
 * Headers that were built, and checksums.
 */
#include "common.h"

/* RFC 1071, one 16-bit word at a time. */
static uint16_t plain_csum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void checksum(void **state)
{
	uint64_t seed = 3;
	uint8_t data[2000];
	size_t len, i;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(rnd(&seed) >> 56);
	for (len = 0; len < sizeof(data); len += len < 80 ? 1 : 37)
		for (i = 0; i < 4; i++)
			if (i + len <= sizeof(data))
				assert_int_equal(ur_csum(data + i, len),
						 plain_csum(data + i, len));
	memset(data, 0xff, sizeof(data));
	assert_int_equal(ur_csum(data, sizeof(data)), 0);
	memset(data, 0, sizeof(data));
	assert_int_equal(ur_csum(data, sizeof(data)), 0xffff);
	/* RFC 1071, section 3 */
	assert_int_equal(ur_csum("\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 8),
			 (uint16_t)~0xddf2);
}

static void build(uint32_t len, bool v6)
{
	struct ur_build_udp b = {
		.dst_mac = { 2, 0, 0, 0, 0, 2 },
		.src_mac = { 2, 0, 0, 0, 0, 1 },
		.src = { 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5 },
		.dst = { 11, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 6 },
		.sport = 53, .dport = 4711, .tos = 0x12,
	};
	uint8_t *room = malloc(UR_BUILD_ROOM + len), *frame, *payload;
	struct ur_udp udp;
	uint32_t i, headers = v6 ? 62 : 42;

	payload = room + UR_BUILD_ROOM;
	for (i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 31 + len);
	frame = v6 ? ur_build_udp6(payload, len, &b) :
		     ur_build_udp4(payload, len, &b);
	assert_ptr_equal(frame, payload - headers);
	assert_int_equal(ur_parse_udp(frame, headers + len, &udp), UR_PARSE_OK);
	assert_int_equal(udp.family, v6 ? 6 : 4);
	assert_int_equal(udp.sport, 53);
	assert_int_equal(udp.dport, 4711);
	assert_ptr_equal(udp.payload, payload);
	assert_int_equal(udp.payload_len, len);
	assert_false(udp.no_csum);
	assert_memory_equal(udp.src, b.src, v6 ? 16 : 4);
	assert_memory_equal(udp.dst, b.dst, v6 ? 16 : 4);
	if (v6) {
		assert_int_equal(ur_csum_udp6(udp.src, udp.dst,
					      frame + udp.l4, len + 8), 0);
	} else {
		assert_int_equal(ur_csum(frame + 14, 20), 0);
		assert_int_equal(ur_csum_udp4(udp.src, udp.dst,
					      frame + udp.l4, len + 8), 0);
	}
	free(room);
}

static void every_length(void **state)
{
	uint32_t len;

	(void)state;
	for (len = 0; len < 1473; len += len < 70 ? 1 : 97) {
		build(len, false);
		build(len, true);
	}
}

/* A checksum that comes out as 0 is sent as 0xffff: 0 says "none". */
static void checksum_zero(void **state)
{
	struct ur_build_udp b = { .src = { 10 }, .dst = { 11 } };
	uint8_t room[UR_BUILD_ROOM + 2], *payload = room + UR_BUILD_ROOM;
	uint32_t value, seen = 0;
	struct ur_udp udp;

	(void)state;
	for (value = 0; value < 0x10000; value++) {
		uint8_t *frame;

		ur_put_be16(payload, (uint16_t)value);
		frame = ur_build_udp4(payload, 2, &b);
		assert_int_equal(ur_parse_udp(frame, 44, &udp), UR_PARSE_OK);
		assert_false(udp.no_csum);
		assert_int_equal(ur_csum_udp4(udp.src, udp.dst, frame + 34,
					      10), 0);
		seen += ur_get_be16(frame + 40) == 0xffff;
	}
	assert_true(seen >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum),
		cmocka_unit_test(every_length),
		cmocka_unit_test(checksum_zero),
	};

	return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
