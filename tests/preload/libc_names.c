/*
 * libc_names: programs and tools that stand before malloc call libc's by its
 * other names. Blocks pass between these and the usual ones.
 */
#include "family.h"

#include "pattern.h"

static struct family family;

static void *(*libc_malloc)(size_t size);
static void *(*libc_calloc)(size_t n, size_t size);
static void *(*libc_realloc)(void *block, size_t size);
static void *(*libc_memalign)(size_t alignment, size_t size);
static void *(*libc_valloc)(size_t size);
static void *(*libc_pvalloc)(size_t size);
static void (*libc_free)(void *block);

static void look_up(void)
{
	const char *prefix = "__libc_";
	*(void **)&libc_malloc = family_symbol(RTLD_DEFAULT, prefix, "malloc");
	*(void **)&libc_calloc = family_symbol(RTLD_DEFAULT, prefix, "calloc");
	*(void **)&libc_realloc =
		family_symbol(RTLD_DEFAULT, prefix, "realloc");
	*(void **)&libc_memalign =
		family_symbol(RTLD_DEFAULT, prefix, "memalign");
	*(void **)&libc_valloc = family_symbol(RTLD_DEFAULT, prefix, "valloc");
	*(void **)&libc_pvalloc =
		family_symbol(RTLD_DEFAULT, prefix, "pvalloc");
	*(void **)&libc_free = family_symbol(RTLD_DEFAULT, prefix, "free");
}

static void passes(void *block, size_t size)
{
	if (!EXPECT(block != NULL))
		return;
	EXPECT(family.usable_size(block) >= size);
	pattern_fill(block, size, size);
	block = family.realloc(block, size + 1000);
	EXPECT(pattern_holds(block, size, size));
	block = libc_realloc(block, size);
	EXPECT(pattern_holds(block, size, size));
	if (size % 2 == 0)
		family.free(block);
	else
		libc_free(block);
}

int main(void)
{
	expect_tarn();
	family = family_named("");
	look_up();
	for (size_t size = 1; size < (size_t)1 << 20; size = size * 2 + 1) {
		for (size_t more = 0; more < 2; more++) {
			size_t n = size + more;
			passes(libc_malloc(n), n);
			passes(libc_calloc(1, n), n);
			passes(libc_memalign(256, n), n);
			passes(libc_valloc(n), n);
			passes(libc_pvalloc(n), n);
			passes(family.malloc(n), n);
		}
	}
	return expect_status();
}
