/*
 * read: looking at memory that may not be there.
 *
 * The kernel copies what it can, so that nothing faults: not a page that is
 * protected, not one behind the end of its file. It is also asked which pages
 * there are, so that what was never touched, or lies in a file unchanged, is
 * not read at all.
 */
#ifndef TARN_OS_READ_H
#define TARN_OS_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_READ_WORDS 8192

struct os_reader {
	long pagemap_fd; /* -1: the kernel does not tell */
	long shared_fd;	 /* the same; of a copy, its original's */
	uint32_t original;
	bool cannot_copy; /* the kernel refuses; then we read ourselves */
	bool cannot_list; /* nor does it list pages: it is asked for each */
	uintptr_t buffer[OS_READ_WORDS];
};

enum os_pages {
	OS_PAGES_PRESENT,  /* that were ever touched */
	OS_PAGES_WRITTEN,  /* and are not those of a file */
	OS_PAGES_SHARED,   /* the first, in a mapping that is shared */
	OS_PAGES_ORIGINAL, /* the first, of the process that this is a copy of,
			      and read from there */
};

/* N words that stand at AT. */
typedef void os_read_visitor(void *context, uintptr_t at,
			     const uintptr_t *words, size_t n);

/* In a copy ORIGINAL is the process's id: the kernel does not tell the copy
 * which shared pages were touched. Else 0. */
void os_reader_begin(struct os_reader *reader, uint32_t original);
void os_reader_end(struct os_reader *reader);

/*
 * Calls VISIT with the words in the BYTES from AT, piece by piece, but not
 * those of other pages than WHICH. Returns how many bytes could not be read. AT
 * and BYTES are multiples of 8.
 */
size_t os_read(struct os_reader *reader, uintptr_t at, size_t bytes,
	       enum os_pages which, os_read_visitor *visit, void *context);

/* Copies BYTES from AT; false if they cannot be read. */
bool os_peek(uintptr_t at, void *to, size_t bytes);

#endif
