/*
 * family: every function of the malloc family does what the C library's does,
 * under both its names.
 */
#include "family.h"

#include <malloc.h>

#include "pattern.h"

static struct family family;

static int is_aligned(const void *block, size_t alignment)
{
	return block != NULL && (uintptr_t)block % alignment == 0;
}

static size_t next_size(size_t size)
{
	return size < 300 ? size + 1 : size + size / 7;
}

static void every_block_is_aligned_to_16_bytes(void)
{
	for (size_t size = 0; size < (size_t)40 << 20; size = next_size(size)) {
		void *blocks[] = {
			family.malloc(size),
			family.calloc(1, size),
			family.realloc(NULL, size),
			family.reallocarray(NULL, size, 1),
			family.memalign(1, size),
			family.aligned_alloc(2, size),
		};
		for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
			EXPECT(is_aligned(blocks[i], 16));
			EXPECT(family.usable_size(blocks[i]) >= size);
			family.free(blocks[i]);
		}
	}
}

static void malloc_of_nothing_gives_blocks_of_their_own(void)
{
	enum { N = 1000 };
	static void *blocks[N];
	for (int i = 0; i < N; i++) {
		blocks[i] = i % 2 ? family.malloc(0) : family.calloc(0, 8);
		EXPECT(blocks[i] != NULL);
		for (int j = 0; j < i; j++)
			EXPECT(blocks[i] != blocks[j]);
	}
	for (int i = 0; i < N; i++)
		family.free(blocks[i]);
}

static void realloc_to_nothing_frees(void)
{
	for (size_t size = 1; size < (size_t)8 << 20; size *= 3) {
		errno = 1234;
		EXPECT(family.realloc(family.malloc(size), 0) == NULL);
		EXPECT(family.reallocarray(family.malloc(size), 0, 9) == NULL);
		EXPECT(family.reallocarray(family.malloc(size), 9, 0) == NULL);
		EXPECT(errno == 1234);
	}
	struct mallinfo2 before = mallinfo2();
	for (int i = 0; i < 10000; i++)
		EXPECT(family.realloc(family.malloc(1000), 0) == NULL);
	EXPECT(mallinfo2().uordblks < before.uordblks + 100000);
}

static void all_of_the_usable_size_is_usable(void)
{
	for (size_t size = 0; size < (size_t)3 << 20; size = next_size(size)) {
		unsigned char *before = family.malloc(size);
		unsigned char *block = family.malloc(size);
		unsigned char *after = family.malloc(size);
		size_t usable = family.usable_size(block);
		EXPECT(usable >= size);
		memset(before, 1, family.usable_size(before));
		memset(after, 2, family.usable_size(after));
		pattern_fill(block, usable, size);
		EXPECT(family.usable_size(block) == usable);
		family.free(before);
		EXPECT(family.usable_size(block) == usable);
		memset(after, 3, family.usable_size(after));
		EXPECT(pattern_holds(block, usable, size));
		family.free(after);
		EXPECT(family.usable_size(block) == usable);
		family.free(block);
	}
	EXPECT(family.usable_size(NULL) == 0);
}

static void page_functions_give_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t size = 0; size < 20 * page; size += 1 + page / 3) {
		void *block = family.valloc(size);
		EXPECT(is_aligned(block, page));
		family.free(block);
		block = family.pvalloc(size);
		EXPECT(is_aligned(block, page));
		EXPECT(family.usable_size(block) >=
		       (size + page - 1) / page * page);
		family.free(block);
	}
}

static void sized_frees_take_the_size_asked_for(void)
{
	for (size_t size = 0; size < (size_t)3 << 20; size = next_size(size)) {
		family.free_sized(family.malloc(size), size);
		family.free_sized(family.calloc(2, size), 2 * size);
		family.free_sized(family.realloc(family.malloc(7), size + 1),
				  size + 1);
		for (size_t to = 8; to <= 65536; to *= 8)
			family.free_aligned_sized(
				family.aligned_alloc(to, size), to, size);
	}
	family.free_sized(NULL, 0);
	family.free_sized(NULL, 100);
	family.free_aligned_sized(NULL, 64, 100);
}

/* cfree is only in old programs, which were linked with an older libc. */
static void cfree_frees(void)
{
	void (*cfree)(void *);
	*(void **)&cfree = family_symbol(RTLD_DEFAULT, "", "cfree");
	cfree(NULL);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < 10000; i++)
		cfree(malloc(1000));
	EXPECT(mallinfo2().uordblks < before + 100000);
}

static void blocks_pass_between_the_names(void)
{
	struct family other = family_named("tarn_");
	other.free(family.malloc(100));
	family.free(other.malloc(100000));
	family.free(other.realloc(family.malloc(10), 1 << 20));
	void *block = other.aligned_alloc(4096, 5);
	EXPECT(family.usable_size(block) == other.usable_size(block));
	family.free(block);
}

int main(void)
{
	static const char *const prefixes[] = {"", "tarn_"};
	expect_tarn();
	for (int i = 0; i < 2; i++) {
		family = family_named(prefixes[i]);
		every_block_is_aligned_to_16_bytes();
		malloc_of_nothing_gives_blocks_of_their_own();
		realloc_to_nothing_frees();
		all_of_the_usable_size_is_usable();
		page_functions_give_pages();
		sized_frees_take_the_size_asked_for();
	}
	cfree_frees();
	blocks_pass_between_the_names();
	family.free(NULL);
	return expect_status();
}
