/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the headers in ring/ use of the kernel, in C11.
 */
#ifndef UR_KERNEL_SHIM_H
#define UR_KERNEL_SHIM_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#ifndef noinline
#define noinline	__attribute__((noinline))
#endif
#ifndef __always_inline
#define __always_inline	inline __attribute__((always_inline))
#endif

#ifndef __maybe_unused
#define __maybe_unused	__attribute__((unused))
#endif

#ifndef likely
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#endif

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define dma_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define dma_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)

/* Speculation does not matter in the sim. */
#define array_index_nospec(index, size)	(index)

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define cpu_to_le64(x)	__builtin_bswap64(x)
#define cpu_to_le32(x)	__builtin_bswap32(x)
#define cpu_to_le16(x)	__builtin_bswap16(x)
#else
#define cpu_to_le64(x)	((u64)(x))
#define cpu_to_le32(x)	((u32)(x))
#define cpu_to_le16(x)	((u16)(x))
#endif
#define le64_to_cpu(x)	cpu_to_le64(x)
#define le32_to_cpu(x)	cpu_to_le32(x)
#define le16_to_cpu(x)	cpu_to_le16(x)

#define BIT(n)		(1UL << (n))
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif
#ifndef min
#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))
#endif

#endif /* UR_KERNEL_SHIM_H */
