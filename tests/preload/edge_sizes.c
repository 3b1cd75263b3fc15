/*
 * edge_sizes: sizes at both ends, by every function that takes one. What cannot
 * be had is refused, and changes nothing; what is next to nothing is a block.
 * options.sh runs this with every option that adds something to a size.
 */
#include "family.h"

#include "pattern.h"

enum { AROUND = 64 };

typedef void *nothrow_new(size_t size, const void *tag);
typedef void *nothrow_aligned_new(size_t size, size_t alignment,
				  const void *tag);

static struct family family;
static nothrow_new *new_one, *new_array;
static nothrow_aligned_new *new_aligned, *new_aligned_array;

#define EXPECT_ENOMEM(call)                                                    \
	(errno = 0, EXPECT((call) == NULL), EXPECT(errno == ENOMEM))

static void is_refused_aligned(size_t size)
{
	for (int log = 0; log < 62; log += 3) {
		size_t alignment = (size_t)1 << log;
		void *out = &family;
		EXPECT_ENOMEM(family.memalign(alignment, size));
		EXPECT_ENOMEM(family.aligned_alloc(alignment, size));
		EXPECT(new_aligned(size, alignment, NULL) == NULL);
		EXPECT(new_aligned_array(size, alignment, NULL) == NULL);
		if (alignment >= sizeof(void *))
			EXPECT(family.posix_memalign(&out, alignment, size) ==
			       ENOMEM);
		EXPECT(out == &family);
	}
}

static void is_refused(size_t size)
{
	EXPECT_ENOMEM(family.malloc(size));
	EXPECT_ENOMEM(family.calloc(1, size));
	EXPECT_ENOMEM(family.calloc(size, 1));
	EXPECT_ENOMEM(family.realloc(NULL, size));
	EXPECT_ENOMEM(family.reallocarray(NULL, size, 1));
	EXPECT_ENOMEM(family.valloc(size));
	EXPECT_ENOMEM(family.pvalloc(size));
	EXPECT(new_one(size, NULL) == NULL);
	EXPECT(new_array(size, NULL) == NULL);
}

static void leaves_the_block(size_t size)
{
	static const size_t old_sizes[] = {1, 1000, 32768, 100000};
	for (size_t i = 0; i < sizeof(old_sizes) / sizeof(*old_sizes); i++) {
		void *block = family.malloc(old_sizes[i]);
		if (!EXPECT(block != NULL))
			continue;
		pattern_fill(block, old_sizes[i], i);
		EXPECT_ENOMEM(family.realloc(block, size));
		EXPECT_ENOMEM(family.reallocarray(block, 1, size));
		EXPECT(pattern_holds(block, old_sizes[i], i));
		family.free(block);
	}
}

static void is_a_block(void *block, size_t size)
{
	if (!EXPECT(block != NULL))
		return;
	EXPECT(family.usable_size(block) >= size);
	pattern_fill(block, size, size);
	EXPECT(pattern_holds(block, size, size));
	family.free(block);
}

static void is_given(size_t size)
{
	void *out = NULL;
	is_a_block(family.malloc(size), size);
	is_a_block(family.calloc(1, size), size);
	is_a_block(family.calloc(size, 1), size);
	is_a_block(family.realloc(NULL, size), size);
	is_a_block(family.reallocarray(NULL, size, 1), size);
	is_a_block(family.valloc(size), size);
	is_a_block(family.pvalloc(size), size);
	is_a_block(new_one(size, NULL), size);
	is_a_block(new_array(size, NULL), size);
	for (int log = 0; log < 24; log++) {
		size_t alignment = (size_t)1 << log;
		is_a_block(family.memalign(alignment, size), size);
		is_a_block(family.aligned_alloc(alignment, size), size);
		is_a_block(new_aligned(size, alignment, NULL), size);
		is_a_block(new_aligned_array(size, alignment, NULL), size);
		if (alignment < sizeof(void *))
			continue;
		EXPECT(family.posix_memalign(&out, alignment, size) == 0);
		is_a_block(out, size);
	}
}

static void walk_all(void)
{
	static const size_t beyond[] = {
		SIZE_MAX,
		SIZE_MAX - 4096,
		SIZE_MAX - 32768,
		SIZE_MAX - 65536,
		(size_t)PTRDIFF_MAX + AROUND + 1,
	};
	for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond); i++)
		for (size_t less = 0; less <= AROUND; less++) {
			is_refused(beyond[i] - less);
			leaves_the_block(beyond[i] - less);
			if (less % 8 < 2)
				is_refused_aligned(beyond[i] - less);
		}
	for (size_t less = 0; less <= AROUND; less++) {
		is_refused(PTRDIFF_MAX - less);
		if (less % 8 < 2)
			is_refused_aligned(PTRDIFF_MAX - less);
	}
	for (size_t size = 0; size <= AROUND; size++)
		is_given(size);
}

int main(void)
{
	expect_tarn();
	*(void **)&new_one = dlsym(RTLD_DEFAULT, "_ZnwmRKSt9nothrow_t");
	*(void **)&new_array = dlsym(RTLD_DEFAULT, "_ZnamRKSt9nothrow_t");
	*(void **)&new_aligned =
		dlsym(RTLD_DEFAULT, "_ZnwmSt11align_val_tRKSt9nothrow_t");
	*(void **)&new_aligned_array =
		dlsym(RTLD_DEFAULT, "_ZnamSt11align_val_tRKSt9nothrow_t");
	family = family_named("");
	walk_all();
	family = family_named("tarn_");
	walk_all();
	return expect_status();
}
