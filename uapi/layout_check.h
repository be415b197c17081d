/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * userring: checks the layout of every shared struct.  Include it once in the
 * kernel and once in user space.
 */
#ifndef _UAPI_USERRING_LAYOUT_CHECK_H
#define _UAPI_USERRING_LAYOUT_CHECK_H

#ifdef __KERNEL__
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif

#include "userring.h"
#include "userring_desc.h"

#define UR_SIZE(type, size) \
	_Static_assert(sizeof(type) == (size), "size of " #type)
#define UR_AT(type, field, offset) \
	_Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define UR_WITHIN(type, field, bytes) \
	_Static_assert(offsetof(type, field) + sizeof(((type *)0)->field) <= \
		       (bytes), #type "." #field " in another cache line")

UR_SIZE(struct ur_counters, 128);
UR_AT(struct ur_counters, rx_packets, 0);
UR_AT(struct ur_counters, rx_bytes, 8);
UR_AT(struct ur_counters, tx_packets, 16);
UR_AT(struct ur_counters, tx_bytes, 24);
UR_AT(struct ur_counters, rx_refused, 32);
UR_AT(struct ur_counters, tx_refused, 40);
UR_AT(struct ur_counters, index_refused, 48);
UR_AT(struct ur_counters, syncs, 56);
UR_AT(struct ur_counters, timer_syncs, 64);
UR_AT(struct ur_counters, wakeups, 72);
UR_AT(struct ur_counters, interrupts, 80);
UR_AT(struct ur_counters, resets, 88);
UR_AT(struct ur_counters, host_packets, 96);
UR_AT(struct ur_counters, host_dropped, 104);
UR_AT(struct ur_counters, reserved, 112);

UR_SIZE(struct ur_kernel_page, 256);
UR_AT(struct ur_kernel_page, rx_tail, 0);
UR_AT(struct ur_kernel_page, fill_cons, 4);
UR_AT(struct ur_kernel_page, tx_cons, 8);
UR_AT(struct ur_kernel_page, tx_done, 12);
UR_AT(struct ur_kernel_page, epoch, 16);
UR_AT(struct ur_kernel_page, state, 20);
UR_AT(struct ur_kernel_page, fill_kept, 24);
UR_AT(struct ur_kernel_page, link_up, 28);
UR_AT(struct ur_kernel_page, abi_version, 32);
UR_AT(struct ur_kernel_page, rx_limit, 36);
UR_AT(struct ur_kernel_page, reserved0, 40);
UR_AT(struct ur_kernel_page, count, 64);
UR_AT(struct ur_kernel_page, reserved1, 192);

/*
 * Each sync passes one cache line to the process: the indices that it looks at.
 * The counters, which it seldom reads, lie in other lines.  So does rx_slot,
 * because the struct is a whole number of lines.
 */
UR_WITHIN(struct ur_kernel_page, rx_limit, 64);
_Static_assert(offsetof(struct ur_kernel_page, count) % 64 == 0 &&
	       sizeof(struct ur_kernel_page) % 64 == 0,
	       "struct ur_kernel_page: lines of one writer are shared");

UR_SIZE(struct ur_user_page, 64);
UR_AT(struct ur_user_page, rx_pos, 0);
UR_AT(struct ur_user_page, fill_prod, 4);
UR_AT(struct ur_user_page, tx_prod, 8);
UR_AT(struct ur_user_page, tx_reaped, 12);
UR_AT(struct ur_user_page, epoch, 16);
UR_AT(struct ur_user_page, reserved, 20);

/*
 * One line comes from the process: all of this struct.  The fill ring, which
 * follows it, is written at other times.
 */
UR_WITHIN(struct ur_user_page, epoch, 64);
_Static_assert(sizeof(struct ur_user_page) % 64 == 0,
	       "struct ur_user_page: lines of one writer are shared");

UR_SIZE(struct ur_tx_entry, 16);
UR_AT(struct ur_tx_entry, slot, 0);
UR_AT(struct ur_tx_entry, offset, 4);
UR_AT(struct ur_tx_entry, len, 6);
UR_AT(struct ur_tx_entry, flags, 8);
UR_AT(struct ur_tx_entry, csum_start, 10);
UR_AT(struct ur_tx_entry, csum_offset, 12);
UR_AT(struct ur_tx_entry, vlan, 14);

UR_SIZE(struct ur_port_info, 236);
UR_AT(struct ur_port_info, argsz, 0);
UR_AT(struct ur_port_info, flags, 4);
UR_AT(struct ur_port_info, abi_version, 8);
UR_AT(struct ur_port_info, queues, 12);
UR_AT(struct ur_port_info, features, 16);
UR_AT(struct ur_port_info, rx_format, 20);
UR_AT(struct ur_port_info, tx_format, 24);
UR_AT(struct ur_port_info, desc_size, 28);
UR_AT(struct ur_port_info, tx_len_min, 32);
UR_AT(struct ur_port_info, tx_len_max, 36);
UR_AT(struct ur_port_info, up, 40);
UR_AT(struct ur_port_info, link_up, 44);
UR_AT(struct ur_port_info, link_mbps, 48);
UR_AT(struct ur_port_info, mtu, 52);
UR_AT(struct ur_port_info, promisc, 56);
UR_AT(struct ur_port_info, ifindex, 60);
UR_AT(struct ur_port_info, mac, 64);
UR_AT(struct ur_port_info, pci_vendor, 70);
UR_AT(struct ur_port_info, pci_device, 72);
UR_AT(struct ur_port_info, reserved0, 74);
UR_AT(struct ur_port_info, ifname, 76);
UR_AT(struct ur_port_info, pci, 108);
UR_AT(struct ur_port_info, variant, 140);
UR_AT(struct ur_port_info, irq_mode, 172);
UR_AT(struct ur_port_info, queues_max, 204);
UR_AT(struct ur_port_info, reserved, 208);

UR_SIZE(struct ur_pool_create, 64);
UR_AT(struct ur_pool_create, argsz, 0);
UR_AT(struct ur_pool_create, flags, 4);
UR_AT(struct ur_pool_create, slot_size, 8);
UR_AT(struct ur_pool_create, slot_count, 12);
UR_AT(struct ur_pool_create, fd, 16);
UR_AT(struct ur_pool_create, reserved0, 20);
UR_AT(struct ur_pool_create, size, 24);
UR_AT(struct ur_pool_create, reserved, 32);

UR_SIZE(struct ur_pool_info, 56);
UR_AT(struct ur_pool_info, argsz, 0);
UR_AT(struct ur_pool_info, flags, 4);
UR_AT(struct ur_pool_info, slot_size, 8);
UR_AT(struct ur_pool_info, slot_count, 12);
UR_AT(struct ur_pool_info, size, 16);
UR_AT(struct ur_pool_info, reserved, 24);

UR_SIZE(struct ur_region, 16);
UR_AT(struct ur_region, offset, 0);
UR_AT(struct ur_region, size, 8);

UR_SIZE(struct ur_attach, 184);
UR_AT(struct ur_attach, argsz, 0);
UR_AT(struct ur_attach, flags, 4);
UR_AT(struct ur_attach, mode, 8);
UR_AT(struct ur_attach, queue, 12);
UR_AT(struct ur_attach, pool_fd, 16);
UR_AT(struct ur_attach, rx_size, 20);
UR_AT(struct ur_attach, tx_size, 24);
UR_AT(struct ur_attach, sync_period_us, 28);
UR_AT(struct ur_attach, rx_format, 32);
UR_AT(struct ur_attach, tx_format, 36);
UR_AT(struct ur_attach, rx_slot_off, 40);
UR_AT(struct ur_attach, fill_off, 44);
UR_AT(struct ur_attach, tx_off, 48);
UR_AT(struct ur_attach, rx_data_off, 52);
UR_AT(struct ur_attach, rx_desc, 56);
UR_AT(struct ur_attach, tx_desc, 72);
UR_AT(struct ur_attach, kernel, 88);
UR_AT(struct ur_attach, user, 104);
UR_AT(struct ur_attach, watchdog_ms, 120);
UR_AT(struct ur_attach, reserved0, 124);
UR_AT(struct ur_attach, rx_err_frame, 128);
UR_AT(struct ur_attach, rx_err_ip, 136);
UR_AT(struct ur_attach, rx_err_l4, 144);
UR_AT(struct ur_attach, reserved, 152);

UR_SIZE(struct ur_queue_info, 272);
UR_AT(struct ur_queue_info, argsz, 0);
UR_AT(struct ur_queue_info, flags, 4);
UR_AT(struct ur_queue_info, queue, 8);
UR_AT(struct ur_queue_info, attached, 12);
UR_AT(struct ur_queue_info, pid, 16);
UR_AT(struct ur_queue_info, rx_size, 20);
UR_AT(struct ur_queue_info, tx_size, 24);
UR_AT(struct ur_queue_info, rx_posted, 28);
UR_AT(struct ur_queue_info, tx_pending, 32);
UR_AT(struct ur_queue_info, sync_period_us, 36);
UR_AT(struct ur_queue_info, epoch, 40);
UR_AT(struct ur_queue_info, state, 44);
UR_AT(struct ur_queue_info, comm, 48);
UR_AT(struct ur_queue_info, count, 80);
UR_AT(struct ur_queue_info, rx_waiting, 208);
UR_AT(struct ur_queue_info, fill_waiting, 212);
UR_AT(struct ur_queue_info, tx_waiting, 216);
UR_AT(struct ur_queue_info, watchdog_ms, 220);
UR_AT(struct ur_queue_info, tapped, 224);
UR_AT(struct ur_queue_info, kernel_tx_pending, 228);
UR_AT(struct ur_queue_info, irq, 232);
UR_AT(struct ur_queue_info, irq_cpu, 236);
UR_AT(struct ur_queue_info, numa_node, 240);
UR_AT(struct ur_queue_info, reserved0, 244);
UR_AT(struct ur_queue_info, reserved, 248);

UR_SIZE(struct ur_adopt, 256);
UR_AT(struct ur_adopt, argsz, 0);
UR_AT(struct ur_adopt, flags, 4);
UR_AT(struct ur_adopt, pool_fd, 8);
UR_AT(struct ur_adopt, epoch, 12);
UR_AT(struct ur_adopt, rx_tail, 16);
UR_AT(struct ur_adopt, fill_cons, 20);
UR_AT(struct ur_adopt, fill_kept, 24);
UR_AT(struct ur_adopt, tx_cons, 28);
UR_AT(struct ur_adopt, tx_done, 32);
UR_AT(struct ur_adopt, reserved0, 36);
UR_AT(struct ur_adopt, attach, 40);
UR_AT(struct ur_adopt, reserved, 224);

UR_SIZE(struct ur_rx_read, 16);
UR_AT(struct ur_rx_read, addr, 0);
UR_AT(struct ur_rx_read, zero, 8);

UR_SIZE(struct ur_rx_legacy, 16);
UR_AT(struct ur_rx_legacy, addr, 0);
UR_AT(struct ur_rx_legacy, length, 8);
UR_AT(struct ur_rx_legacy, csum, 10);
UR_AT(struct ur_rx_legacy, status, 12);
UR_AT(struct ur_rx_legacy, errors, 13);
UR_AT(struct ur_rx_legacy, vlan, 14);

UR_SIZE(struct ur_rx_wb, 16);
UR_AT(struct ur_rx_wb, info, 0);
UR_AT(struct ur_rx_wb, hash, 4);
UR_AT(struct ur_rx_wb, status_error, 8);
UR_AT(struct ur_rx_wb, length, 12);
UR_AT(struct ur_rx_wb, vlan, 14);

UR_SIZE(union ur_rx_desc, 16);
UR_AT(union ur_rx_desc, read, 0);
UR_AT(union ur_rx_desc, legacy, 0);
UR_AT(union ur_rx_desc, wb, 0);
UR_AT(union ur_rx_desc, word, 0);

UR_SIZE(struct ur_tx_legacy, 16);
UR_AT(struct ur_tx_legacy, addr, 0);
UR_AT(struct ur_tx_legacy, length, 8);
UR_AT(struct ur_tx_legacy, cso, 10);
UR_AT(struct ur_tx_legacy, cmd, 11);
UR_AT(struct ur_tx_legacy, status, 12);
UR_AT(struct ur_tx_legacy, css, 13);
UR_AT(struct ur_tx_legacy, vlan, 14);

UR_SIZE(struct ur_tx_adv, 16);
UR_AT(struct ur_tx_adv, addr, 0);
UR_AT(struct ur_tx_adv, cmd_type_len, 8);
UR_AT(struct ur_tx_adv, olinfo_status, 12);

UR_SIZE(union ur_tx_desc, 16);
UR_AT(union ur_tx_desc, legacy, 0);
UR_AT(union ur_tx_desc, adv, 0);
UR_AT(union ur_tx_desc, word, 0);

#undef UR_SIZE
#undef UR_AT
#undef UR_WITHIN

#endif /* _UAPI_USERRING_LAYOUT_CHECK_H */
