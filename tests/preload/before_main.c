/*
 * before_main: memory is there before any constructor has run, in
 * .preinit_array, and in constructors of the earliest priority. main then finds
 * all of it unharmed.
 */
#include "expect.h"

#include <malloc.h>

#include "pattern.h"
#include "process.h"

enum { N_PLACES = 2, N_BLOCKS = 40 };

struct place {
	char *blocks[N_BLOCKS];
};

/* By where they were filled: in .preinit_array, in a constructor. */
static struct place places[N_PLACES];

static size_t size_of(int i)
{
	return (size_t)1 << i / 2;
}

static void fill(int where)
{
	for (int i = 0; i < N_BLOCKS; i++) {
		char *block =
			i % 2 ? malloc(size_of(i)) : calloc(1, size_of(i));
		free(malloc(size_of(i)));
		block = realloc(block, size_of(i) + 1);
		pattern_fill(block, size_of(i), (size_t)where);
		places[where].blocks[i] = block;
	}
}

static void before_constructors(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	(void)environment;
	fill(0);
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(
	int, char **, char **) = before_constructors;

__attribute__((constructor(101))) static void first_constructor(void)
{
	fill(1);
}

int main(void)
{
	expect_tarn();
	for (int where = 0; where < N_PLACES; where++)
		for (int i = 0; i < N_BLOCKS; i++) {
			char *block = places[where].blocks[i];
			if (!EXPECT(block != NULL))
				continue;
			EXPECT(pattern_holds(block, size_of(i), (size_t)where));
			free(block);
		}
	return expect_status();
}
