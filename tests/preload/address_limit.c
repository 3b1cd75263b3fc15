/*
 * address_limit: under RLIMIT_AS malloc fails with ENOMEM, service resumes when
 * memory is back, and what was freed in one size serves every other size.
 *
 * The limit is there from the start: the program sets it and starts itself
 * again.
 */
#include "fill.h"

#include <sys/resource.h>

#include "process.h"

#define LIMIT (320 * MIB)

static size_t room;

static void fails_and_resumes(size_t size)
{
	struct filling filling = fill_all(size);
	size_t n = filling.n_blocks;
	for (int i = 0; i < 3; i++)
		EXPECT(!fill_one(&filling, size));
	/* A quarter is given back, and can be had again. */
	fill_free(&filling, n / 4 + 1);
	for (size_t i = 0; i < n / 4; i++)
		if (!EXPECT(fill_one(&filling, size)))
			break;
	fill_free(&filling, n + 1);
}

/* A large block takes slices of 64 KiB of addresses, however few of their pages
 * it needs. */
static size_t addresses_of(size_t size)
{
	enum { SLICE = 65536, POOL_MAX = 32768 };
	return size <= POOL_MAX ? size : (size + SLICE - 1) / SLICE * SLICE;
}

/* At least 85 % of what the first size got, one block more or less. */
static void every_size_gets_the_room(size_t size)
{
	struct filling filling = fill_all(size);
	size_t bytes = addresses_of(size) * (filling.n_blocks + 1);
	if (!EXPECT(bytes >= room / 100 * 85))
		dprintf(STDOUT_FILENO, "%zu-byte blocks: %zu of %zu bytes\n",
			size, bytes, room);
	fill_free(&filling, filling.n_blocks);
}

static void run_under_limit(void)
{
	static const size_t sizes[] = {
		64,
		100 << 10,
		1 << 20,
		(size_t)30 << 20,
		64,
		4000,
		(size_t)30 << 20,
		16,
		1000,
		(size_t)100 << 20,
		40000,
		64,
	};
	enum { N = sizeof(sizes) / sizeof(*sizes) };
	room = LIMIT - process_mapped_bytes();
	EXPECT(room > LIMIT / 2);
	struct filling filling = fill_all(64);
	EXPECT(filling.bytes > room / 2);
	room = filling.bytes;
	fill_free(&filling, filling.n_blocks);
	for (int i = 0; i < N; i++)
		every_size_gets_the_room(sizes[i]);
	for (int i = 0; i < N; i++)
		fails_and_resumes(sizes[i]);
}

int main(int argc, char **argv)
{
	struct rlimit limit = {LIMIT, LIMIT};
	expect_tarn();
	if (argc == 1) {
		EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
		execl("/proc/self/exe", argv[0], "again", NULL);
		EXPECT(!"started again");
		return expect_status();
	}
	run_under_limit();
	return expect_status();
}
