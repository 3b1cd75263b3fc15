/*
 * unwind: the rule for a pc, wherever its code is loaded.
 *
 * Thread-safe and async-signal-safe: no lock, no memory, no libc but
 * _dl_find_object, which is made for this. Where that or .eh_frame_hdr is
 * missing no code is known, every rule is CFI_NONE, and frame pointers are
 * left. So it is in static programs, unless linked with -Wl,--eh-frame-hdr.
 */
#ifndef TARN_WATCH_UNWIND_H
#define TARN_WATCH_UNWIND_H

#include "base/atomic.h"
#include "base/attr.h"
#include "watch/cfi.h"

/*
 * Rules found before, in a table where each key has one place. A thread may see
 * a rule of one write and a check of another: they do not go together then.
 */
#define UNWIND_ENTRIES_LOG2 12

struct unwind_entry {
	/* Atomic, relaxed: rule ^ key. */
	uint64_t check;
	/* Atomic, relaxed. */
	uint64_t rule;
};

extern HIDDEN struct unwind_entry unwind_table[1 << UNWIND_ENTRIES_LOG2];

/* Atomic, relaxed: of the code that is loaded. In every key. */
extern HIDDEN uint64_t unwind_generation;

/* One key for each pc below 2^47 and each of 2^17 generations; never 0. */
static inline uint64_t unwind_key(uintptr_t pc)
{
	return (pc ^ load_relaxed(&unwind_generation) << 47) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

struct cfi_rule unwind_find_slow(uintptr_t pc, uint64_t key);

/* How the frame of the code at PC is left. */
static ALWAYS_INLINE struct cfi_rule unwind_find(uintptr_t pc)
{
	union {
		uint64_t word;
		struct cfi_rule rule;
	} found;
	uint64_t key = unwind_key(pc);
	struct unwind_entry *entry =
		&unwind_table[key >> (64 - UNWIND_ENTRIES_LOG2)];
	found.word = load_relaxed(&entry->rule);
	if (LIKELY(load_relaxed(&entry->check) == (found.word ^ key)))
		return found.rule;
	return unwind_find_slow(pc, key);
}

/* Code at PC is part of an object that is loaded. */
bool unwind_is_loaded(uintptr_t pc);

#endif
