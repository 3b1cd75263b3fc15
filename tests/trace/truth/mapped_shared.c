/*
 * mapped_shared: in a shared mapping of a file, with which the program still
 * gets at the block.
 *
 * expect: nothing
 */
#include "truth.h"

#define MAPPED_BYTES (1 << 16)

static void **volatile mapping;

static void work(void)
{
	char path[] = "/tmp/tarn-truth-XXXXXX";
	int fd = mkstemp(path);
	require(fd >= 0 && unlink(path) == 0);
	require(ftruncate(fd, MAPPED_BYTES) == 0);
	mapping = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, 0);
	require(mapping != MAP_FAILED);
	mapping[100] = new_chain(2);
}

int main(void)
{
	certainly(work);
	return 0;
}
