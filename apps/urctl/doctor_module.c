// SPDX-License-Identifier: BSD-2-Clause
/* urctl doctor on the module: what is missing for it to be loaded. */
#include <stdio.h>
#include <string.h>

#include "urctl/doctor.h"
#include "urctl/kmod.h"
#include "urctl/secure.h"

/* The one that would be loaded, by modprobe or by hand; NULL: there is none. */
static const struct kmod_file *candidate(const struct kmod *k)
{
	if (k->installed.path[0])
		return &k->installed;
	if (k->built.path[0] && !strcmp(k->built.release, k->release))
		return &k->built;
	return NULL;
}

/* ------------------------------------------------------------------------
 * Kernels that load signed modules only
 */

static const char *because(enum secure secure)
{
	return secure == SECURE_BOOT ? "Secure Boot is on" :
	       "its command line has lockdown= or module.sig_enforce=";
}

static void no_key(struct doctor *d)
{
	doctor_say(d, PROBLEM,
		   "sudo mkdir -p /var/lib/dkms && sudo openssl req -new -x509 -nodes -days 36500 -newkey rsa:2048 -subj '/CN=DKMS module signing key' -keyout /var/lib/dkms/mok.key -outform DER -out /var/lib/dkms/mok.pub",
		   "there is no key to sign modules with; DKMS makes one when it builds the first module, and this makes the same");
}

static void check_key(struct doctor *d, const struct key *key)
{
	char path[SYSFS_PATH], type[1024];

	switch (key->state) {
	case KEY_NONE:
		no_key(d);
		break;
	case KEY_ENROLLED:
		doctor_say(d, GOOD, "", "the firmware has the key %s, and this kernel loads what it signed",
			   key->cert);
		break;
	case KEY_PENDING:
		doctor_say(d, PROBLEM, "sudo reboot",
			   "the key %s waits to be enrolled: at the next start, on the screen and keyboard of the machine, choose Enroll MOK and give the password of mokutil --import",
			   key->cert);
		break;
	case KEY_MISSING:
		snprintf(type, sizeof(type), "%ssudo mokutil --import %s",
			 sysfs_exists(sysfs_path(path, "/usr/bin/mokutil")) ?
			 "" : "sudo apt install mokutil && ", key->cert);
		doctor_say(d, PROBLEM, type,
			   "the firmware does not have the key %s; it asks for a password, then reboot and choose Enroll MOK",
			   key->cert);
		break;
	case KEY_UNKNOWN:
		snprintf(type, sizeof(type), "sudo mokutil --test-key %s",
			 key->cert);
		doctor_say(d, NOTE, type,
			   "whether the firmware has the key %s only root may see",
			   key->cert);
		break;
	}
}

static void check_signature(struct doctor *d, const struct kmod *k,
			    const struct kmod_file *f, const struct key *key,
			    enum secure secure)
{
	char type[2560];

	if (f->is_signed && key->signed_it) {
		doctor_say(d, GOOD, "", "%s is signed, by the key %s", f->path,
			   key->cert);
		return;
	}
	if (f->is_signed) {
		doctor_say(d, NOTE, "", "%s is signed, by a key that is not one of this machine's for modules; if loading it is refused, sign it with one of them: docs/secure-boot.md",
			   f->path);
		return;
	}
	if (!key->cert[0])
		type[0] = '\0';
	else
		snprintf(type, sizeof(type),
			 "sudo /lib/modules/%s/build/scripts/sign-file sha256 %s %s %s",
			 k->release, key->priv, key->cert, f->path);
	doctor_say(d, PROBLEM, type,
		   "this kernel loads only signed modules (%s), and %s is not signed: loading it is refused (\"Key was rejected by service\", \"Operation not permitted\")",
		   because(secure), f->path);
}

/* Before all else: without it nothing that follows helps. */
static void check_secure(struct doctor *d, const struct kmod *k)
{
	enum secure secure = secure_kernel();
	const struct kmod_file *f = candidate(k);
	struct kmod_file none;
	struct key key;

	if (secure == SECURE_NOT)
		return;
	memset(&none, 0, sizeof(none));
	secure_key(&key, f ? f : &none);
	if (f)
		check_signature(d, k, f, &key, secure);
	else
		doctor_say(d, NOTE, "", "this kernel loads only signed modules (%s): DKMS signs what it builds, a module of make is to be signed by hand; docs/secure-boot.md has the steps",
			   because(secure));
	if (secure == SECURE_ASKED)
		doctor_say(d, PROBLEM, "",
			   "Secure Boot is off, and so it is the kernel's command line that asks for signatures: without lockdown= and module.sig_enforce= (in /etc/default/grub, then sudo update-grub and reboot) any module is loaded");
	else if (!f || !f->is_signed || key.signed_it)
		check_key(d, &key);
}

/* ------------------------------------------------------------------------
 * Where it is
 */

static void say_headers(struct doctor *d, const struct kmod *k, const char *why)
{
	char type[256];

	snprintf(type, sizeof(type), "sudo apt install linux-headers-%s",
		 k->release);
	doctor_say(d, PROBLEM, type, "%s, and neither are the headers to build it",
		   why);
}

static void check_dkms(struct doctor *d, const struct kmod *k)
{
	char type[256];

	if (!k->headers) {
		snprintf(type, sizeof(type),
			 "sudo apt install linux-headers-%s", k->release);
		doctor_say(d, PROBLEM, type,
			   "DKMS has the sources of userring %s, but no module for this kernel, %s: its headers are missing, and DKMS builds when they are installed",
			   k->dkms, k->release);
		return;
	}
	snprintf(type, sizeof(type), "sudo dkms autoinstall -k %s", k->release);
	doctor_say(d, PROBLEM, type,
		   "DKMS has the sources of userring %s, but no module for this kernel, %s%s%s",
		   k->dkms, k->release,
		   k->dkms_failed ? "; it could not build one, as says " : "",
		   k->dkms_failed ? k->dkms_log : "");
}

static void check_absent(struct doctor *d, const struct kmod *k)
{
	static const char build[] =
		"make module && sudo insmod build/module/running/userring.ko";
	char text[1024], type[SYSFS_PATH + 32];

	if (k->dkms[0]) {
		check_dkms(d, k);
		return;
	}
	if (candidate(k)) {
		snprintf(type, sizeof(type), "sudo insmod %s", k->built.path);
		doctor_say(d, PROBLEM, type,
			   "the module userring is built, but neither loaded nor installed");
		return;
	}
	if (k->built.release[0])
		snprintf(text, sizeof(text),
			 "the module in %s was built for %s, and this is %s",
			 k->built.path, k->built.release, k->release);
	else
		snprintf(text, sizeof(text),
			 "the module userring is not there for this kernel, %s",
			 k->release);
	if (!k->headers)
		say_headers(d, k, text);
	else
		doctor_say(d, PROBLEM, build, "%s; the headers to build it are there (in the folder of its sources)",
			   text);
}

void doctor_module(struct doctor *d)
{
	struct kmod k;

	kmod_read(&k);
	d->loaded = k.loaded;
	if (k.loaded) {
		doctor_say(d, GOOD, "", "the module userring%s%s is loaded",
			   k.version[0] ? " " : "", k.version);
		return;
	}
	check_secure(d, &k);
	if (k.installed.path[0])
		doctor_say(d, PROBLEM, "sudo modprobe userring",
			   "the module userring is installed, but not loaded; urctl bind loads it");
	else
		check_absent(d, &k);
}
