/*
 * locks: prints, for kinds of work, how often each lock that all threads share
 * is taken in a thousand operations. For src/README.md; tarn's alone.
 */
#include <stdio.h>

#include "locks/traffic.h"

#define ALL_THREADS(name, kind, n_blocks, least, largest)                      \
	{name, kind, 1, n_blocks, least, largest},                             \
		{name, kind, 2, n_blocks, least, largest},                     \
	{                                                                      \
		name, kind, 16, n_blocks, least, largest                       \
	}

static const struct traffic_work works[] = {
	ALL_THREADS("table, 16 B to 1 KiB", TRAFFIC_TABLE, 1000, 16, 1024),
	ALL_THREADS("table, 1 to 32 KiB", TRAFFIC_TABLE, 200, 1024, 32768),
	ALL_THREADS("table, 34 to 124 KB", TRAFFIC_TABLE, 16, 34000, 124000),
	ALL_THREADS("table, 128 to 512 KiB", TRAFFIC_TABLE, 16, 131072, 524288),
	ALL_THREADS("bursts, 64 B", TRAFFIC_BURSTS, 1600, 64, 64),
	ALL_THREADS("bursts, 16 KiB", TRAFFIC_BURSTS, 400, 16384, 16384),
	ALL_THREADS("bursts, 40000 B", TRAFFIC_BURSTS, 100, 40000, 40000),
	ALL_THREADS("bursts, 256 KiB", TRAFFIC_BURSTS, 25, 262144, 262144),
	ALL_THREADS("growing to 500 KB", TRAFFIC_GROWING, 8, 1000, 500000),
	{"handed over, 16 B to 1 KiB", TRAFFIC_HANDOVER, 2, 256, 16, 1024},
	{"handed over, 16 B to 1 KiB", TRAFFIC_HANDOVER, 16, 256, 16, 1024},
	{"handed over, 34 to 124 KB", TRAFFIC_HANDOVER, 2, 32, 34000, 124000},
	{"handed over, 34 to 124 KB", TRAFFIC_HANDOVER, 16, 32, 34000, 124000},
};

int main(void)
{
	printf("| work | threads |");
	for (int i = 0; i < TRAFFIC_LOCKS; i++)
		printf(" %s |", traffic_lock_names[i]);
	printf("\n|---|---|---|---|---|---|\n");
	for (size_t k = 0; k < sizeof(works) / sizeof(*works); k++) {
		struct traffic traffic = traffic_of(&works[k]);
		printf("| %s | %u |", works[k].name, works[k].n_threads);
		for (int i = 0; i < TRAFFIC_LOCKS; i++)
			printf(" %.2f |", 1000.0 * (double)traffic.taken[i] /
						  (double)traffic.n_operations);
		printf("\n");
	}
	return 0;
}
