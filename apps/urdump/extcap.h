/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urdump as an extcap, a program that Wireshark starts to capture with: it asks
 * for interfaces, link types, options, whether a filter is right, and a capture
 * into a FIFO.
 */
#ifndef URDUMP_EXTCAP_H
#define URDUMP_EXTCAP_H

#include <stdbool.h>

struct extcap {
	bool interfaces;	/* --extcap-interfaces */
	bool link_types;	/* --extcap-dlts */
	bool config;		/* --extcap-config */
	bool capture;		/* --capture */
	const char *interface;	/* --extcap-interface */
	const char *fifo;	/* --fifo */
	const char *filter;	/* --extcap-capture-filter */
};

/* Was something asked that extcap_answer() answers? */
bool extcap_asked(const struct extcap *x);

/* Prints the answer.  Return: the exit code. */
int extcap_answer(const struct extcap *x);

/* The device behind the name of an interface. */
const char *extcap_device(const char *interface);

#endif /* URDUMP_EXTCAP_H */
