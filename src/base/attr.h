/*
 * attr: what the compiler is told about functions and data, and how a law is
 * asserted.
 */
#ifndef TARN_BASE_ATTR_H
#define TARN_BASE_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* For declarations of data that hit paths read: reached directly, not by the
 * global offset table. */
#define HIDDEN __attribute__((visibility("hidden")))

#define COLD __attribute__((cold, noinline))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define PRINTF_LIKE(text, first)                                               \
	__attribute__((__format__(__printf__, text, first)))

/* What two threads write goes to different lines of this size. */
#define CACHE_LINE 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE)))

/*
 * ASSERT states a law of ours where it is relied on. It costs nothing but in
 * builds with --enable-debug; heap_check() proves the same laws in all builds.
 */
#if TARN_DEBUG
#include "base/message.h"
#define ASSERT(law)                                                            \
	((law) ? (void)0                                                       \
	       : message_abort("%s:%d: broken law: %s", __FILE__, __LINE__,    \
			       #law))
#else
#define ASSERT(law) ((void)0)
#endif

#endif
