/*
 * memory: the contract with the kernel's memory calls.
 *
 * Every call may fail at any moment (limits, overcommit, seccomp, too many
 * mappings); a false or NULL means that nothing was changed. All sizes are
 * bytes and multiples of os_page_bytes(), all addresses are page-aligned.
 * Thread-safe. errno is not kept: only src/api decides what the caller sees.
 */
#ifndef TARN_OS_MEMORY_H
#define TARN_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read at run time: 4 KiB on x86-64, up to 64 KiB elsewhere. */
size_t os_page_bytes(void);

/* Readable zeros where the kernel likes; not charged to the commit limit. */
void *os_map_reserved(size_t bytes);

/* Readable and writable zeros where the kernel likes. */
void *os_map(size_t bytes);

enum os_map_result {
	OS_MAPPED,
	OS_TAKEN,   /* something else is mapped there */
	OS_REFUSED, /* no memory, or no such address */
};

/* Readable and writable zeros at AT and nowhere else, over nothing else. */
enum os_map_result os_map_at(uintptr_t at, size_t bytes);

bool os_unmap(uintptr_t at, size_t bytes);

/* Makes reserved pages writable, or shuts them off altogether. */
bool os_make_writable(void *at, size_t bytes);
bool os_make_inaccessible(void *at, size_t bytes);

/* Gives the pages back; they read as zeros again. */
bool os_purge(uintptr_t at, size_t bytes);

/* Puts memory behind pages that will be written soon, all in one call where the
 * kernel can. */
void os_populate(uintptr_t at, size_t bytes);

/* Asks for few, large pages in the range; only a wish. */
void os_prefer_huge_pages(uintptr_t at, size_t bytes);

/* Moves the pages from FROM to TO, where nothing is mapped, growing with
 * zeros from OLD_BYTES to NEW_BYTES. Nothing is mapped at FROM after. */
bool os_move(uintptr_t from, size_t old_bytes, uintptr_t to, size_t new_bytes);

/* Bytes of the range that are in memory; unmapped parts count as none. */
size_t os_resident_bytes(uintptr_t at, size_t bytes);

#endif
