/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses that Linux has on an interface. */
#ifndef APPS_ADDRS_H
#define APPS_ADDRS_H

#include "common/reply.h"

/*
 * Sets .addrs to them; ifname "": a NIC in software, which answers for any.
 * What there was stays if they cannot be read.
 */
void echo_addrs(struct echo_cfg *cfg, const char *ifname);

#endif /* APPS_ADDRS_H */
