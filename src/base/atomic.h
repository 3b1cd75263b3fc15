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
#define cas_seq_cst(p, old, v)                                                 \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_SEQ_CST,      \
				    __ATOMIC_RELAXED)
#define cas_relaxed(p, old, v)                                                 \
	__atomic_compare_exchange_n((p), (old), (v), 0, __ATOMIC_RELAXED,      \
				    __ATOMIC_RELAXED)

/*
 * Adds N words to the pointer at P, which only this thread changes by this, in
 * one instruction that adds to memory: neither a signal nor a change of threads
 * splits it, though another processor may store between its two halves (see
 * heap/magazine.h). Elsewhere an atomic serves. Release, as every store is on
 * x86: who finds the new pointer has what was written below it.
 */
#if defined(__SANITIZE_THREAD__) /* gcc */
#define UNDER_THREAD_SANITIZER 1
#elif defined(__has_feature) /* clang */
#define UNDER_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define UNDER_THREAD_SANITIZER 0
#endif
#if defined(__x86_64__) && !UNDER_THREAD_SANITIZER
#define add_words_unsplit(p, n)                                                \
	__asm__ volatile("addq %1, %0"                                         \
			 : "+m"(*(p))                                          \
			 : "i"((n) * (long)sizeof(void *))                     \
			 : "memory")
#else
#define add_words_unsplit(p, n)                                                \
	((void)__atomic_fetch_add((uintptr_t *)(p),                            \
				  (uintptr_t)((n) * (long)sizeof(void *)),     \
				  __ATOMIC_RELEASE))
#endif

/*
 * Relaxed too, of a word that others seldom write; compilers make no operand of
 * an instruction of what is atomic. Not torn, since it is one aligned word.
 */
#if UNDER_THREAD_SANITIZER
#define load_operand(p) load_relaxed(p)
#else
#define load_operand(p) (*(p))
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
