/*
 * recorder: a library to preload that writes down a program's calls to malloc.
 *
 * 	RECORD_FILE   where to: the process id is appended
 * 	RECORD_LIMIT  how many calls are recorded at most (1,000,000)
 *
 * The calls are passed to glibc's malloc. One lock is held over each call and
 * its record, so that the order of the records is one in which the calls could
 * have happened: a block is freed before its address is given out again. A
 * child of fork is not recorded; a program that it executes is, in a file of
 * its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/format.h"

#define LIMIT 1000000

/* glibc's malloc under names that no other library takes. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t n);
void __libc_free(void *block);
void *__libc_memalign(size_t align, size_t n);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool is_recording;
static struct raw_header *header; /* guarded by mutex, as what follows it */
static uint16_t n_threads;
static _Thread_local uint16_t thread_number
	__attribute__((tls_model("initial-exec")));

static void stop_in_child(void)
{
	is_recording = false;
}

static void say(const char *what)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "recorder: %s: %s\n", what,
			 strerror(errno));
	if (write(2, text, (size_t)n) != n)
		_exit(125);
}

__attribute__((constructor)) static void begin(void)
{
	char name[4096];
	const char *file = getenv("RECORD_FILE"), *limit;

	if (file == NULL)
		return;
	limit = getenv("RECORD_LIMIT");
	uint64_t n_room = limit == NULL ? LIMIT : strtoull(limit, NULL, 10);
	snprintf(name, sizeof(name), "%s.%d", file, (int)getpid());
	size_t bytes = sizeof(*header) + n_room * sizeof(struct raw_record);
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) {
		say(name);
		return;
	}
	void *map =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED) {
		say(name);
		return;
	}
	header = map;
	memcpy(header->magic, RAW_MAGIC, sizeof(RAW_MAGIC));
	header->version = REC_VERSION;
	header->n_room = n_room;
	pthread_atfork(NULL, NULL, stop_in_child);
	is_recording = true;
}

static bool lock(void)
{
	if (!is_recording)
		return false;
	pthread_mutex_lock(&mutex);
	return true;
}

static void note_locked(enum rec_kind kind, size_t size_bytes, void *address,
			uint64_t old_address, size_t align)
{
	if (header->n_records == header->n_room) {
		is_recording = false;
		return;
	}
	if (thread_number == 0)
		thread_number = ++n_threads;
	struct raw_record *records = (struct raw_record *)(header + 1);
	records[header->n_records] = (struct raw_record){
		.kind = (uint8_t)kind,
		.log2_align = (uint8_t)__builtin_ctzll(align),
		.thread = (uint16_t)(thread_number - 1),
		.size_bytes = size_bytes,
		.address = (uint64_t)(uintptr_t)address,
		.old_address = old_address,
	};
	header->n_records++;
}

static void unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

/* -- what programs call ---------------------------------------------------- */

#pragma GCC visibility push(default)

void *malloc(size_t n)
{
	bool locked = lock();
	void *block = __libc_malloc(n);
	if (locked) {
		note_locked(REC_MALLOC, n, block, 0, 1);
		unlock();
	}
	return block;
}

void *calloc(size_t n, size_t size)
{
	bool locked = lock();
	void *block = __libc_calloc(n, size);
	if (locked) {
		note_locked(REC_CALLOC, n * size, block, 0, 1);
		unlock();
	}
	return block;
}

void *realloc(void *old, size_t n)
{
	uint64_t old_address = (uint64_t)(uintptr_t)old;
	bool locked = lock();
	void *block = __libc_realloc(old, n);
	if (locked) {
		note_locked(REC_REALLOC, n, block, old_address, 1);
		unlock();
	}
	return block;
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

void free(void *block)
{
	bool locked = lock();
	if (locked && block != NULL)
		note_locked(REC_FREE, 0, block, 0, 1);
	__libc_free(block);
	if (locked)
		unlock();
}

void *memalign(size_t align, size_t n)
{
	if (align == 0)
		align = 1;
	bool locked = lock();
	void *block = __libc_memalign(align, n);
	if (locked) {
		note_locked(REC_ALIGNED, n, block, 0, align);
		unlock();
	}
	return block;
}

void *aligned_alloc(size_t align, size_t n)
{
	return memalign(align, n);
}

int posix_memalign(void **block, size_t align, size_t n)
{
	if (align % sizeof(void *) != 0 || (align & (align - 1)) != 0 ||
	    align == 0)
		return EINVAL;
	int before = errno;
	void *taken = memalign(align, n);
	errno = before;
	if (taken == NULL)
		return ENOMEM;
	*block = taken;
	return 0;
}

void *valloc(size_t n)
{
	return memalign((size_t)sysconf(_SC_PAGESIZE), n);
}

void *pvalloc(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return memalign(page, (n + page - 1) / page * page);
}

/* glibc's, whatever malloc the program is linked with. */
size_t malloc_usable_size(void *block)
{
	static size_t (*usable_size)(void *);
	if (usable_size == NULL) {
		void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
		usable_size =
			(size_t(*)(void *))dlsym(libc, "malloc_usable_size");
	}
	return usable_size(block);
}

#pragma GCC visibility pop
