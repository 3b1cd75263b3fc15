/*
 * locked_memory: under mlockall the kernel refuses to give pages back. Memory
 * is reused all the same, and calloc's is zero.
 */
#include "expect.h"

#include <malloc.h>
#include <sys/mman.h>

#include "pattern.h"
#include "process.h"

static void reuse(size_t size)
{
	char *block = malloc(size);
	if (!EXPECT(block != NULL))
		return;
	memset(block, 0xa5, size);
	free(block);
	malloc_trim(0);
	block = calloc(1, size);
	EXPECT(pattern_is_zero(block, size));
	memset(block, 0x5a, size);
	block = realloc(block, size * 2);
	EXPECT(block != NULL && block[0] == 0x5a && block[size - 1] == 0x5a);
	block = realloc(block, size / 2 + 1);
	EXPECT(block != NULL && block[0] == 0x5a);
	free(block);
}

static void run(void)
{
	for (int round = 0; round < 3; round++)
		for (size_t size = 16; size <= 32 * MIB; size *= 2)
			reuse(size);
}

int main(void)
{
	expect_tarn();
	run();
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		expect_skip("mlockall is not permitted");
	run();
	size_t resident = process_resident_bytes();
	run();
	EXPECT(process_resident_bytes() < resident + 16 * MIB);
	EXPECT(munlockall() == 0);
	malloc_trim(0);
	EXPECT(process_resident_bytes() < resident);
	run();
	return expect_status();
}
