/*
 * info: mallinfo, mallinfo2, malloc_info, malloc_stats, malloc_trim and mallopt
 * speak of the program's own blocks.
 */
#include "expect.h"

#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>

#include "process.h"

enum { N_SMALL = 20000, SMALL = 100, N_LARGE = 20 };
#define LARGE (3 * MIB)
#define SMALL_BYTES ((size_t)N_SMALL * SMALL)
#define LARGE_BYTES ((size_t)N_LARGE * LARGE)

static char *small[N_SMALL], *large[N_LARGE];

static void allocate_all(void)
{
	for (int i = 0; i < N_SMALL; i++)
		small[i] = memset(malloc(SMALL), 1, SMALL);
	for (int i = 0; i < N_LARGE; i++)
		large[i] = memset(malloc(LARGE), 1, LARGE);
}

static void free_all(void)
{
	for (int i = 0; i < N_SMALL; i++)
		free(small[i]);
	for (int i = 0; i < N_LARGE; i++)
		free(large[i]);
}

/* A little more than asked for: sizes are rounded up. */
static int is_about(size_t bytes, size_t asked)
{
	return bytes >= asked && bytes <= asked + asked / 4 + 65536;
}

static void mallinfo2_counts_blocks(void)
{
	struct mallinfo2 before = mallinfo2();
	allocate_all();
	struct mallinfo2 full = mallinfo2();
	EXPECT(is_about(full.uordblks - before.uordblks,
			SMALL_BYTES + LARGE_BYTES));
	EXPECT(full.hblks - before.hblks == N_LARGE);
	EXPECT(is_about(full.hblkhd - before.hblkhd, LARGE_BYTES));
	EXPECT(full.arena >= SMALL_BYTES);
	free_all();
	struct mallinfo2 after = mallinfo2();
	EXPECT(after.uordblks < before.uordblks + 65536);
	EXPECT(after.hblks == before.hblks && after.hblkhd == before.hblkhd);
}

/* Its fields are ints, and tell the same where the numbers fit. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void mallinfo_counts_blocks(void)
{
	allocate_all();
	struct mallinfo2 wide = mallinfo2();
	struct mallinfo narrow = mallinfo();
	EXPECT((size_t)narrow.uordblks == wide.uordblks);
	EXPECT((size_t)narrow.arena == wide.arena);
	EXPECT((size_t)narrow.hblks == wide.hblks);
	EXPECT((size_t)narrow.hblkhd == wide.hblkhd);
	free_all();
}

static void malloc_info_prints_xml(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	EXPECT(malloc_info(0, stream) == 0);
	fclose(stream);
	EXPECT(strncmp(text, "<malloc version=\"1\">", 20) == 0);
	EXPECT(size > 10 && strcmp(text + size - 10, "</malloc>\n") == 0);
	free(text);
	EXPECT(malloc_info(1, stdout) == EINVAL);
}

static void malloc_stats_prints_to_stderr(void)
{
	static char text[16384];
	int memory = memfd_create("stderr", 0), saved = dup(STDERR_FILENO);
	if (!EXPECT(memory >= 0 && saved >= 0))
		return;
	dup2(memory, STDERR_FILENO);
	malloc_stats();
	dup2(saved, STDERR_FILENO);
	EXPECT(pread(memory, text, sizeof(text) - 1, 0) > 100);
	EXPECT(strncmp(text, "tarn 0.1.0: ", 12) == 0);
	size_t lines = 0;
	for (char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	EXPECT(lines < 25);
	close(memory);
	close(saved);
}

static void malloc_trim_gives_back_what_is_free(void)
{
	allocate_all();
	free_all();
	EXPECT(malloc_trim(0) == 1);
	EXPECT(malloc_trim(0) == 0);
}

static void mallopt_knows_the_parameters_of_libc(void)
{
	static const int known[] = {
		M_MXFAST,	  M_TRIM_THRESHOLD, M_TOP_PAD,
		M_MMAP_THRESHOLD, M_MMAP_MAX,	    M_CHECK_ACTION,
		M_PERTURB,	  M_ARENA_TEST,	    M_ARENA_MAX};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		EXPECT(mallopt(known[i], 8) == 1);
	EXPECT(mallopt(12345, 1) == 0);
}

int main(void)
{
	expect_tarn();
	mallinfo2_counts_blocks();
	mallinfo_counts_blocks();
	malloc_info_prints_xml();
	malloc_stats_prints_to_stderr();
	malloc_trim_gives_back_what_is_free();
	mallopt_knows_the_parameters_of_libc();
	return expect_status();
}
