// SPDX-License-Identifier: BSD-2-Clause
/*
 * What urctl finds out of signatures of modules, keys of the firmware and kernels that
 * ask for them, in a tree of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "urctl/secure.h"

/*
 * Two certificates, and what the key of the first one made of a file:
 *	openssl req -new -x509 -nodes -days 36500 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
 *		-subj "/CN=module key 1" -keyout k1.pem -outform DER -out c1.der
 *	openssl cms -sign -binary -nocerts -noattr -outform DER -md sha256 -signer c1.pem -inkey k1.pem
 */
static const char cert1[] =
	"308201853082012ba00302010202147ff5f5ccc45951f50d63bf660fcd340e04fa2201300a06082a"
	"8648ce3d04030230173115301306035504030c0c6d6f64756c65206b657920313020170d32363132"
	"30313033323434395a180f32313236313130373033323434395a30173115301306035504030c0c6d"
	"6f64756c65206b657920313059301306072a8648ce3d020106082a8648ce3d03010703420004ae78"
	"53fac24bbe05c4a7d8e10b2f283ff9f7abd7c6c174dd340195c893353adfddf0c7eabb1d9a8f55a6"
	"5246ede896f3ae0282a68516f75041b5d6f2345b09dba3533051301d0603551d0e041604147b8a9d"
	"7659b016cefb9931453916d51a048366dd301f0603551d230418301680147b8a9d7659b016cefb99"
	"31453916d51a048366dd300f0603551d130101ff040530030101ff300a06082a8648ce3d04030203"
	"48003045022100ad94f08e13f351dba530bf9ba9ec7267d229d6f32e9c002a788f1485c06e547402"
	"2011dcb8c0312a886297d19e8b1f74bac2f5e28a1beae846ddb2a6fb4658ab3295";
static const char cert2[] =
	"308201853082012ba00302010202143bdb837dbb44bf14e65d8980f9cb02426a5171a4300a06082a"
	"8648ce3d04030230173115301306035504030c0c6d6f64756c65206b657920323020170d32363132"
	"30313033323434395a180f32313236313130373033323434395a30173115301306035504030c0c6d"
	"6f64756c65206b657920323059301306072a8648ce3d020106082a8648ce3d03010703420004614f"
	"af6e72b7c524bf63fb31b8ab4d70f4b6e878d1c446f87ce6920080c092f7657a4c2fc5fc264b53aa"
	"7b9f77174dcfb7f5b253fc65772197c60441850b2b92a3533051301d0603551d0e04160414894731"
	"2d59cf5457dbf68bfa92c0f0496c26bd83301f0603551d230418301680148947312d59cf5457dbf6"
	"8bfa92c0f0496c26bd83300f0603551d130101ff040530030101ff300a06082a8648ce3d04030203"
	"48003045022100821a31d0180a693eb03492ba55a997a8c1f1c4639de631cb65e47eb8fa704b0602"
	"206a63fad162c243fd480a578e1b99efe64904511b7936556792b0b46009276517";
static const char signature[] =
	"3081cb06092a864886f70d010702a081bd3081ba020101310d300b0609608648016503040201300b"
	"06092a864886f70d010701318198308195020101302f30173115301306035504030c0c6d6f64756c"
	"65206b6579203102147ff5f5ccc45951f50d63bf660fcd340e04fa2201300b060960864801650304"
	"0201300a06082a8648ce3d0403020446304402202e4f86b6b01e8f0ffa5cbc764c63f8a0ec0ba1e3"
	"6f193fce85da3ef8663d5d760220216c5b1519d4c5695d0a816ef03b86f4cd5fda839b2cd7df652a"
	"f81c0e77fbf1";

#define SHIM	"-605dab50-e046-4300-abb6-3dd810dd8b23"

static char root[64];
static char ko[128];

static void run(const char *format, ...)
{
	char command[512];
	va_list args;
	int n;

	n = snprintf(command, sizeof(command), "cd %s && ", root);
	va_start(args, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static size_t bytes_of(const char *hex, uint8_t *bytes)
{
	size_t n;

	for (n = 0; hex[2 * n]; n++) {
		char one[3] = { hex[2 * n], hex[2 * n + 1] };

		bytes[n] = (uint8_t)strtoul(one, NULL, 16);
	}
	return n;
}

static FILE *create(const char *file)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, file);
	f = fopen(path, "wb");
	assert_non_null(f);
	return f;
}

static void put(const char *file, const char *before, size_t len,
		const char *hex)
{
	uint8_t bytes[1024];
	FILE *f = create(file);

	fwrite(before, 1, len, f);
	fwrite(bytes, 1, bytes_of(hex, bytes), f);
	fclose(f);
}

/* A module that is signed as sign-file does it. */
static void make_module(const char *hex, unsigned claimed)
{
	uint8_t bytes[1024], info[12] = { [2] = 2 };
	FILE *f = create("userring.ko");
	size_t len = bytes_of(hex, bytes);

	fputs("ELF, say vermagic=6.1.0-test SMP preempt", f);
	fputc('\0', f);
	if (len) {
		info[10] = (uint8_t)((claimed ? claimed : len) >> 8);
		info[11] = (uint8_t)(claimed ? claimed : len);
		fwrite(bytes, 1, len, f);
		fwrite(info, 1, sizeof(info), f);
		fputs("~Module signature appended~\n", f);
	}
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/urctl-secure-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(ko, sizeof(ko), "%s/userring.ko", root);
	run("mkdir -p sys/kernel/security sys/module/module/parameters "
	    "sys/firmware/efi/efivars sys/firmware/efi/mok-variables "
	    "var/lib/dkms var/lib/shim-signed/mok");
	sysfs_set_root(root);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void test_kernel(void **state)
{
	static const char efivar[] = "sys/firmware/efi/efivars/SecureBoot-"
				     "8be4df61-93ca-11d2-aa0d-00e098032b8c";

	(void)state;
	assert_int_equal(secure_kernel(), SECURE_NOT);
	run("echo '[none] integrity confidentiality' >sys/kernel/security/lockdown");
	run("echo N >sys/module/module/parameters/sig_enforce");
	put(efivar, "\6\0\0\0\1", 5, "");
	/* the firmware alone asks for nothing */
	assert_int_equal(secure_kernel(), SECURE_NOT);
	run("echo 'none [integrity] confidentiality' >sys/kernel/security/lockdown");
	assert_int_equal(secure_kernel(), SECURE_BOOT);
	put(efivar, "\6\0\0\0\0", 5, "");
	assert_int_equal(secure_kernel(), SECURE_ASKED);
	run("echo 'none integrity [confidentiality]' >sys/kernel/security/lockdown");
	assert_int_equal(secure_kernel(), SECURE_ASKED);
	run("echo '[none] integrity confidentiality' >sys/kernel/security/lockdown");
	run("echo Y >sys/module/module/parameters/sig_enforce");
	assert_int_equal(secure_kernel(), SECURE_ASKED);
}

static void test_module(void **state)
{
	struct kmod_file f;

	(void)state;
	make_module("", 0);
	kmod_read_file(&f, ko);
	assert_string_equal(f.release, "6.1.0-test");
	assert_false(f.is_signed);
	make_module(signature, 0);
	kmod_read_file(&f, ko);
	assert_string_equal(f.release, "6.1.0-test");
	assert_true(f.is_signed);
	assert_int_not_equal(f.serial_len, 0);
	/* a file that is not there, an empty one */
	kmod_read_file(&f, "/no/such.ko");
	assert_string_equal(f.release, "");
	fclose(create("userring.ko"));
	kmod_read_file(&f, ko);
	assert_false(f.is_signed);
}

/* Any damage is no more than a signature without a known signer. */
static void test_damaged(void **state)
{
	char hex[sizeof(signature)];
	struct kmod_file f;
	size_t i;

	(void)state;
	for (i = 0; i + 1 < sizeof(signature); i += 2) {
		strcpy(hex, signature);
		memcpy(hex + i, "ff", 2);
		make_module(hex, 0);
		kmod_read_file(&f, ko);
		assert_true(f.is_signed);
		hex[i] = '\0';
		if (!i)
			continue;
		make_module(hex, 0);
		kmod_read_file(&f, ko);
		assert_true(f.is_signed);
	}
	make_module(signature, 0xffff);
	kmod_read_file(&f, ko);
	assert_true(f.is_signed);
	assert_int_equal(f.serial_len, 0);
}

static void expect_key(const char *cert, enum key_state state, bool signed_it)
{
	struct kmod_file f;
	struct key key;

	kmod_read_file(&f, ko);
	secure_key(&key, &f);
	assert_string_equal(key.cert, cert);
	assert_int_equal(key.state, state);
	assert_int_equal(key.signed_it, signed_it);
}

#define DKMS	"/var/lib/dkms/mok.pub"
#define SHIMS	"/var/lib/shim-signed/mok/MOK.der"

static void test_keys(void **state)
{
	(void)state;
	make_module(signature, 0);
	expect_key("", KEY_NONE, false);
	put(DKMS, "", 0, cert1);
	expect_key(DKMS, KEY_MISSING, true);
	put(DKMS, "", 0, cert2);
	expect_key(DKMS, KEY_MISSING, false);
	/* the one that signed is the one to tell of */
	put(SHIMS, "", 0, cert1);
	expect_key(SHIMS, KEY_MISSING, true);

	/* others in the list, ours waits, ours is there */
	put("sys/firmware/efi/efivars/MokListRT" SHIM, "\7\0\0\0list", 8, cert2);
	expect_key(SHIMS, KEY_MISSING, true);
	put("sys/firmware/efi/efivars/MokListXRT" SHIM, "\7\0\0\0list", 8, cert1);
	expect_key(SHIMS, KEY_MISSING, true);
	put("sys/firmware/efi/efivars/MokNew" SHIM, "\7\0\0\0list", 8, cert1);
	expect_key(SHIMS, KEY_PENDING, true);
	put("sys/firmware/efi/efivars/MokListRT1" SHIM, "\7\0\0\0list", 8, cert1);
	expect_key(SHIMS, KEY_ENROLLED, true);
	run("rm sys/firmware/efi/efivars/Mok*");
	expect_key(SHIMS, KEY_MISSING, true);
	put("sys/firmware/efi/mok-variables/MokListRT", "list", 4, cert1);
	expect_key(SHIMS, KEY_ENROLLED, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_module, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
