// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/filter.h"

#include <stdio.h>
#include <string.h>

#define SNAP_LEN	262144
#define ANCILLARY	0xfffff000U	/* offsets from here on are the kernel's */

bool filter_words(struct filter *f, char **words, int n)
{
	size_t len = strlen(f->text);

	for (; n > 0; n--, words++) {
		int more = snprintf(f->text + len, sizeof(f->text) - len,
				    "%s%s", len ? " " : "", *words);

		if (more < 0 || (size_t)more >= sizeof(f->text) - len)
			return false;
		len += (size_t)more;
	}
	return true;
}

/* Is a packet's bytes all that is asked for?  Linux alone knows more. */
static bool only_bytes(const struct bpf_program *program)
{
	for (u_int i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];

		if (BPF_CLASS(insn->code) == BPF_LD &&
		    BPF_MODE(insn->code) == BPF_ABS && insn->k >= ANCILLARY)
			return false;
	}
	return true;
}

const char *filter_compile(struct filter *f, const char *ifname)
{
	static char why[PCAP_ERRBUF_SIZE];
	/* 0 is what tcpdump takes for a file: "ip broadcast" wants to know */
	bpf_u_int32 net, mask = 0;
	char name[64];
	pcap_t *pcap;
	int ret;

	if (!f->text[0])
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(ifname, "@"), ifname);
	if (pcap_lookupnet(name, &net, &mask, why))
		mask = 0;
	pcap = pcap_open_dead(DLT_EN10MB, SNAP_LEN);
	if (!pcap)
		return "no memory";
	ret = pcap_compile(pcap, &f->program, f->text, 1, mask);
	if (ret)
		snprintf(why, sizeof(why), "%s", pcap_geterr(pcap));
	pcap_close(pcap);
	f->set = !ret;
	if (f->set && !only_bytes(&f->program))
		return "inbound, outbound and ifindex are Linux's to know; what comes here is inbound";
	return ret ? why : NULL;
}

bool filter_takes(const struct filter *f, const uint8_t *frame,
		  uint32_t captured, uint32_t len)
{
	const struct pcap_pkthdr head = { .caplen = captured, .len = len };

	return !f->set || pcap_offline_filter(&f->program, &head, frame);
}

void filter_free(struct filter *f)
{
	if (f->set)
		pcap_freecode(&f->program);
	f->set = false;
}
