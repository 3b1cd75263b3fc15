/*
 * magazine: the arrays, kept by size for the next who needs one, and theft.
 */
#include "heap/magazine.h"

#include <string.h>

#include "base/arith.h"
#include "base/lock.h"
#include "meta/store.h"

void *const magazine_nowhere[3];

/*
 * The word two below the first block, which is no block's address: log2 of the
 * array's words and, while it is robbed, how many blocks it had then, and how
 * many of them, from the first, are gone.
 */
#define HEAD_WORDS 2
struct head {
	uint8_t log;
	bool is_robbed;
	uint16_t n;
	uint16_t n_gone;
	uint16_t reserved;
};

_Static_assert(sizeof(struct head) == sizeof(void *), "a head is one word");

static const struct head *head_of(const struct magazine *magazine)
{
	return (const struct head *)(magazine->blocks - HEAD_WORDS);
}

/* As one word: free compares the two words below `top`, which may be here, with
 * the block. */
static void set_head(void **blocks, struct head head)
{
	uintptr_t word;
	memcpy(&word, &head, sizeof(word));
	store_relaxed((uintptr_t *)(blocks - HEAD_WORDS), word);
}

unsigned magazine_log(const struct magazine *magazine)
{
	return magazine_exists(magazine) ? head_of(magazine)->log : 0;
}

static bool is_robbed(const struct magazine *magazine)
{
	return magazine_exists(magazine) && head_of(magazine)->is_robbed;
}

static bool is_nowhere(void *const *top)
{
	return top + 1 >= MAGAZINE_NOWHERE && top <= MAGAZINE_NOWHERE + 1;
}

/* Guarded by store_lock: unused arrays of 2^k words, linked by their second. */
static void **spare[MAGAZINE_LOG_MAX + 1];

unsigned magazine_log_first(uint32_t class)
{
	size_t blocks = MAGAZINE_FIRST_BYTES / class_block_bytes(class);
	unsigned log = 2;
	while (log < MAGAZINE_LOG_FIRST_MAX &&
	       magazine_capacity(log + 1) <= blocks)
		log++;
	return log;
}

struct magazine magazine_absent(uint32_t class)
{
	struct magazine magazine = {
		.top = MAGAZINE_NOWHERE,
		.blocks = MAGAZINE_NOWHERE,
		.most = UINT32_MAX,
	};
	if (class_pool_slices(class) == 1) {
		uint64_t bytes = class_block_bytes(class);
		magazine.multiplier =
			(uint32_t)(((UINT64_C(1) << 32) + bytes - 1) / bytes);
		magazine.most = magazine.multiplier - 1;
	}
	return magazine;
}

static void **make_array(unsigned log)
{
	size_t bytes = sizeof(void *) << log;
	lock_acquire(&store_lock);
	void **array = spare[log];
	if (array != NULL)
		spare[log] = array[1];
	lock_release(&store_lock);
	if (array == NULL)
		array = store_take(bytes, min_size(bytes, CACHE_LINE));
	if (array == NULL)
		return NULL;
	set_head(array + HEAD_WORDS, (struct head){.log = (uint8_t)log});
	array[1] = NULL;
	return array + HEAD_WORDS;
}

static void discard_array(void **blocks, unsigned log)
{
	void **array = blocks - HEAD_WORDS;
	lock_acquire(&store_lock);
	array[1] = spare[log];
	spare[log] = array;
	lock_release(&store_lock);
}

bool magazine_resize_locked(struct magazine *magazine, unsigned log)
{
	void **old = magazine->blocks, **blocks = MAGAZINE_NOWHERE;
	unsigned old_log = magazine_log(magazine);
	uint32_t n = magazine_count(magazine);
	ASSERT(n <= magazine_capacity(log) && !is_robbed(magazine));
	if (log != 0) {
		blocks = make_array(log);
		if (blocks == NULL)
			return false;
		memcpy(blocks, old, n * sizeof(*blocks));
	}
	magazine->blocks = blocks;
	store_relaxed(&magazine->limit,
		      log == 0 ? NULL : blocks + magazine_capacity(log));
	store_relaxed(&magazine->top, blocks + n);
	if (old_log != 0)
		discard_array(old, old_log);
	return true;
}

/* What has become of top since the theft: see magazine.h. */
static long late_change(const struct magazine *magazine)
{
	return load_relaxed(&magazine->top) - MAGAZINE_NOWHERE;
}

void **magazine_free_blocks(const struct magazine *magazine, uint32_t *n)
{
	void **top = load_relaxed(&magazine->top);
	if (is_robbed(magazine) && is_nowhere(top)) {
		const struct head *head = head_of(magazine);
		*n = (uint32_t)(head->n - head->n_gone + late_change(magazine));
		return magazine->blocks + head->n_gone;
	}
	/* A thread that is looked at from outside may be anywhere. */
	size_t count = (size_t)(top - magazine->blocks);
	bool is_there = magazine_exists(magazine) &&
			count <= magazine_capacity(magazine_log(magazine));
	*n = is_there ? (uint32_t)count : 0;
	return magazine->blocks;
}

void magazine_regain_locked(struct magazine *magazine)
{
	if (!is_robbed(magazine))
		return;
	uint32_t n;
	void **blocks = magazine->blocks;
	void **left = magazine_free_blocks(magazine, &n);
	memmove(blocks, left, n * sizeof(*blocks));
	set_head(blocks, (struct head){.log = head_of(magazine)->log});
	store_relaxed(&magazine->limit,
		      blocks + magazine_capacity(magazine_log(magazine)));
	store_relaxed(&magazine->top, blocks + n);
}

/* The last block is not to be had. */
bool magazine_is_worth_robbing(const struct magazine *magazine)
{
	return magazine_exists(magazine) && !is_robbed(magazine) &&
	       load_relaxed(&magazine->top) >= magazine->blocks + 2;
}

bool magazine_rob_locked(struct magazine *magazine)
{
	if (!magazine_is_worth_robbing(magazine))
		return false;
	void **top = load_relaxed(&magazine->top);
	store_release(&magazine->limit, NULL);
	while (!cas_seq_cst(&magazine->top, &top, MAGAZINE_NOWHERE))
		;
	set_head(magazine->blocks,
		 (struct head){.log = head_of(magazine)->log,
			       .is_robbed = true,
			       .n = (uint16_t)(top - magazine->blocks)});
	return true;
}

void **magazine_robbed_locked(struct magazine *magazine, bool has_passed,
			      uint32_t *n)
{
	struct head head = *head_of(magazine);
	*n = 0;
	/* Without the barrier nothing is sure: the owner sorts it out. */
	if (!has_passed)
		return NULL;
	if (!is_nowhere(load_acquire(&magazine->top))) {
		set_head(magazine->blocks, (struct head){.log = head.log});
		store_relaxed(&magazine->limit,
			      magazine->blocks + magazine_capacity(head.log));
		return NULL;
	}
	if (head.n > 1)
		head.n_gone = (uint16_t)(head.n - 1);
	set_head(magazine->blocks, head);
	*n = head.n_gone;
	return magazine->blocks;
}
