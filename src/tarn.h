/*
 * tarn.h: the interface of tarn, a malloc replacement for Linux.
 *
 * Programs that only want the allocator need none of this: linked with -ltarn
 * or started with LD_PRELOAD=libtarn.so, their malloc is tarn's. The functions
 * here are for programs that want to name tarn explicitly, to ask where their
 * memory is, to give memory back, or to set an option at run time.
 *
 * Unless a function says otherwise it may be called from any thread at any
 * time, also before main() and after exit(), and not from a signal handler. A
 * failure returns NULL (or -1) and sets errno; a success leaves errno as it
 * was.
 *
 * See tarn(3) for the manual of this header, tarn(7) for concepts and options.
 */
#ifndef TARN_H
#define TARN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARN_VERSION_MAJOR 0
#define TARN_VERSION_MINOR 1
#define TARN_VERSION_PATCH 0
#define TARN_VERSION "0.1.0"

#if defined(__GNUC__)
#define TARN_PUBLIC __attribute__((visibility("default")))
#define TARN_ALLOC(...) __attribute__((malloc, alloc_size(__VA_ARGS__)))
#else
#define TARN_PUBLIC
#define TARN_ALLOC(...)
#endif

/* "0.1.0". Static; never freed. Async-signal-safe. Since 0.1. */
TARN_PUBLIC const char *tarn_version(void);

/*
 * The malloc family under names of its own. Each behaves as the function
 * without the prefix does in this library, and blocks pass freely between the
 * two. Every block is aligned to 16 bytes or to what was asked for. Since 0.1.
 */

/* SIZE bytes, not cleared; 0 gives a block of its own. ENOMEM. C17 7.22.3.4 */
TARN_PUBLIC void *tarn_malloc(size_t size) TARN_ALLOC(1);

/* N elements of SIZE bytes, all zero. ENOMEM, also on overflow. C17 7.22.3.2 */
TARN_PUBLIC void *tarn_calloc(size_t n, size_t size) TARN_ALLOC(1, 2);

/*
 * Makes the block SIZE bytes, moving it if need be; the contents stay up to the
 * smaller size. On failure the block is untouched. realloc(NULL, n) is
 * malloc(n); realloc(p, 0) frees p and returns NULL, as glibc does. ENOMEM. C17
 * 7.22.3.5
 */
TARN_PUBLIC void *tarn_realloc(void *block, size_t size);

/* realloc to N * SIZE bytes; ENOMEM on overflow. POSIX.1-2024 */
TARN_PUBLIC void *tarn_reallocarray(void *block, size_t n, size_t size);

/* Gives the block back. NULL is ignored. Keeps errno. POSIX.1-2024 */
TARN_PUBLIC void tarn_free(void *block);

/*
 * As tarn_free, for a caller that knows the size it asked for (and, for the
 * second, the alignment). A size that the block cannot have had is reported and
 * the program aborted. C23 7.24.3.4, 7.24.3.5
 */
TARN_PUBLIC void tarn_free_sized(void *block, size_t size);
TARN_PUBLIC void tarn_free_aligned_sized(void *block, size_t alignment,
					 size_t size);

/*
 * SIZE bytes at a multiple of ALIGNMENT, which must be a power of two. EINVAL
 * if it is not (memalign rounds it up instead, as glibc does), ENOMEM.
 * C17 7.22.3.1
 */
TARN_PUBLIC void *tarn_aligned_alloc(size_t alignment, size_t size)
	TARN_ALLOC(2);
TARN_PUBLIC void *tarn_memalign(size_t alignment, size_t size) TARN_ALLOC(2);

/*
 * The same, through *OUT. Returns 0, EINVAL (the alignment is no power of two
 * or no multiple of sizeof(void *)) or ENOMEM; errno and, on failure, *OUT stay
 * as they were. POSIX.1-2008
 */
TARN_PUBLIC int tarn_posix_memalign(void **out, size_t alignment, size_t size);

/*
 * A block that starts on a page; pvalloc also rounds SIZE up to pages. ENOMEM.
 */
TARN_PUBLIC void *tarn_valloc(size_t size) TARN_ALLOC(1);
TARN_PUBLIC void *tarn_pvalloc(size_t size);

/*
 * The bytes that may be used in BLOCK: at least what was asked for, all of them
 * writable, the same through the block's life. 0 for NULL.
 */
TARN_PUBLIC size_t tarn_malloc_usable_size(const void *block);

/*
 * Where every byte is that tarn has mapped. The first seven sizes add up to
 * mapped_bytes exactly, and that is what the kernel counts as the size of
 * tarn's mappings.
 */
struct tarn_stats {
	/* Bytes the program asked for and has not freed. What small requests
	 * were rounded up by is estimated from samples. */
	uint64_t live_bytes;
	/* What sizes were rounded up by, in live blocks. */
	uint64_t rounding_bytes;
	/* Free blocks in pools, with pages behind them. */
	uint64_t free_bytes;
	/* Free blocks at hand in the threads' magazines. */
	uint64_t magazine_bytes;
	/*
	 * Free slices with pages behind them, kept for reuse until they decay.
	 */
	uint64_t cached_bytes;
	/* Purged, or never touched: address space without pages behind it. */
	uint64_t purged_bytes;
	/* tarn's own: page map, descriptors, bitmaps, magazines. */
	uint64_t metadata_bytes;
	/* The sum of the above. */
	uint64_t mapped_bytes;
	/* What of it the kernel holds in memory, as mincore(2) tells. */
	uint64_t resident_bytes;
	/* Live blocks; of these, large ones, and the bytes of those. */
	uint64_t live_blocks;
	uint64_t large_blocks;
	uint64_t large_bytes;
	/* Pools; heaps of threads; of these, heaps whose thread has ended. */
	uint64_t pools;
	uint64_t heaps;
	uint64_t parked_heaps;
	/* Arenas obtained from the OS. */
	uint64_t arenas;
	/*
	 * Since the start: bytes given back to the OS, and calls made for it.
	 */
	uint64_t purged_total_bytes;
	uint64_t purge_calls;
};

/*
 * Fills *STATS. SIZE is sizeof(struct tarn_stats) as the caller was compiled:
 * a shorter, older struct gets the fields it knows, a longer, newer one
 * zeros for the rest. Returns 0, or -1 with EINVAL if STATS is NULL or SIZE 0.
 * Stops other threads' slow paths while it counts. Since 0.1.
 */
TARN_PUBLIC int tarn_stats_get(struct tarn_stats *stats, size_t size);

enum tarn_format {
	TARN_TEXT = 0, /* for people, at most 25 lines */
	TARN_JSON = 1, /* one object, numbers in bytes */
	TARN_XML = 2,  /* as malloc_info(3) */
};

/*
 * Writes the statistics to the file descriptor FD, with write(2) and without
 * allocating. Returns 0, or -1 with EINVAL (no such format) or write's errno.
 * Since 0.1.
 */
TARN_PUBLIC int tarn_stats_print(int fd, enum tarn_format format);

/*
 * What the tracer found: blocks that nothing reaches any more.
 *
 * A trace stops the threads of the process, looks from everything that may hold
 * a pointer (registers, stacks, thread-local and global data, mappings) through
 * the heap, and lets the threads go. What it finds lost is grouped: equal
 * components are one finding, with one of them as its example.
 */
enum tarn_verdict {
	TARN_LOST = 1,	      /* a block that nothing points to */
	TARN_CYCLE = 2,	      /* blocks that only hold each other */
	TARN_INNER_CYCLE = 3, /* a cycle that a lost block or a cycle holds */
	TARN_SHARED = 4,      /* held by several of these */
	TARN_POSSIBLE = 5,    /* held by pointers to its inside or end alone */
	TARN_FOREIGN = 6,     /* held by memory that somebody mapped alone */
};

struct tarn_frame {
	const char *module; /* path, or NULL */
	/* Returned to, as the module's file has it; with no module, as it was
	 * in memory. */
	uintptr_t address;
};

struct tarn_block {
	const void *address;
	size_t bytes;
};

struct tarn_pointer {
	uint32_t from, to; /* index of the blocks */
	size_t offset;	   /* of the pointer in `from` */
	size_t to_offset;  /* of where it points in `to` */
	int closes;	   /* not 0: without it the cycle would be open */
};

/* Valid while the visitor runs that it was given to. */
struct tarn_finding {
	uint32_t id; /* from 1, largest retained first */
	enum tarn_verdict verdict;
	uint32_t owner; /* the finding that retains it; 0: none */
	uint32_t n_frames, n_blocks, n_pointers;
	uint64_t count; /* equal components */
	uint64_t own_blocks, own_bytes;
	uint64_t retained_blocks, retained_bytes; /* these and what they hold */
	const struct tarn_frame *frames; /* of the first block's allocation */
	const struct tarn_block *blocks; /* of the example */
	const struct tarn_pointer *pointers;
};

struct tarn_trace_summary {
	uint64_t live_blocks, live_bytes;
	uint64_t lost_blocks, lost_bytes; /* with all that they hold */
	uint64_t possible_blocks, possible_bytes;
	uint64_t foreign_blocks, foreign_bytes;
	uint64_t findings;
	uint64_t threads;
	uint64_t threads_unseen; /* not 0: verdicts are uncertain */
	uint64_t stopped_ns;	 /* how long other threads stood still */
	uint64_t traced_ns;
	uint64_t scanned_bytes; /* looked at for pointers */
	/* What only tarn_collect tells something of: */
	uint64_t full; /* not 0: all was looked at and judged */
	uint64_t
		judged_blocks; /* of which it was asked whether they are lost */
	uint64_t new_blocks, new_bytes; /* lost, and not found so before */
	uint64_t written_pages;		/* of the heap, since the last trace */
};

/* Not 0 ends the visits. May call anything but tarn_trace. */
typedef int tarn_finding_visitor(const struct tarn_finding *finding,
				 void *context);

/*
 * Traces, and calls VISIT (unless it is NULL) with each finding and CONTEXT, in
 * the calling thread, after the others go on. Fills *SUMMARY (unless it is
 * NULL), of which SIZE bytes are known to the caller. Returns 0, or -1 with
 * ENOMEM or, if it is called by a visitor, EDEADLK. Thread-safe; one trace runs
 * at a time. Since 0.1.
 */
TARN_PUBLIC int tarn_trace(tarn_finding_visitor *visit, void *context,
			   struct tarn_trace_summary *summary, size_t size);

/*
 * The interface of a cyclic collector, for programs whose garbage cannot be
 * collected, only told. As in others, blocks have generations: young until the
 * first trace, middle until the first of the middle generation, then old. A
 * trace of a generation judges its blocks and those of the generations below,
 * and costs what was allocated and written since the last one rather than what
 * the heap holds: where the kernel tells what was written (Linux 6.7, with
 * userfaultfd). Elsewhere, and the first time, a trace is full. A young trace
 * never calls a block lost that a full one would not; it leaves to the next
 * full one what lies where another block lay before, and what old garbage
 * holds.
 */
enum tarn_generation {
	TARN_YOUNG = 0,
	TARN_MIDDLE = 1,
	TARN_OLD = 2, /* all */
};

/*
 * Traces GENERATION now, in the calling thread; the rest is as in tarn_trace.
 * Returns 0, or -1 with EINVAL (no such generation), ENOMEM or, if it is called
 * by a visitor or a callback, EDEADLK. Thread-safe. Since 0.1.
 */
TARN_PUBLIC int tarn_collect(enum tarn_generation generation,
			     tarn_finding_visitor *visit, void *context,
			     struct tarn_trace_summary *summary, size_t size);

/*
 * When traces start by themselves, in some call of the malloc family. 0 is
 * never; by default the first two are, unless the options `collect` and
 * `collect_interval` say otherwise, which are the same values.
 */
struct tarn_thresholds {
	uint64_t young_bytes; /* so much more in use than at the last trace */
	uint64_t young_ms;    /* milliseconds since the last trace */
	uint64_t middle; /* young traces until a middle one; 10 by default */
	uint64_t old;	 /* middle traces until an old one; 10 by default */
};

/* What counts towards these, in the same order. */
struct tarn_counts {
	uint64_t young_bytes;
	uint64_t young_ms;
	uint64_t middle;
	uint64_t old;
};

/*
 * SIZE is that of the struct as the caller was compiled; what a shorter one has
 * not stays as it is, or is not told. 0, or -1 with EINVAL. Thread-safe. Since
 * 0.1.
 */
TARN_PUBLIC int tarn_threshold_set(const struct tarn_thresholds *thresholds,
				   size_t size);
TARN_PUBLIC int tarn_threshold_get(struct tarn_thresholds *thresholds,
				   size_t size);
TARN_PUBLIC int tarn_count_get(struct tarn_counts *counts, size_t size);

/* Of the traces of one generation, since the start or the fork: sums. */
struct tarn_generation_stats {
	uint64_t traces;
	uint64_t automatic; /* of these, not asked for */
	uint64_t full;	    /* of these, that looked at all */
	uint64_t judged_blocks;
	uint64_t lost_blocks, lost_bytes; /* found lost, each once */
	uint64_t scanned_bytes;
	uint64_t written_pages;
	uint64_t stopped_ns, traced_ns;
	uint64_t longest_stopped_ns;
};

/* 0, or -1 with EINVAL. SIZE as in tarn_stats_get. Thread-safe. Since 0.1. */
TARN_PUBLIC int tarn_generation_stats_get(enum tarn_generation generation,
					  struct tarn_generation_stats *stats,
					  size_t size);

enum tarn_collect_phase {
	TARN_COLLECT_START = 0,
	TARN_COLLECT_END = 1,
};

/* SUMMARY is NULL at the start, and at the end if there was no memory. */
typedef void tarn_collect_callback(enum tarn_collect_phase phase,
				   enum tarn_generation generation,
				   const struct tarn_trace_summary *summary,
				   void *context);

/*
 * From now on CALLBACK is called before and after each automatic trace, and in
 * between VISIT, unless it is NULL, with each new finding; nothing is told on
 * standard error. NULL for CALLBACK ends that. Both are called in whichever
 * thread was in malloc or free: they may call these, but not tarn_trace or
 * tarn_collect, and must wait for no lock that the program holds while it calls
 * them. 0, or -1 with EDEADLK if called by one of them. Thread-safe. Since 0.1.
 */
TARN_PUBLIC int tarn_callback_set(tarn_collect_callback *callback,
				  tarn_finding_visitor *visit, void *context);

/*
 * Takes all blocks that are live now for roots that are not judged, by
 * generation, until they are freed or tarn_unfreeze. tarn_trace does not care.
 * 0, or -1 with ENOMEM, or EDEADLK if called by a visitor or a callback.
 * tarn_freeze_count_get tells how many there were at the last trace or call.
 * Thread-safe. Since 0.1.
 */
TARN_PUBLIC int tarn_freeze(void);
TARN_PUBLIC int tarn_unfreeze(void);
TARN_PUBLIC uint64_t tarn_freeze_count_get(void);

/*
 * Gives back to the OS whatever is free now, without waiting for the decay: the
 * calling thread's magazines, free pages of all pools, free slices. Returns
 * the bytes given back. What other threads hold in magazines stays. Since 0.1.
 */
TARN_PUBLIC size_t tarn_purge(void);

/*
 * Options by name, as in TARN_CONF; see tarn(7) for the table.
 * set: 0, or -1 with ENOENT (no such option), EINVAL (bad value) or EPERM
 * (only read at start). get: the value as text into BUFFER of SIZE bytes,
 * always terminated; 0, or -1 with ENOENT or ERANGE (cut short). Since 0.1.
 */
TARN_PUBLIC int tarn_option_set(const char *name, const char *value);
TARN_PUBLIC int tarn_option_get(const char *name, char *buffer, size_t size);

/*
 * Proves the laws of the heap by walking all of it; a broken one is named on
 * stderr and the program aborted. Returns the number of blocks looked at.
 * Blocks may be allocated and freed meanwhile, but the laws that involve
 * another thread's magazines are exact only when that thread is at rest. Since
 * 0.1.
 */
TARN_PUBLIC size_t tarn_heap_check(void);

#ifdef __cplusplus
}
#endif

#endif
