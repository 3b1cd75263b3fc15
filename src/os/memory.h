/*
 * memory: the contract with the kernel's memory calls.
 *
 * Every call may fail at any moment (limits, overcommit, seccomp, too many
 * mappings); a false or NULL means that nothing was changed. All sizes are
 * bytes and multiples of os_page_bytes(), all addresses are page-aligned.
 * Thread-safe.
 *
 * A quiet call asks the kernel itself: nobody can interpose it, so that it may
 * be made under a lock and while threads are stopped, and it leaves errno
 * alone. A loud one goes by libc's name, so that whoever watches memory go
 * (a registration cache) sees it: it may run code of others, which may call
 * malloc. It is made with no lock held and does not keep errno.
 */
#ifndef TARN_OS_MEMORY_H
#define TARN_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/attr.h"

/* --- quiet ---------------------------------------------------------------- */

/* Atomic, relaxed: every thread that races here finds the same. 0: not yet. */
extern HIDDEN size_t os_page_bytes_known;
size_t os_find_page_bytes(void);

/* Read at run time: 4 KiB on x86-64, up to 64 KiB elsewhere. */
static inline size_t os_page_bytes(void)
{
	size_t bytes = load_relaxed(&os_page_bytes_known);
	return LIKELY(bytes != 0) ? bytes : os_find_page_bytes();
}

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

/* True if nothing at all is mapped there; false also where the kernel is too
 * old to tell. */
bool os_is_vacant(uintptr_t at, size_t bytes);

/* True if the page at AT is mapped. */
bool os_is_mapped(uintptr_t at);

/*
 * True if the page at AT, which nobody uses yet, is locked into memory: the
 * process has asked that for all it will map (mlockall).
 */
bool os_is_locked(uintptr_t at);

/* Makes reserved pages writable, or shuts them off altogether. */
bool os_make_writable(void *at, size_t bytes);
bool os_make_inaccessible(void *at, size_t bytes);

/* For what tarn uses itself, or has mapped and given to nobody: unmaps it, or
 * gives its pages back. */
bool os_unmap_own(uintptr_t at, size_t bytes);
bool os_purge_own(uintptr_t at, size_t bytes);

/* Puts memory behind pages that will be written soon, all in one call where the
 * kernel can. */
void os_populate(uintptr_t at, size_t bytes);

/* Asks for few, large pages in the range; only a wish. */
void os_prefer_huge_pages(uintptr_t at, size_t bytes);

/* Bytes of the range that are in memory; unmapped parts count as none. */
size_t os_resident_bytes(uintptr_t at, size_t bytes);

/* --- loud ----------------------------------------------------------------- */

bool os_unmap(uintptr_t at, size_t bytes);

/* Gives the pages back; they read as zeros again. */
bool os_purge(uintptr_t at, size_t bytes);

/* Moves the pages from FROM to TO, growing with zeros from OLD_BYTES to
 * NEW_BYTES, in place of what is mapped there. Nothing is mapped at FROM after.
 * Where it fails, what was at TO may be gone. */
bool os_move(uintptr_t from, size_t old_bytes, uintptr_t to, size_t new_bytes);

#endif
