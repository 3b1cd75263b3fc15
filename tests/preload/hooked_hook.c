/*
 * hooked_hook: a library that stands before libc's calls that take memory away,
 * as those of fast networks do: what they have noted of pages (here: when a
 * page was registered) ends when the page goes. It notes before it passes the
 * call on.
 *
 * HOOK_MODE: "alloc" allocates in each call; "lock" takes a lock in each, under
 * which another thread allocates; "note" does neither.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* So far to both sides of the first that is registered. */
#define PAGES_MAX ((size_t)1 << 25)
#define PAGE_BYTES 4096

/* Atomic, seq_cst: of each page the number of its registration; 0: none. */
static uint32_t *pages;
static uintptr_t first_page;

/* Atomic, relaxed: calls seen. */
EXPORTED unsigned long hook_unmapped, hook_advised, hook_moved;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Atomic, relaxed. */
static void *last;
/* Volatile: libc declares that malloc calls nothing here, but it does. */
static __thread volatile bool is_inside;

static bool is_mode(const char *mode)
{
	const char *text = getenv("HOOK_MODE");
	return text != NULL && strcmp(text, mode) == 0;
}

static void meet(void)
{
	if (is_inside)
		return;
	is_inside = true;
	if (is_mode("lock")) {
		pthread_mutex_lock(&lock);
		pthread_mutex_unlock(&lock);
	} else if (is_mode("alloc")) {
		void *note = malloc(40);
		free(__atomic_exchange_n(&last, note, __ATOMIC_ACQ_REL));
	}
	is_inside = false;
}

/* The page's number in `pages`; PAGES_MAX: too far away. */
static size_t page_of(uintptr_t at)
{
	size_t page = at / PAGE_BYTES - first_page;
	return page < PAGES_MAX ? page : PAGES_MAX;
}

static void forget(const void *at, size_t bytes, unsigned long *count)
{
	uintptr_t start = (uintptr_t)at;
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; pages != NULL && i < bytes; i += PAGE_BYTES) {
		size_t page = page_of(start + i);
		if (page < PAGES_MAX &&
		    __atomic_load_n(&pages[page], __ATOMIC_RELAXED) != 0)
			__atomic_store_n(&pages[page], 0, __ATOMIC_SEQ_CST);
	}
	meet();
}

/* --- for the program ----------------------------------------------------- */

EXPORTED void hook_start(const void *near)
{
	first_page = (uintptr_t)near / PAGE_BYTES - PAGES_MAX / 2;
	pages = (void *)syscall(SYS_mmap, NULL, PAGES_MAX * sizeof(*pages),
				PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
				0);
}

/* All of its pages have been written. */
EXPORTED void hook_register(const char *block, size_t bytes, uint32_t number)
{
	for (size_t i = 0; i < bytes; i += PAGE_BYTES) {
		size_t page = page_of((uintptr_t)block + i);
		if (page < PAGES_MAX)
			__atomic_store_n(&pages[page], number,
					 __ATOMIC_SEQ_CST);
	}
}

/* 0: the page that ADDRESS is in is not registered. */
EXPORTED uint32_t hook_number(uintptr_t address)
{
	size_t page = page_of(address);
	return page == PAGES_MAX
		       ? 0
		       : __atomic_load_n(&pages[page], __ATOMIC_SEQ_CST);
}

/* What others do under the lock that the hooks take. They have it, so their own
 * hooks do not. */
EXPORTED void hook_allocate(void)
{
	void *blocks[40];
	pthread_mutex_lock(&lock);
	is_inside = true;
	for (size_t i = 0; i < 40; i++)
		blocks[i] = malloc(3000 + 700 * i);
	for (size_t i = 0; i < 40; i++)
		free(blocks[i]);
	is_inside = false;
	pthread_mutex_unlock(&lock);
}

/* --- libc's names -------------------------------------------------------- */

EXPORTED void *mmap(void *at, size_t bytes, int protection, int flags, int fd,
		    off_t offset)
{
	meet();
	return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd,
			       offset);
}

EXPORTED int munmap(void *at, size_t bytes)
{
	forget(at, bytes, &hook_unmapped);
	return (int)syscall(SYS_munmap, at, bytes);
}

EXPORTED int madvise(void *at, size_t bytes, int advice)
{
	if (advice == MADV_DONTNEED || advice == MADV_FREE)
		forget(at, bytes, &hook_advised);
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

EXPORTED void *mremap(void *at, size_t bytes, size_t new_bytes, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	void *to = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
	va_end(list);
	forget(at, bytes, &hook_moved);
	return (void *)syscall(SYS_mremap, at, bytes, new_bytes, flags, to);
}
