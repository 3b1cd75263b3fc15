/*
 * errors: what cannot be had gives NULL and ENOMEM (or the code), changes
 * nothing else, and success and free leave errno alone.
 */
#include "family.h"

#include <malloc.h>
#include <sys/mman.h>

#include "pattern.h"

static struct family family;

static const size_t too_much[] = {
	SIZE_MAX,
	SIZE_MAX - 15,
	SIZE_MAX - 4096,
	SIZE_MAX / 2 + 1,
	(size_t)PTRDIFF_MAX + 1,
	PTRDIFF_MAX,
	PTRDIFF_MAX - 65536,
	(size_t)1 << 62,
	(size_t)1 << 48,
	(size_t)1 << 47,
};

/* NULL, and errno says that there is no memory; sets errno to 0 again. */
#define EXPECT_ENOMEM(call)                                                    \
	(errno = 0, EXPECT((call) == NULL), EXPECT(errno == ENOMEM), errno = 0)

#define EXPECT_EINVAL(call)                                                    \
	(errno = 0, EXPECT((call) == NULL), EXPECT(errno == EINVAL), errno = 0)

static void too_much_is_refused(size_t size)
{
	EXPECT_ENOMEM(family.malloc(size));
	EXPECT_ENOMEM(family.calloc(1, size));
	EXPECT_ENOMEM(family.calloc(size, 1));
	EXPECT_ENOMEM(family.realloc(NULL, size));
	EXPECT_ENOMEM(family.reallocarray(NULL, 1, size));
	EXPECT_ENOMEM(family.valloc(size));
	EXPECT_ENOMEM(family.pvalloc(size));
	for (size_t alignment = 8; alignment <= 1 << 22; alignment *= 8) {
		EXPECT_ENOMEM(family.memalign(alignment, size));
		EXPECT_ENOMEM(family.aligned_alloc(alignment, size));
	}
}

static void products_that_overflow_are_refused(void)
{
	static const size_t factors[][2] = {
		{SIZE_MAX, 2},
		{2, SIZE_MAX},
		{(size_t)1 << 32, (size_t)1 << 32},
		{((size_t)1 << 32) + 1, (size_t)1 << 32},
		{SIZE_MAX / 16 + 2, 16},
		{(size_t)1 << 33, (size_t)1 << 31},
		{SIZE_MAX, SIZE_MAX},
		{PTRDIFF_MAX, 3},
	};
	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++) {
		size_t n = factors[i][0], size = factors[i][1];
		EXPECT_ENOMEM(family.calloc(n, size));
		EXPECT_ENOMEM(family.reallocarray(NULL, n, size));
		void *block = family.malloc(100);
		pattern_fill(block, 100, i);
		EXPECT_ENOMEM(family.reallocarray(block, n, size));
		EXPECT(pattern_holds(block, 100, i));
		family.free(block);
	}
}

static void a_failed_realloc_leaves_the_block(void)
{
	static const size_t sizes[] = {1, 100, 5000, 100000, 3 << 20};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void *block = family.malloc(sizes[i]);
		size_t usable = family.usable_size(block);
		pattern_fill(block, sizes[i], i);
		for (size_t j = 0; j < sizeof(too_much) / sizeof(*too_much);
		     j++) {
			EXPECT_ENOMEM(family.realloc(block, too_much[j]));
			EXPECT_ENOMEM(
				family.reallocarray(block, 1, too_much[j]));
		}
		EXPECT(family.usable_size(block) == usable);
		EXPECT(pattern_holds(block, sizes[i], i));
		family.free(block);
	}
}

static void posix_memalign_returns_its_code(void)
{
	static const size_t bad[] = {0, 1, 2, 4, 12, 24, 48, SIZE_MAX, 65535};
	void *const untouched = &family;
	void *out = untouched;
	errno = 1234;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT(family.posix_memalign(&out, bad[i], 64) == EINVAL);
	for (size_t i = 0; i < sizeof(too_much) / sizeof(*too_much); i++)
		for (size_t to = 8; to <= (size_t)1 << 30; to *= 2)
			EXPECT(family.posix_memalign(&out, to, too_much[i]) ==
			       ENOMEM);
	EXPECT(out == untouched);
	for (size_t to = 8; to <= (size_t)1 << 24; to *= 2) {
		EXPECT(family.posix_memalign(&out, to, 100) == 0);
		family.free(out);
	}
	EXPECT(errno == 1234);
}

static void alignments_that_are_none_are_refused(void)
{
	EXPECT_EINVAL(family.aligned_alloc(0, 64));
	EXPECT_EINVAL(family.aligned_alloc(3, 64));
	EXPECT_EINVAL(family.aligned_alloc(24, 64));
	EXPECT_EINVAL(family.aligned_alloc(SIZE_MAX, 64));
	EXPECT_EINVAL(family.memalign(SIZE_MAX, 64));
	EXPECT_EINVAL(family.memalign(SIZE_MAX / 2 + 2, 64));
	EXPECT_ENOMEM(family.aligned_alloc(SIZE_MAX / 2 + 1, 64));
	EXPECT_ENOMEM(family.memalign((size_t)1 << 61, 64));
	/* memalign takes the next power of two instead. */
	void *block = family.memalign(24, 64);
	EXPECT(block != NULL && (uintptr_t)block % 32 == 0);
	family.free(block);
	block = family.memalign(5000, 64);
	EXPECT(block != NULL && (uintptr_t)block % 8192 == 0);
	family.free(block);
	block = family.memalign(0, 64);
	EXPECT(block != NULL);
	family.free(block);
}

static void success_leaves_errno_alone(void)
{
	errno = 1234;
	for (size_t size = 0; size < (size_t)300 << 20; size = size * 3 + 1) {
		void *blocks[] = {
			family.malloc(size),
			family.calloc(3, size / 3),
			family.realloc(family.malloc(size / 2 + 1), size + 1),
			family.reallocarray(family.malloc(size + 9), 1,
					    size / 2 + 1),
			family.memalign(4096, size),
			family.aligned_alloc((size_t)4 << 20, size),
			family.valloc(size),
			family.pvalloc(size),
		};
		for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
			EXPECT(blocks[i] != NULL && errno == 1234);
			family.usable_size(blocks[i]);
			family.free(blocks[i]);
			EXPECT(errno == 1234);
		}
	}
	malloc_trim(0);
	EXPECT(errno == 1234);
}

/* The kernel refuses to purge or unmap locked pages, in several ways. */
static void free_leaves_errno_alone(void)
{
	for (size_t size = 16; size < (size_t)64 << 20; size *= 4) {
		char *block = family.malloc(size);
		mlock(block, size);
		errno = 1234;
		family.free(block);
		EXPECT(errno == 1234);
	}
	errno = 1234;
	family.free(NULL);
	family.free_sized(family.malloc(5), 5);
	family.free_aligned_sized(family.aligned_alloc(64, 64), 64, 64);
	EXPECT(errno == 1234);
}

int main(void)
{
	static const char *const prefixes[] = {"", "tarn_"};
	expect_tarn();
	for (int i = 0; i < 2; i++) {
		family = family_named(prefixes[i]);
		for (size_t j = 0; j < sizeof(too_much) / sizeof(*too_much);
		     j++)
			too_much_is_refused(too_much[j]);
		products_that_overflow_are_refused();
		a_failed_realloc_leaves_the_block();
		posix_memalign_returns_its_code();
		alignments_that_are_none_are_refused();
		success_leaves_errno_alone();
		free_leaves_errno_alone();
	}
	return expect_status();
}
