/*
 * written: which pages of a range were written since one last asked, as the
 * kernel tells it (Linux 6.7): userfaultfd write-protects them asynchronously,
 * so that the first write to a page costs a fault that the kernel resolves by
 * itself, and PAGEMAP_SCAN lists what lost its protection and renews it.
 *
 * What is not watched counts as written: what was never asked for before, what
 * has come by mmap or mremap since, and all if the kernel refuses. So an answer
 * may name too many pages, but never too few. A page without memory behind it
 * (purged, never touched) is not written: it holds zeros.
 *
 * What a device writes to pages that the program has pinned goes past the page
 * tables and is not seen; no pointers come that way.
 *
 * Not thread-safe. What is written while it asks may or may not be named, so
 * the caller has stopped the other threads.
 */
#ifndef TARN_OS_WRITTEN_H
#define TARN_OS_WRITTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/scan.h"

#define OS_WRITTEN_STRETCHES 512

struct os_written {
	int fd; /* close-on-exec; 0: none */
	/* Of the descriptor: a program may close what it does not know, and
	 * get the same number for a file of its own. */
	uint64_t device;
	uint64_t inode;
	bool is_refused;  /* the kernel has none of this */
	bool was_watched; /* something in this process, at any time */
	long pagemap_fd;
	/* What the kernel fills in. */
	struct page_region stretches[OS_WRITTEN_STRETCHES];
};

/*
 * To be called before a series of os_written_take, and os_written_end after
 * it. false if the kernel refuses: then nothing is known of any page.
 */
bool os_written_begin(struct os_written *written);
void os_written_end(struct os_written *written);

/* Pages [START, END) were written, or may have been. */
typedef void os_written_visitor(void *context, uintptr_t start, uintptr_t end);

/*
 * Calls VISIT with what was written in the BYTES from START since the last call
 * for them, and watches all of them from now on.
 */
void os_written_take(struct os_written *written, uintptr_t start, size_t bytes,
		     os_written_visitor *visit, void *context);

/* Watches nothing any more. */
void os_written_stop(struct os_written *written);

/* In the child of a fork, which has only inherited the descriptor. */
void os_written_forget(struct os_written *written);

#endif
