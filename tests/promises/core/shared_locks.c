/*
 * shared_locks: in its steady state work takes a lock that all threads share
 * once in 32 operations, with blocks beyond 256 KiB once in 8. (34 to 124 KB
 * blocks took two of them in each; with a second thread the throughput of both
 * fell to 0.57.)
 */
#include <stdbool.h>
#include <stdio.h>

#include "base/atomic.h"
#include "conf/conf.h"
#include "locks/traffic.h"
#include "tarn.h"

/*
 * In how many operations a lock may be taken once. What a heap has at hand is
 * bounded in bytes: of larger blocks, and where one thread only takes and
 * another only frees, fewer fit. A block that grows in place takes slices from
 * the arena each time.
 */
static unsigned operations_each(const struct traffic_work *work)
{
	bool is_handed_over = work->kind == TRAFFIC_HANDOVER;
	if (work->kind == TRAFFIC_GROWING)
		return 1;
	if (work->largest > 262144)
		return 8;
	return is_handed_over && work->largest > 65536 ? 16 : 32;
}

static int n_wrong;

static void takes_few_locks(const struct traffic_work *work)
{
	struct traffic traffic = traffic_of(work);
	uint64_t taken = 0;
	for (int i = 0; i < TRAFFIC_LOCKS; i++)
		taken += traffic.taken[i];
	if (taken * operations_each(work) <= traffic.n_operations)
		return;
	n_wrong++;
	printf("%s, %zu blocks of %zu to %zu B, %u threads: one in %.1f "
	       "operations:",
	       work->name, work->n_blocks, work->least, work->largest,
	       work->n_threads, (double)traffic.n_operations / (double)taken);
	for (int i = 0; i < TRAFFIC_LOCKS; i++)
		printf(" %s %llu", traffic_lock_names[i],
		       (unsigned long long)traffic.taken[i]);
	printf("\n");
}

/* With 1, 2 and 8 threads. */
static void with_threads(struct traffic_work work)
{
	for (work.n_threads = 1; work.n_threads <= 8;
	     work.n_threads *= work.n_threads == 1 ? 2 : 4)
		if (work.kind != TRAFFIC_HANDOVER || work.n_threads > 1)
			takes_few_locks(&work);
}

static void of_one_size(size_t size)
{
	size_t n = size <= 1024 ? 1000 : size <= 16384 ? 400 : 25;
	with_threads((struct traffic_work){"table", TRAFFIC_TABLE, 1,
					   size <= 32768 ? 200 : 16, size,
					   size});
	with_threads((struct traffic_work){"bursts", TRAFFIC_BURSTS, 1, n, size,
					   size});
	with_threads((struct traffic_work){"handed over", TRAFFIC_HANDOVER, 1,
					   size <= 32768 ? 64 : 16, size,
					   size});
}

/* On a loaded machine ticks would come between few operations: they give back
 * what was not used since the last. */
enum { DECAY_MS = 3600000 };

int main(void)
{
	static const size_t sizes[] = {
		16,    64,    400,   1024,   4000,   8192,   16384,  32768,
		34000, 40000, 65536, 100000, 131072, 200000, 262144, 524288,
	};
	setvbuf(stdout, NULL, _IOLBF, 0);
	tarn_free(tarn_malloc(1));
	store_relaxed(&conf.decay_ms, DECAY_MS);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		of_one_size(sizes[i]);
	with_threads((struct traffic_work){"table", TRAFFIC_TABLE, 1, 16, 34000,
					   124000});
	with_threads((struct traffic_work){"table", TRAFFIC_TABLE, 1, 16, 16,
					   524288});
	with_threads((struct traffic_work){"handed over", TRAFFIC_HANDOVER, 1,
					   32, 34000, 124000});
	with_threads((struct traffic_work){"growing", TRAFFIC_GROWING, 1, 8,
					   1000, 500000});
	if (n_wrong > 0)
		printf("%d failed\n", n_wrong);
	return n_wrong > 0;
}
