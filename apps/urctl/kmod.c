// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/kmod.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "urctl/self.h"

/* ------------------------------------------------------------------------
 * A file
 */

/* What the kernel looks for at the end of a module: a number of bytes of it is signed. */
static const char magic[] = "~Module signature appended~\n";

/* In front of it; linux/module_signature.h is not installed. */
struct signature_info {
	uint8_t algo, hash, id_type, signer_len, key_id_len, pad[3];
	uint8_t sig_len[4];	/* big endian */
};

/* The contents of the element of this tag that stands at p, and their length. */
static const uint8_t *der_next(const uint8_t *p, const uint8_t *end, uint8_t tag,
			       size_t *len)
{
	size_t n, i;

	if (end - p < 2 || p[0] != tag)
		return NULL;
	*len = p[1];
	p += 2;
	if (*len & 0x80) {
		n = *len & 0x7f;
		if (n > 3 || (size_t)(end - p) < n)
			return NULL;
		for (i = 0, *len = 0; i < n; i++)
			*len = *len << 8 | *p++;
	}
	return *len <= (size_t)(end - p) ? p : NULL;
}

/* Behind the element, and into it; NULL: it is another one, or p was NULL. */
static const uint8_t *der_over(const uint8_t *p, const uint8_t *end, uint8_t tag)
{
	size_t len;

	p = p ? der_next(p, end, tag, &len) : NULL;
	return p ? p + len : NULL;
}

static const uint8_t *der_into(const uint8_t *p, const uint8_t *end, uint8_t tag)
{
	size_t len;

	return p ? der_next(p, end, tag, &len) : NULL;
}

/*
 * The serial number of the one signer of a PKCS #7 message (RFC 5652, 5.1):
 * ContentInfo { oid, [0] SignedData { version, digests, content, SET of
 * SignerInfo { version, IssuerAndSerialNumber { issuer, serial }, ... }}}.
 */
static void read_serial(struct kmod_file *f, const uint8_t *p,
			const uint8_t *end)
{
	size_t len;

	p = der_into(p, end, 0x30);
	p = der_over(p, end, 0x06);
	p = der_into(p, end, 0xa0);
	p = der_into(p, end, 0x30);
	p = der_over(p, end, 0x02);
	p = der_over(p, end, 0x31);
	p = der_over(p, end, 0x30);
	if (p && p < end && *p == 0xa0)		/* certificates */
		p = der_over(p, end, 0xa0);
	p = der_into(p, end, 0x31);
	p = der_into(p, end, 0x30);
	p = der_over(p, end, 0x02);
	p = der_into(p, end, 0x30);
	p = der_over(p, end, 0x30);
	p = p ? der_next(p, end, 0x02, &len) : NULL;
	/* a number above zero may begin with a byte of it */
	for (; p && len && !*p; len--)
		p++;
	if (!p || !len || len > sizeof(f->serial))
		return;
	memcpy(f->serial, p, len);
	f->serial_len = (unsigned)len;
}

static void read_signature(struct kmod_file *f, const uint8_t *data, size_t size)
{
	struct signature_info info;
	const uint8_t *end;
	size_t len;

	if (size < sizeof(magic) - 1 + sizeof(info) ||
	    memcmp(data + size - (sizeof(magic) - 1), magic, sizeof(magic) - 1))
		return;
	f->is_signed = true;
	end = data + size - (sizeof(magic) - 1) - sizeof(info);
	memcpy(&info, end, sizeof(info));
	len = (size_t)info.sig_len[0] << 24 | (size_t)info.sig_len[1] << 16 |
	      (size_t)info.sig_len[2] << 8 | info.sig_len[3];
	if (len <= (size_t)(end - data))
		read_serial(f, end - len, end);
}

/* vermagic begins with the release, and a blank is behind it. */
static void read_vermagic(struct kmod_file *f, const uint8_t *data, size_t size)
{
	static const char key[] = "vermagic=";
	const char *p = memmem(data, size, key, sizeof(key) - 1);
	size_t left, len;

	if (!p)
		return;
	p += sizeof(key) - 1;
	left = size - (size_t)(p - (const char *)data);
	for (len = 0; len < left && p[len] && p[len] != ' '; len++)
		;
	snprintf(f->release, sizeof(f->release), "%.*s", (int)len, p);
}

/* Of a compressed one modinfo knows it. */
static void ask_modinfo(struct kmod_file *f)
{
	const char *release[] = { "modinfo", "-F", "vermagic", f->path, NULL };
	const char *key[] = { "modinfo", "-F", "sig_key", f->path, NULL };
	char text[512], *p = text, *end;

	if (self_run(release, text, sizeof(text)) == 0)
		snprintf(f->release, sizeof(f->release), "%.*s",
			 (int)strcspn(text, " \n"), text);
	if (self_run(key, text, sizeof(text)) || !text[0] || text[0] == '\n')
		return;
	f->is_signed = true;
	/* 3B:0A:... */
	while (f->serial_len < sizeof(f->serial)) {
		unsigned long byte = strtoul(p, &end, 16);

		if (end == p)
			break;
		if (byte || f->serial_len)
			f->serial[f->serial_len++] = (uint8_t)byte;
		p = end + (*end == ':');
	}
}

void kmod_read_file(struct kmod_file *f, const char *path)
{
	size_t len = strlen(path);
	struct stat st;
	void *data;
	int fd;

	memset(f, 0, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "%s", path);
	if (len < 3 || strcmp(path + len - 3, ".ko")) {
		ask_modinfo(f);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
			    fd, 0);
		if (data != MAP_FAILED) {
			read_vermagic(f, data, (size_t)st.st_size);
			read_signature(f, data, (size_t)st.st_size);
			munmap(data, (size_t)st.st_size);
		}
	}
	close(fd);
}

/* ------------------------------------------------------------------------
 * Where
 */

/* Does depmod know it?  Its lines are PATH: what it needs. */
static void read_installed(struct kmod *k)
{
	char path[SYSFS_PATH], line[1024], *colon, *base;
	FILE *file;

	file = fopen(sysfs_path(path, "/lib/modules/%s/modules.dep", k->release),
		     "re");
	while (file && fgets(line, sizeof(line), file)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		base = strrchr(line, '/');
		base = base ? base + 1 : line;
		if (strncmp(base, "userring.ko", 11))
			continue;
		kmod_read_file(&k->installed, sysfs_path(path, "/lib/modules/%s/%.300s",
							 k->release, line));
		break;
	}
	if (file)
		fclose(file);
}

/* Debian's: sources in /usr/src, what came of them below /var/lib/dkms. */
static void read_dkms(struct kmod *k)
{
	static const char name[] = "userring-";
	static struct name_list list;
	char path[SYSFS_PATH], line[256];
	FILE *file;
	size_t i;

	sysfs_list(sysfs_path(path, "/var/lib/dkms/userring"), &list);
	for (i = 0; i < list.count; i++)
		if (strncmp(list.name[i], "kernel-", 7))	/* links to results */
			strcpy(k->dkms, list.name[i]);
	sysfs_list(sysfs_path(path, "/usr/src"), &list);
	for (i = 0; !k->dkms[0] && i < list.count; i++)
		if (!strncmp(list.name[i], name, strlen(name)))
			strcpy(k->dkms, list.name[i] + strlen(name));
	if (!k->dkms[0])
		return;
	/* of the last time; its first lines say for which kernel */
	sysfs_path(k->dkms_log, "/var/lib/dkms/userring/%s/build/make.log",
		   k->dkms);
	file = fopen(k->dkms_log, "re");
	for (i = 0; file && i < 10 && fgets(line, sizeof(line), file); i++)
		k->dkms_failed |= strstr(line, k->release) != NULL;
	if (file)
		fclose(file);
}

void kmod_read(struct kmod *k)
{
	char path[SYSFS_PATH];

	memset(k, 0, sizeof(*k));
	sysfs_read(sysfs_path(path, "/proc/sys/kernel/osrelease"), k->release,
		   sizeof(k->release));
	k->headers = sysfs_exists(sysfs_path(path, "/lib/modules/%s/build/Makefile",
					     k->release));
	k->loaded = sysfs_exists(sysfs_path(path, "/sys/module/userring"));
	if (k->loaded)
		sysfs_read(sysfs_path(path, "/sys/module/userring/version"),
			   k->version, sizeof(k->version));
	read_installed(k);
	read_dkms(k);
	self_module(path);
	if (path[0] && access(path, F_OK) == 0)
		kmod_read_file(&k->built, path);
}

int kmod_load(void)
{
	const char *const argv[] = { "modprobe", "-q", "userring", NULL };
	struct kmod k;

	if (sysfs_root()[0])
		return -ENOENT;
	if (geteuid() != 0)
		return -EPERM;
	kmod_read(&k);
	if (!k.installed.path[0])
		return -ENOENT;
	return self_run(argv, NULL, 0) ? -ENOEXEC : 0;
}
