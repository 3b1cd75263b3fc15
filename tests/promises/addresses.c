/*
 * addresses: what is asked for and never written costs no memory, and about as
 * many addresses as it has bytes. (Blocks of 33 to 64 KiB took twice their
 * size; calloc of 16 KB made all of it resident.)
 */
#include "promise.h"

/* 1.3 times what is asked for, and an arena that is not used up. */
static void takes_few_addresses(size_t size, size_t total)
{
	size_t n = total / size;
	if (promise_is_parent())
		return;
	size_t before = process_mapped_bytes();
	for (size_t i = 0; i < n; i++)
		EXPECT(malloc(size) != NULL);
	size_t mapped = process_mapped_bytes() - before;
	if (!(mapped <= n * size / 10 * 13 + 72 * MIB))
		promise_broken("%zu B: %.2f addresses for each byte\n", size,
			       (double)mapped / (double)(n * size));
	promise_end();
}

/* A page of each, of which N_WRITTEN are written. A quarter may be touched
 * besides, as by headers. */
static void stays_sparse(size_t size, size_t n_written)
{
	size_t n = 128 * MIB / size;
	if (promise_is_parent())
		return;
	size_t before = process_resident_bytes();
	for (size_t i = 0; i < n; i++) {
		char *block = calloc(1, size);
		for (size_t k = 0; k < n_written; k++)
			block[k * PAGE_BYTES] = 1;
	}
	size_t grown = process_resident_bytes() - before;
	size_t written = n * n_written * PAGE_BYTES;
	if (!(grown <= written + n * size / 4 + 4 * MIB))
		promise_broken("calloc(%zu), %zu pages written: %zu of %zu MiB "
			       "resident\n",
			       size, n_written, promise_mib(grown),
			       promise_mib(n * size));
	promise_end();
}

int main(void)
{
	static const size_t sizes[] = {33000, 34000, 40000, 45000,
				       50000, 60000, 65536};
	expect_tarn();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		takes_few_addresses(sizes[i], GIB);
	stays_sparse(16000, 0);
	stays_sparse(16384, 0);
	stays_sparse(16384, 1);
	stays_sparse(24000, 1);
	stays_sparse(32768, 0);
	stays_sparse(40000, 1);
	stays_sparse(100000, 1);
	return expect_status();
}
