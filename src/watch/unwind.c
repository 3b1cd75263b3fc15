/*
 * unwind: from a pc to the FDE of its function, by way of .eh_frame_hdr, which
 * is sorted and mapped with every object.
 */
#define _GNU_SOURCE
#include "watch/unwind.h"

#include <stddef.h>

struct unwind_entry unwind_table[1 << UNWIND_ENTRIES_LOG2];
uint64_t unwind_generation;

_Static_assert(sizeof(struct cfi_rule) == sizeof(uint64_t), "one word");

#if defined(__x86_64__) && defined(__LP64__) && HAVE_DL_FIND_OBJECT

#include <dlfcn.h>

/* Relative to the header's address. */
struct header_entry {
	int32_t start;
	int32_t fde;
};

struct header {
	uint8_t version;
	uint8_t eh_frame_encoding;
	uint8_t n_encoding;
	uint8_t table_encoding;
	int32_t eh_frame;
	uint32_t n;
	struct header_entry table[];
};

#define POINTER_UDATA4 0x03
#define POINTER_SDATA4 0x0b
#define POINTER_DATAREL 0x30

/* As all linkers write it. */
static bool header_is_usual(const struct header *header)
{
	return header != NULL && (uintptr_t)header % 4 == 0 &&
	       header->version == 1 &&
	       (header->eh_frame_encoding & 0x0f) == POINTER_SDATA4 &&
	       header->n_encoding == POINTER_UDATA4 &&
	       header->table_encoding == (POINTER_DATAREL | POINTER_SDATA4);
}

/* The last entry that starts at or before PC; NULL if there is none. */
static const struct header_entry *find_entry(const struct header *header,
					     uintptr_t pc)
{
	intptr_t offset = (intptr_t)(pc - (uintptr_t)header);
	uint32_t low = 0;
	uint32_t high = header->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (header->table[middle].start <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : &header->table[low - 1];
}

static struct cfi_rule rule_in(const struct header *header, uintptr_t pc)
{
	struct cfi_rule none = {.kind = CFI_NONE};
	struct cfi_rule rule;
	if (!header_is_usual(header))
		return none;
	const struct header_entry *entry = find_entry(header, pc);
	const uint8_t *base = (const uint8_t *)header;
	if (entry == NULL ||
	    !cfi_run(base + entry->fde, (uintptr_t)(base + entry->start), pc,
		     &rule))
		return none;
	return rule;
}

/*
 * Code in no object is not kept: it may be made and unmade without our hearing
 * of it, and an object may be loaded at its place.
 */
NOINLINE struct cfi_rule unwind_find_slow(uintptr_t pc, uint64_t key)
{
	union {
		uint64_t word;
		struct cfi_rule rule;
	} found = {.word = 0};
	struct dl_find_object object;
	if (_dl_find_object((void *)pc, &object) != 0)
		return found.rule;
	found.rule = rule_in(object.dlfo_eh_frame, pc);
	struct unwind_entry *entry =
		&unwind_table[key >> (64 - UNWIND_ENTRIES_LOG2)];
	store_relaxed(&entry->rule, found.word);
	store_relaxed(&entry->check, found.word ^ key);
	return found.rule;
}

bool unwind_is_loaded(uintptr_t pc)
{
	struct dl_find_object object;
	return _dl_find_object((void *)pc, &object) == 0;
}

#else

struct cfi_rule unwind_find_slow(uintptr_t pc, uint64_t key)
{
	(void)pc;
	(void)key;
	return (struct cfi_rule){.kind = CFI_NONE};
}

bool unwind_is_loaded(uintptr_t pc)
{
	(void)pc;
	return false;
}

#endif
