// SPDX-License-Identifier: BSD-2-Clause
/*
 * The short way of urdns makes what the long one makes, byte for byte, whatever the
 * query; and its checksums are right by a plain sum.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns_both.h"

#define ROUNDS	100000
#define MIXED	128

static uint64_t seed = 1;

static uint32_t draw(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((seed >> 33) % n);
}

/* What a name of words has hashed in front of its last one. */
static uint64_t hash_before(const uint8_t *name, uint32_t len)
{
	const struct dns_key *key = &both_server.zone->key;
	uint64_t h = key->seed ^ len;
	uint32_t i;

	h = dns_mix2(key, h, dns_load64(name), len > 16 ? dns_load64(name + 8) : 0);
	for (i = 16; i + 8 < len; i += 8)
		h = dns_mix(key, h, dns_load64(name + i));
	return h;
}

/* Bytes that are another name, or none, and have the same length and hash. */
static void collide(uint8_t *name, uint32_t len)
{
	uint64_t was = hash_before(name, len), last;

	name[draw(len - 8)] ^= (uint8_t)(1 << draw(5));
	last = dns_load64(name + len - 8) ^ was ^ hash_before(name, len);
	memcpy(name + len - 8, &last, sizeof(last));
}

/* Every field that the short way looks at may differ. */
static void change(uint8_t *frame, uint32_t *len)
{
	static const uint8_t fields[] = { 0, 6, 12, 14, 15, 17, 18, 20, 21, 22,
					  23, 26, 30, 34, 36, 37, 38, 39, 40,
					  44, 45, 46, 47, 49, 51, 52, 53, 54 };
	uint8_t *opt = frame + *len - 11;

	switch (draw(16)) {
	case 0:		/* any field */
		frame[fields[draw(sizeof(fields))]] ^= (uint8_t)(1 << draw(8));
		break;
	case 1:		/* any byte */
		frame[draw(*len)] = (uint8_t)draw(256);
		break;
	case 2:		/* in the OPT, or what lies there */
		opt[draw(11)] = (uint8_t)(1 << draw(8));
		break;
	case 3:		/* it ends sooner, behind the header of UDP */
		*len -= draw(*len < 42 + 30 ? *len - 42 : 30);
		break;
	case 4:		/* sources: none, loopback, group, ours */
		memcpy(frame + 26, (const uint8_t[][4]){ { 0, 0, 0, 1 },
							 { 127, 0, 0, 1 },
							 { 224, 0, 0, 1 },
							 { 10, 0, 0, 2 } }[draw(4)],
		       4);
		break;
	case 5:		/* no checksum, no port */
		frame[draw(2) ? 40 : 34] = 0;
		frame[draw(2) ? 41 : 35] = 0;
		break;
	case 6:		/* upper case */
		frame[55 + draw(3)] &= 0xdf;
		break;
	case 7:
		if (*len > 69 + 8 && *len % 8 == 69 % 8)
			collide(frame + 54, *len - 69);
		break;
	default:
		break;
	}
}

/* A query of the cases, with its options drawn.  Return: its length. */
static uint32_t draw_frame(uint8_t *frame)
{
	uint8_t msg[400];
	struct dns_case c = dns_cases[draw(DNS_CASES)];
	static const uint16_t flags[] = { 0, 0x0100, 0x0020, 0x0010, 0x0130 };
	uint32_t len;

	c.flags = flags[draw(5)];
	c.edns = draw(8) ? (uint16_t)draw(65536) : 0;
	/* other types of the names */
	if (!draw(4))
		c.type = dns_cases[draw(DNS_CASES)].type;
	len = dns_case_build(&c, msg);
	ur_put_be16(msg, (uint16_t)draw(65536));
	if (c.edns && draw(2))
		msg[len - 4] = 0x80;
	len = both_frame(frame, msg, len, (uint16_t)draw(65536));
	memcpy(frame + 26, (const uint8_t[]){ 198, (uint8_t)draw(256),
					      (uint8_t)draw(256),
					      (uint8_t)draw(256) }, 4);
	/* with our address all ones above: what is added next is carried */
	if (!draw(16))
		memcpy(frame + 28, (const uint8_t[]){ 255, 253 }, 2);
	return len;
}

/* What the NIC has found right is right. */
static void sum_up(uint8_t *frame, uint32_t len)
{
	ur_put_be16(frame + 24, 0);
	ur_put_be16(frame + 24, ur_csum(frame + 14, 20));
	if (!ur_get_be16(frame + 40))
		return;
	ur_put_be16(frame + 40, 0);
	ur_put_be16(frame + 40, ur_csum_udp4(frame + 26, frame + 30, frame + 34,
					     len - 34));
	if (!ur_get_be16(frame + 40))
		ur_put_be16(frame + 40, 0xffff);
}

static void check_sums(const struct both_reply *r)
{
	struct ur_udp udp;

	assert_int_equal(ur_parse_udp(r->bytes, (uint32_t)r->len, &udp),
			 UR_PARSE_OK);
	assert_int_equal(ur_csum(r->bytes + 14, 20), 0);
	assert_false(udp.no_csum);
	assert_int_equal(ur_csum_udp4(udp.src, udp.dst, r->bytes + udp.l4,
				      udp.payload_len + 8), 0);
}

/* Was the last one answered by the short way? */
static bool was_quick(uint32_t slow)
{
	return both_lane()->quick.query[0].name_len && slow == both_slow;
}

static void test_same(void **state)
{
	static const struct ur_sim_meta unchecked = { .status = UR_RXD_STAT_IXSM };
	uint32_t i, quick = 0, unchanged;
	uint8_t frame[BOTH_ROOM];
	struct both_reply a, b;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		const struct ur_sim_meta *meta = draw(50) ? NULL : &unchecked;
		uint32_t len = draw_frame(frame), slow = both_slow;

		unchanged = i % 2;
		if (!unchanged)
			change(frame, &len);
		sum_up(frame, len);
		both_put(frame, len, meta);
		both_serve(true);
		both_take(&a);
		quick += was_quick(slow);
		both_put(frame, len, meta);
		both_serve(false);
		both_take(&b);
		if (!both_same(&a, &b))
			fail_msg("round %u: %d and %d bytes", i, a.len, b.len);
		if (unchanged && a.len > 0)
			check_sums(&a);
	}
	/* or nothing was compared */
	assert_true(quick > ROUNDS / 8);
	assert_true(quick < ROUNDS);
}

/* Many at once: each way takes its own, none is lost, those of a way in order. */
static void test_bursts(void **state)
{
	static uint8_t frame[MIXED][BOTH_ROOM];
	static struct both_reply all[2][MIXED];
	uint32_t len[MIXED], round, i, n;
	int way;

	(void)state;
	for (round = 0; round < 300; round++) {
		n = 1 + draw(MIXED);
		for (i = 0; i < n; i++) {
			len[i] = draw_frame(frame[i]);
			if (!draw(4))
				change(frame[i], &len[i]);
			sum_up(frame[i], len[i]);
		}
		for (way = 0; way < 2; way++) {
			for (i = 0; i < n; i++)
				both_put(frame[i], len[i], NULL);
			both_serve(way);
			for (i = 0; i < n; i++)
				both_take(&all[way][i]);
		}
		for (i = 0; i < n; i++)
			assert_true(both_same(&all[0][i], &all[1][i]));
	}
}

/* Both count the same. */
static void test_counts(void **state)
{
	struct dns_lane *lane = both_lane();
	struct dns_count n[2];
	struct app_count packets[2];
	uint8_t frame[BOTH_ROOM];
	uint32_t i, len;
	int way;

	(void)state;
	for (way = 0; way < 2; way++) {
		seed = 7;
		memset(&lane->n, 0, sizeof(lane->n));
		memset(&lane->q.app.n, 0, sizeof(lane->q.app.n));
		for (i = 0; i < 5000; i++) {
			struct both_reply r;

			len = draw_frame(frame);
			sum_up(frame, len);
			both_put(frame, len, NULL);
			both_serve(way);
			both_take(&r);
		}
		n[way] = lane->n;
		packets[way] = lane->q.app.n;
	}
	assert_memory_equal(&n[0], &n[1], sizeof(n[0]));
	assert_memory_equal(&packets[0], &packets[1], sizeof(packets[0]));
	assert_true(n[0].rcode[DNS_NOERROR] > 1000);
	assert_true(n[0].rcode[DNS_NXDOMAIN] > 10);
}

static int open_lane(void **state)
{
	(void)state;
	return both_open();
}

static int close_lane(void **state)
{
	(void)state;
	both_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, open_lane, close_lane);
}
