/*
 * own_malloc: a program that defines the four functions of which libc's manual
 * says that they are enough. What libc and C++ build on them is built on the
 * program's; its free sees no block that it has not given out.
 */
#include "expect.h"

#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

enum { ROOM = 1 << 20, ALIGNMENT = 16 };

static _Alignas(ALIGNMENT) char room[ROOM];
static size_t used;
static int n_live;

EXPORTED void *malloc(size_t size)
{
	size_t *block = (size_t *)(room + used);
	size_t bytes = (size + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (size > ROOM || used + bytes > ROOM)
		return NULL;
	used += bytes;
	n_live++;
	block[0] = size;
	return (char *)block + ALIGNMENT;
}

static int is_mine(const void *block)
{
	const char *at = block;
	return at >= room && at < room + ROOM;
}

EXPORTED void free(void *block)
{
	if (block == NULL)
		return;
	EXPECT(is_mine(block));
	n_live--;
}

EXPORTED void *calloc(size_t n, size_t size)
{
	void *block = malloc(n * size);
	return block == NULL ? NULL : memset(block, 0, n * size);
}

EXPORTED void *realloc(void *old, size_t size)
{
	void *block = malloc(size);
	if (old == NULL || block == NULL)
		return block;
	EXPECT(is_mine(old));
	size_t old_size = *(size_t *)((char *)old - ALIGNMENT);
	memcpy(block, old, old_size < size ? old_size : size);
	free(old);
	return block;
}

static void *symbol(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);
	if (found == NULL) {
		dprintf(STDOUT_FILENO, "there is no %s\n", name);
		_exit(1);
	}
	return found;
}

static void is_the_programs(void *block)
{
	EXPECT(is_mine(block));
}

static void libc_uses_the_programs(void)
{
	char *text = NULL;
	size_t size = 0;
	char *array = reallocarray(malloc(10), 20, 4);
	is_the_programs(array);
	free(array);
	array = strdup("text");
	is_the_programs(array);
	free(array);
	FILE *stream = open_memstream(&text, &size);
	fprintf(stream, "%0500d", 3);
	fclose(stream);
	is_the_programs(text);
	free(text);
}

static void frees_by_other_names(void)
{
	void (*cfree)(void *), (*free_sized)(void *, size_t);
	void (*free_aligned_sized)(void *, size_t, size_t);
	size_t (*usable_size)(void *);
	*(void **)&cfree = symbol("cfree");
	*(void **)&free_sized = symbol("free_sized");
	*(void **)&free_aligned_sized = symbol("free_aligned_sized");
	*(void **)&usable_size = symbol("malloc_usable_size");
	cfree(malloc(10));
	free_sized(malloc(10), 10);
	free_aligned_sized(malloc(10), 16, 10);
	void *block = malloc(10);
	EXPECT(usable_size(block) == 0);
	free(block);
}

static void operators_use_the_programs(void)
{
	void *(*new)(size_t), *(*new_aligned)(size_t, size_t);
	void (*delete)(void *), (*delete_sized)(void *, size_t);
	void (*delete_aligned)(void *, size_t, size_t);
	*(void **)&new = symbol("_Znwm");
	*(void **)&new_aligned = symbol("_ZnwmSt11align_val_t");
	*(void **)&delete = symbol("_ZdlPv");
	*(void **)&delete_sized = symbol("_ZdlPvm");
	*(void **)&delete_aligned = symbol("_ZdlPvmSt11align_val_t");
	for (size_t size = 1; size < 50000; size = size * 3 + 1) {
		void *block = new (size);
		is_the_programs(block);
		delete (block);
		block = new (size);
		delete_sized(block, size);
		free(new (size));
		delete (malloc(size));
		delete_aligned(new_aligned(size, 64), size, 64);
	}
	delete_sized(NULL, 8);
}

/* As those of libc's own heap would be, they are not the program's. */
static void aligned_blocks_are_tarns(void)
{
	void (*libc_free)(void *);
	void *(*libc_malloc)(size_t);
	size_t (*usable_size)(void *);
	*(void **)&libc_free = symbol("__libc_free");
	*(void **)&libc_malloc = symbol("__libc_malloc");
	*(void **)&usable_size = symbol("malloc_usable_size");
	void *blocks[] = {aligned_alloc(64, 640), libc_malloc(640)};
	for (int i = 0; i < 2; i++) {
		if (!EXPECT(blocks[i] != NULL && !is_mine(blocks[i])))
			continue;
		EXPECT(usable_size(blocks[i]) >= 640);
		libc_free(blocks[i]);
	}
}

int main(void)
{
	if (expect_home_of("tarn_version") != expect_home_of("aligned_alloc"))
		expect_tarn();
	int n_before = n_live;
	libc_uses_the_programs();
	frees_by_other_names();
	operators_use_the_programs();
	aligned_blocks_are_tarns();
	EXPECT(n_live == n_before);
	return expect_status();
}
