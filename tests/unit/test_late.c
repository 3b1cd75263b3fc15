/*
 * late: a mistake that a batch finds is left out of it and told once, by
 * whoever next has no lock.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/message.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/late.h"
#include "tarn.h"

#define BYTES 80

static void *blocks[100];

static void take_blocks(void)
{
	for (int i = 0; i < 100; i++)
		blocks[i] = tarn_malloc(BYTES);
	lock_acquire(&heap_mine->lock);
	heap_empty_magazines_locked(heap_mine);
	lock_release(&heap_mine->lock);
	heap_check();
}

static void put(void **some, uint32_t n)
{
	lock_acquire(&heap_mine->lock);
	heap_put_blocks_locked(heap_mine, class_of(BYTES), some, n);
	lock_release(&heap_mine->lock);
}

static uint64_t n_in_use(void)
{
	return heap_mine->counts[class_of(BYTES)].n_in_use;
}

/* Forgets the mistake, so that the heap can be looked at. */
static void assert_noticed(const void *address)
{
	cr_assert_eq(late_address, (uintptr_t)address);
	late_address = 0;
	heap_check();
}

Test(late, a_block_twice_in_a_batch_is_free_once)
{
	take_blocks();
	void *batch[] = {blocks[0], blocks[1], blocks[0], blocks[2]};
	put(batch, 4);
	cr_assert_eq(n_in_use(), 97);
	assert_noticed(blocks[0]);
	cr_assert_eq(heap_look_up(blocks[2]).mistake, HEAP_DOUBLE_FREE);
	cr_assert_eq(heap_look_up(blocks[3]).mistake, HEAP_FREED);
}

Test(late, what_is_no_block_is_left_out)
{
	void *batch[3];
	take_blocks();
	batch[0] = blocks[4];
	batch[1] = (char *)blocks[5] + 16;
	batch[2] = blocks[6];
	put(batch, 3);
	cr_assert_eq(n_in_use(), 98);
	assert_noticed(batch[1]);
	cr_assert_eq(heap_look_up(blocks[5]).mistake, HEAP_FREED);
}

/* Its pool is gone by then, and may be another's. */
Test(late, a_block_whose_pool_was_given_back_is_left_out)
{
	enum { N = 5 };
	void *large[N];
	uint32_t class = class_of(65536);
	take_blocks();
	for (int i = 0; i < N; i++)
		large[i] = heap_take_one(heap_mine, class);
	/* Another pool is current: this one goes when it is empty. */
	for (int i = 0; i < 20; i++)
		cr_assert_not_null(heap_take_one(heap_mine, class));
	lock_acquire(&heap_mine->lock);
	struct pool *pool =
		region_descriptor(region_of((uintptr_t)large[0]),
				  region_slice(region_of((uintptr_t)large[0]),
					       (uintptr_t)large[0]));
	void *all[8];
	uint32_t n = pool->n_slots;
	cr_assert_eq(n, 8);
	cr_assert_not(pool->is_current);
	for (uint32_t i = 0; i < n; i++)
		all[i] = (void *)pool_block(pool, i);
	heap_put_blocks_locked(heap_mine, class, all, n);
	heap_put_blocks_locked(heap_mine, class, &large[1], 1);
	lock_release(&heap_mine->lock);
	assert_noticed(large[1]);
}

Test(late, a_double_free_that_two_magazines_full_apart_is_noticed)
{
	enum { N = 10000 };
	static void *many[N];
	for (int i = 0; i < N; i++)
		many[i] = tarn_malloc(BYTES);
	tarn_free(many[0]);
	tarn_free(many[1]);
	tarn_free(many[2]);
	/* Not one of the two that were freed last, so nothing is told yet. */
	cr_assert_eq(heap_push(many[0]), true);
	lock_acquire(&heap_mine->lock);
	heap_empty_magazines_locked(heap_mine);
	lock_release(&heap_mine->lock);
	cr_assert_eq(n_in_use(), N - 3);
	assert_noticed(many[0]);
}

/* --- telling ------------------------------------------------------------- */

static void *from_handler;

static void allocate_and_free(int signal)
{
	(void)signal;
	from_handler = tarn_malloc(100000);
	tarn_free(from_handler);
	for (int i = 0; i < 1000; i++)
		tarn_free(tarn_malloc(33));
	late_tell(); /* once is enough */
	_exit(from_handler != NULL ? 42 : 43);
}

/* What a child that calls late_tell() writes. */
static void assert_told(const char *text)
{
	static char told[2 * MESSAGE_BYTES];
	int fd = memfd_create("told", 0), status;
	pid_t child = fork();
	if (child == 0) {
		signal(SIGABRT, allocate_and_free);
		message_set_fd(fd);
		late_tell();
		_exit(1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 42);
	ssize_t n = pread(fd, told, sizeof(told) - 1, 0);
	told[n < 0 ? 0 : n] = '\0';
	cr_assert_eq(strcmp(told, text), 0, "it says: %s", told);
	close(fd);
}

Test(late, the_first_is_told_with_what_is_known_of_it)
{
	char text[MESSAGE_BYTES];
	take_blocks();
	late_note(POOL_INTERIOR, (uintptr_t)blocks[3] + 8, (uintptr_t)blocks[3],
		  BYTES);
	late_note(POOL_DOUBLE_FREE, (uintptr_t)blocks[7], (uintptr_t)blocks[7],
		  BYTES);
	snprintf(text, sizeof(text),
		 "tarn: free(%p): points 8 bytes into a 80-byte block at %p "
		 "(noticed late)\n",
		 (void *)((char *)blocks[3] + 8), blocks[3]);
	assert_told(text);
}

Test(late, a_double_free_is_told_as_such)
{
	char text[MESSAGE_BYTES];
	take_blocks();
	late_note(POOL_DOUBLE_FREE, (uintptr_t)blocks[7], (uintptr_t)blocks[7],
		  BYTES);
	snprintf(text, sizeof(text),
		 "tarn: free(%p): double free of a 80-byte block (noticed "
		 "late)\n",
		 blocks[7]);
	assert_told(text);
}

Test(late, a_slot_that_was_never_anybodys_is_told_as_such)
{
	char text[MESSAGE_BYTES];
	take_blocks();
	late_note(POOL_NEVER_CARVED, (uintptr_t)blocks[7], (uintptr_t)blocks[7],
		  BYTES);
	snprintf(text, sizeof(text),
		 "tarn: free(%p): no block was ever allocated here (noticed "
		 "late)\n",
		 blocks[7]);
	assert_told(text);
}

/* Any slow path tells it, with its locks given back. */
Test(late, the_next_slow_path_tells_it, .signal = SIGABRT)
{
	take_blocks();
	message_set_fd(open("/dev/null", O_WRONLY));
	late_note(POOL_DOUBLE_FREE, (uintptr_t)blocks[7], (uintptr_t)blocks[7],
		  BYTES);
	tarn_malloc(BYTES * 100);
}

Test(late, a_check_tells_it, .signal = SIGABRT)
{
	take_blocks();
	message_set_fd(open("/dev/null", O_WRONLY));
	late_note(POOL_DOUBLE_FREE, (uintptr_t)blocks[7], (uintptr_t)blocks[7],
		  BYTES);
	heap_check();
}
