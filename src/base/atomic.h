/*
 * atomic: the atomic operations tarn uses, each named with its order.
 *
 * Relaxed is for values that stand alone. An acquire reads what the named
 * release wrote before. seq_cst is for the one place where a thread writes one
 * place and then reads another that its partner writes and reads the other way
 * round (see heap/remote.h).
 */
#ifndef TARN_BASE_ATOMIC_H
#define TARN_BASE_ATOMIC_H

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#define exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define exchange_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define exchange_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_and_relaxed(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define fetch_or_seq_cst(p, v) __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)

/* True and *p = v if *p was *old; else *old is what *p was. */
#define cas_acquire(p, old, v)                                                 \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_ACQUIRE,      \
				    __ATOMIC_RELAXED)
#define cas_release(p, old, v)                                                 \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_RELEASE,      \
				    __ATOMIC_RELAXED)
#define cas_relaxed(p, old, v)                                                 \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_RELAXED,      \
				    __ATOMIC_RELAXED)

/*
 * Adds 1 to what only this thread writes and others read, relaxed. In one
 * instruction where no sanitizer needs to be told.
 */
#if defined(__SANITIZE_THREAD__) /* gcc */
#define UNDER_THREAD_SANITIZER 1
#elif defined(__has_feature) /* clang */
#define UNDER_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define UNDER_THREAD_SANITIZER 0
#endif
#if UNDER_THREAD_SANITIZER
#define increment_own(p) store_relaxed((p), load_relaxed(p) + 1)
#else
#define increment_own(p) ((void)++*(p))
#endif

/* Tells the other hyperthread that this one only waits. */
static inline void cpu_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
