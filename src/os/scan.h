/*
 * scan: ioctl_pagemap_scan(2) of Linux 6.7, which lists stretches of pages and
 * passes over what was never touched as fast as the page tables let it. The
 * headers of a distribution may be older.
 */
#ifndef TARN_OS_SCAN_H
#define TARN_OS_SCAN_H

#include <stdint.h>
#include <sys/ioctl.h>

struct page_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct pm_scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN_PAGEMAP _IOWR('f', 16, struct pm_scan_arg)

/* Flags. */
#define SCAN_PROTECT (1 << 0)
#define SCAN_WATCHED_ONLY (1 << 1) /* and fail at any other page */

/* Categories of pages. */
#define SCAN_WRITTEN (1 << 1)
#define SCAN_OF_FILE (1 << 2)
#define SCAN_PRESENT (1 << 3)
#define SCAN_SWAPPED (1 << 4)

#endif
