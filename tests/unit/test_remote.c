/*
 * remote: bits set by others reach the owner, once, whoever that is by then.
 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "base/message.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/late.h"
#include "heap/remote.h"

static struct pool_spares spares[N_CLASSES];

static struct heap first = {.key = 1 << ENTRY_CLASS_BITS};
static struct heap second = {.key = 2 << ENTRY_CLASS_BITS};
static unsigned n_settled;
static uint32_t n_freed;

static struct pool *create(size_t bytes)
{
	struct pool *pool =
		pool_new_descriptor(&spares[class_of(bytes)], class_of(bytes));
	cr_assert_not_null(pool);
	void *base = arena_take(pool->n_slices, SLICE_BYTES);
	cr_assert_not_null(base);
	pool_create(pool, &first, heap_id(&first), (uintptr_t)base, true);
	return pool;
}

static uintptr_t take(struct pool *pool)
{
	void *block;
	cr_assert_eq(pool_take(pool, 1, &block + 1), 1);
	return (uintptr_t)block;
}

static void count(struct heap *heap, struct pool *pool, uint32_t n)
{
	cr_assert_eq(pool->owner, heap);
	pool_check(pool);
	n_settled++;
	n_freed += n;
}

static void add_count(void *context, const struct pool *pool, uint32_t n)
{
	cr_assert_eq(pool->owner, &first);
	*(uint32_t *)context += n;
}

/* How many pools were settled. */
static unsigned drain(struct heap *heap)
{
	n_settled = n_freed = 0;
	remote_drain_locked(heap, UINT32_MAX, count);
	return n_settled;
}

Test(remote, a_freed_block_is_free_after_the_owner_drains)
{
	struct pool *pool = create(64);
	uintptr_t block = take(pool);
	take(pool);
	cr_assert_eq(remote_free(pool, block), POOL_PUT);
	cr_assert_eq(pool->n_free, 0);
	cr_assert_eq(remote_count(pool), 1);
	cr_assert_eq(drain(&first), 1);
	cr_assert_eq(pool->n_free, 1);
	cr_assert_eq(remote_count(pool), 0);
	cr_assert_eq(take(pool), block);
}

Test(remote, a_pool_is_listed_once_however_many_blocks_come)
{
	struct pool *pool = create(64);
	uintptr_t blocks[100];
	for (int i = 0; i < 100; i++)
		blocks[i] = take(pool);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(remote_free(pool, blocks[i]), POOL_PUT);
	cr_assert_eq(drain(&first), 1);
	cr_assert_eq(n_freed, 100);
	cr_assert_eq(pool->n_free, 100);
	cr_assert_eq(drain(&first), 0);
}

Test(remote, every_flagged_pool_is_drained)
{
	struct pool *pools[] = {create(16), create(64), create(64),
				create(4096)};
	for (int i = 0; i < 4; i++)
		cr_assert_eq(remote_free(pools[i], take(pools[i])), POOL_PUT);
	cr_assert_eq(drain(&first), 4);
	for (int i = 0; i < 4; i++)
		cr_assert(pool_is_unused(pools[i]));
}

Test(remote, a_drained_pool_is_flagged_again)
{
	struct pool *pool = create(64);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(remote_free(pool, take(pool)), POOL_PUT);
		cr_assert_eq(drain(&first), 1);
	}
}

Test(remote, mistakes_are_told_from_frees)
{
	struct pool *pool = create(64);
	uintptr_t block = take(pool);
	cr_assert_eq(remote_free(pool, block + 16), POOL_INTERIOR);
	cr_assert_eq(remote_free(pool, block + 64), POOL_NEVER_CARVED);
	cr_assert_eq(remote_free(pool, block), POOL_PUT);
	cr_assert_eq(remote_free(pool, block), POOL_DOUBLE_FREE);
	cr_assert_eq(drain(&first), 1);
	cr_assert_eq(pool->n_free, 1);
}

/* It is left out, so that the counts stay true, and told without locks. */
Test(remote, a_block_that_is_free_already_is_noticed_late, .signal = SIGABRT)
{
	struct pool *pool = create(64);
	uintptr_t block = take(pool), other = take(pool);
	cr_assert_eq(pool_put(pool, block), POOL_PUT);
	remote_free(pool, block);
	remote_free(pool, other);
	cr_assert_eq(drain(&first), 1);
	cr_assert_eq(n_freed, 1);
	cr_assert_eq(pool->n_free, 2);
	cr_assert_eq(late_address, block);
	message_set_fd(open("/dev/null", O_WRONLY));
	late_tell();
}

Test(remote, a_pool_that_changed_hands_is_flagged_to_its_new_owner)
{
	struct pool *pool = create(64);
	cr_assert_eq(remote_free(pool, take(pool)), POOL_PUT);
	pool_change_owner(pool, &second, heap_id(&second));
	cr_assert_eq(drain(&first), 0);
	cr_assert_eq(drain(&second), 1);
	cr_assert_eq(pool->n_free, 1);
}

/* It could not be found in its new owner's list. */
Test(remote, a_pool_that_is_flagged_keeps_its_owner)
{
	struct pool *pool = create(64);
	cr_assert_eq(remote_free(pool, take(pool)), POOL_PUT);
	remote_drain_pool_locked(pool);
	cr_assert_eq(pool->n_free, 1);
	cr_assert_not(remote_disown(pool));
	cr_assert_eq(pool->owner, &first);
	cr_assert_eq(drain(&first), 1);
	cr_assert_eq(n_freed, 0);
	cr_assert(remote_disown(pool));
	cr_assert_null(pool->owner);
	pool_destroy(&spares[pool->class], pool);
}

/* Its freer had read the owner before it was disowned, and is late. */
Test(remote, a_pool_listed_with_nothing_in_it_does_no_harm)
{
	struct pool *pool = create(64);
	cr_assert(remote_disown(pool));
	pool_destroy(&spares[pool->class], pool);
	pool->flagged = 1;
	first.flagged = pool;
	cr_assert_eq(drain(&first), 0);
	cr_assert_eq(pool->flagged, 0);
	cr_assert_eq(drain(&second), 0);
}

/* A pool is flagged to whom drains nothing: the heap itself is to be found. */
Test(remote, a_parked_heap_is_put_on_the_stack_once)
{
	struct pool *one = create(64), *other = create(80);
	uintptr_t blocks[] = {take(one), take(one), take(one)};
	first.is_parked = true;
	cr_assert_null(remote_take_parked());
	remote_free(one, blocks[0]);
	remote_free(one, blocks[1]);
	remote_free(other, take(other));
	cr_assert_eq(remote_take_parked(), &first);
	cr_assert_null(first.next_flagged);
	cr_assert_null(remote_take_parked());
	/* Who has not yet begun to drain it need not be told. */
	cr_assert(first.is_flagged);
	first.is_flagged = false;
	cr_assert_eq(drain(&first), 2);
	remote_free(one, blocks[2]);
	cr_assert_eq(remote_take_parked(), &first);
}

Test(remote, all_parked_heaps_with_frees_are_on_the_stack)
{
	struct pool *one = create(64), *other = create(80);
	pool_change_owner(other, &second, heap_id(&second));
	first.is_parked = second.is_parked = true;
	remote_free(one, take(one));
	remote_free(other, take(other));
	struct heap *head = remote_take_parked();
	cr_assert(head == &first || head == &second);
	cr_assert_eq(head->next_flagged, head == &first ? &second : &first);
	cr_assert_null(head->next_flagged->next_flagged);
	remote_push_parked(head); /* as one who finds that it is busy */
	cr_assert_null(remote_take_parked());
	head->is_flagged = false;
	remote_push_parked(head);
	cr_assert_eq(remote_take_parked(), head);
}

Test(remote, what_a_heap_has_to_drain_is_counted)
{
	struct pool *one = create(64), *other = create(80);
	uintptr_t blocks[] = {take(one), take(one), take(other)};
	remote_free(one, blocks[0]);
	remote_free(other, blocks[2]);
	remote_drain_locked(&first, 1, count);
	remote_free(one, blocks[1]);
	uint32_t n_drained = one->n_free + other->n_free, n_counted = 0;
	remote_count_locked(&first, add_count, &n_counted);
	cr_assert_eq(n_drained + n_counted, 3);
}

static void add_adopted(void *context, const struct pool *pool, uint32_t n)
{
	cr_assert_eq(pool->owner, &second);
	*(uint32_t *)context += n;
}

/* A pool that was adopted stays in the list of whom it was adopted from. */
Test(remote, what_a_former_owner_has_listed_is_counted)
{
	struct pool *pool = create(64);
	uint32_t n_counted = 0;
	remote_free(pool, take(pool));
	pool->owner = &second;
	remote_count_locked(&first, add_adopted, &n_counted);
	cr_assert_eq(n_counted, 1);
	pool->owner = &first;
}

/* In the child of a fork the list may be cut off; the bits are not. */
Test(remote, after_a_fork_bits_are_flagged_anew)
{
	struct pool *pool = create(64), *quiet = create(64);
	cr_assert_eq(remote_free(pool, take(pool)), POOL_PUT);
	first.flagged = NULL;
	remote_restore_after_fork(pool);
	remote_restore_after_fork(quiet);
	cr_assert_eq(drain(&first), 1);
	cr_assert_eq(pool->n_free, 1);
}

Test(remote, what_a_bounded_drain_leaves_comes_first_the_next_time)
{
	struct pool *pools[5];
	uintptr_t blocks[5];
	for (int i = 0; i < 5; i++) {
		pools[i] = create(64);
		blocks[i] = take(pools[i]);
	}
	for (int i = 0; i < 3; i++)
		remote_free(pools[i], blocks[i]);
	n_settled = 0;
	remote_drain_locked(&first, 1, count);
	cr_assert_eq(n_settled, 1);
	for (int i = 3; i < 5; i++)
		remote_free(pools[i], blocks[i]);
	cr_assert_eq(drain(&first), 2);
	cr_assert_eq(remote_count(pools[0]), 0);
	cr_assert_eq(remote_count(pools[3]), 1);
	cr_assert_eq(drain(&first), 2);
	cr_assert_eq(drain(&first), 0);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(pools[i]->n_free, 1);
}

Test(remote, a_pool_that_a_bounded_drain_left_goes_to_its_new_owner)
{
	struct pool *one = create(64), *other = create(64);
	uintptr_t in_one = take(one), in_other = take(other);
	remote_free(one, in_one);
	remote_free(other, in_other);
	remote_drain_locked(&first, 1, count);
	pool_change_owner(one, &second, 2);
	pool_change_owner(other, &second, 2);
	cr_assert_eq(drain(&first), 0);
	cr_assert_eq(drain(&second), 1);
	cr_assert_eq(one->n_free + other->n_free, 2);
}

#define FREERS 3
#define BLOCKS 3000

static uintptr_t shared[FREERS][BLOCKS];
static struct pool *pool_of_shared[FREERS][BLOCKS];
static int n_done;

static void *free_them(void *argument)
{
	size_t me = (size_t)(uintptr_t)argument;
	for (int i = 0; i < BLOCKS; i++)
		if (remote_free(pool_of_shared[me][i], shared[me][i]) !=
		    POOL_PUT)
			return (void *)1;
	__atomic_fetch_add(&n_done, 1, __ATOMIC_RELEASE);
	return NULL;
}

Test(remote, nothing_is_lost_between_freers_and_an_owner_who_drains)
{
	struct pool *pools[4];
	pthread_t threads[FREERS];
	uint32_t n_free = 0;
	for (int i = 0; i < 4; i++)
		pools[i] = create(16);
	for (int i = 0; i < FREERS * BLOCKS; i++) {
		struct pool *pool = pools[i % 4];
		shared[i % FREERS][i / FREERS] = take(pool);
		pool_of_shared[i % FREERS][i / FREERS] = pool;
	}
	for (uintptr_t i = 0; i < FREERS; i++)
		cr_assert_eq(
			pthread_create(&threads[i], NULL, free_them, (void *)i),
			0);
	/* Freers may flag again at any moment. */
	while (__atomic_load_n(&n_done, __ATOMIC_ACQUIRE) < FREERS)
		remote_drain_locked(&first, UINT32_MAX, count);
	for (int i = 0; i < FREERS; i++)
		pthread_join(threads[i], NULL);
	drain(&first);
	cr_assert_null(first.flagged);
	for (int i = 0; i < 4; i++) {
		pool_check(pools[i]);
		n_free += pools[i]->n_free;
	}
	cr_assert_eq(n_free, FREERS * BLOCKS);
}
