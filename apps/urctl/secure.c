// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/secure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Certificates and lists are smaller. */
#define FILE_MAX	65536

#define EFI_GLOBAL	"8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define EFI_SHIM	"605dab50-e046-4300-abb6-3dd810dd8b23"

/* Return: bytes, or -errno. */
static long read_file(const char *path, uint8_t *buf)
{
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return -errno;
	n = fread(buf, 1, FILE_MAX, file);
	fclose(file);
	return (long)n;
}

/* ------------------------------------------------------------------------
 * The kernel
 */

/* The word in brackets is the one that counts: none [integrity] confidentiality. */
static bool is_locked_down(void)
{
	char path[SYSFS_PATH], text[128];
	const char *word;

	sysfs_read(sysfs_path(path, "/sys/kernel/security/lockdown"), text,
		   sizeof(text));
	word = strchr(text, '[');
	return word && strncmp(word, "[none]", 6);
}

static bool is_enforced(void)
{
	char path[SYSFS_PATH], text[8];

	sysfs_read(sysfs_path(path, "/sys/module/module/parameters/sig_enforce"),
		   text, sizeof(text));
	return text[0] == 'Y';
}

static bool is_secure_boot(void)
{
	char path[SYSFS_PATH];
	uint8_t *buf = malloc(FILE_MAX);
	bool on;

	/* four bytes of attributes, then one of value */
	on = buf && read_file(sysfs_path(path, "/sys/firmware/efi/efivars/SecureBoot-"
					 EFI_GLOBAL), buf) == 5 && buf[4] == 1;
	free(buf);
	return on;
}

enum secure secure_kernel(void)
{
	if (!is_locked_down() && !is_enforced())
		return SECURE_NOT;
	return is_secure_boot() ? SECURE_BOOT : SECURE_ASKED;
}

/* ------------------------------------------------------------------------
 * Keys
 */

/* Certificate { TBSCertificate { [0] version 3, serialNumber, ... (RFC 5280, 4.1) */
static const uint8_t *serial_of_cert(const uint8_t *cert, size_t size,
				     size_t *len)
{
	static const uint8_t version[] = { 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02 };
	const uint8_t *p = memmem(cert, size < 32 ? size : 32, version,
				  sizeof(version));

	if (!p || (size_t)(p - cert) + sizeof(version) + 1 > size)
		return NULL;
	p += sizeof(version);
	*len = *p++;
	if (*len > size - (size_t)(p - cert))
		return NULL;
	for (; *len && !*p; (*len)--)
		p++;
	return p;
}

static bool did_sign(const struct kmod_file *f, const uint8_t *cert, size_t size)
{
	size_t len;
	const uint8_t *serial = serial_of_cert(cert, size, &len);

	return serial && f->serial_len && len == f->serial_len &&
	       !memcmp(serial, f->serial, len);
}

/*
 * Is the certificate in a list of the firmware?  A long list is in several files, with
 * a number behind the name.  Return: 1, 0; -errno: one could not be read.
 */
static int is_listed(const char *folder, const char *list, const uint8_t *cert,
		     size_t size)
{
	static struct name_list names;
	char path[SYSFS_PATH];
	uint8_t *buf = malloc(FILE_MAX);
	int ret = 0;
	size_t i;

	sysfs_list(sysfs_path(path, "%s", folder), &names);
	for (i = 0; buf && ret != 1 && i < names.count; i++) {
		const char *rest = names.name[i] + strlen(list);
		long n;

		if (strncmp(names.name[i], list, strlen(list)) ||
		    strspn(rest, "0123456789") != strcspn(rest, "-"))
			continue;
		n = read_file(sysfs_path(path, "%s/%s", folder, names.name[i]),
			      buf);
		if (n < 0)
			ret = (int)n;
		else if (memmem(buf, (size_t)n, cert, size))
			ret = 1;
	}
	free(buf);
	return ret;
}

static enum key_state state_of(const uint8_t *cert, size_t size)
{
	static const char vars[] = "/sys/firmware/efi/efivars";
	static const char copy[] = "/sys/firmware/efi/mok-variables";
	int variables = is_listed(vars, "MokListRT", cert, size);
	int copied = variables == 1 ? 1 : is_listed(copy, "MokListRT", cert, size);

	if (copied == 1)
		return KEY_ENROLLED;
	if (is_listed(vars, "MokNew", cert, size) == 1)
		return KEY_PENDING;
	/* the copy is root's alone; each has all that the other has */
	return variables < 0 ? KEY_UNKNOWN : KEY_MISSING;
}

void secure_key(struct key *key, const struct kmod_file *f)
{
	static const char *const names[][2] = {
		{ "/var/lib/dkms/mok.pub", "/var/lib/dkms/mok.key" },
		{ "/var/lib/shim-signed/mok/MOK.der",
		  "/var/lib/shim-signed/mok/MOK.priv" },
	};
	uint8_t *cert = malloc(FILE_MAX);
	char path[SYSFS_PATH];
	size_t i;

	memset(key, 0, sizeof(*key));
	for (i = 0; cert && i < sizeof(names) / sizeof(names[0]); i++) {
		long n = read_file(sysfs_path(path, "%s", names[i][0]), cert);

		if (n <= 0)
			continue;
		if (key->cert[0] && !did_sign(f, cert, (size_t)n))
			continue;
		strcpy(key->cert, names[i][0]);
		strcpy(key->priv, names[i][1]);
		key->state = state_of(cert, (size_t)n);
		key->signed_it = did_sign(f, cert, (size_t)n);
		if (key->signed_it)
			break;
	}
	free(cert);
}
