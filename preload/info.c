/*
 * info: glibc's functions that tell of the heap or tune it.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "api/control.h"
#include "tarn.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int malloc_trim(size_t pad)
{
	(void)pad;
	return tarn_purge() > 0;
}

EXPORTED void malloc_stats(void)
{
	tarn_stats_print(STDERR_FILENO, TARN_TEXT);
}

EXPORTED int malloc_info(int options, FILE *stream)
{
	char buffer[CONTROL_STATS_BYTES];
	if (options != 0)
		return EINVAL; /* as glibc does, whatever its manual says */
	size_t length = control_format_xml(buffer, sizeof(buffer));
	return fwrite(buffer, 1, length, stream) == length ? 0 : -1;
}

/*
 * What glibc calls the arena is what pools hold; blocks with mappings of their
 * own are large blocks.
 */
EXPORTED struct mallinfo2 mallinfo2(void)
{
	struct tarn_stats s;
	control_stats_counts(&s);
	size_t held = s.free_bytes + s.magazine_bytes + s.cached_bytes;
	return (struct mallinfo2){
		.arena = s.live_bytes + s.rounding_bytes + held,
		.ordblks = s.pools,
		.hblks = s.large_blocks,
		.hblkhd = s.large_bytes,
		.uordblks = s.live_bytes + s.rounding_bytes,
		.fordblks = held,
		.keepcost = s.cached_bytes,
	};
}

static int clamp(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

/* The old struct of ints says INT_MAX where it cannot say more. */
EXPORTED struct mallinfo mallinfo(void)
{
	struct mallinfo2 info = mallinfo2();
	return (struct mallinfo){
		.arena = clamp(info.arena),
		.ordblks = clamp(info.ordblks),
		.hblks = clamp(info.hblks),
		.hblkhd = clamp(info.hblkhd),
		.uordblks = clamp(info.uordblks),
		.fordblks = clamp(info.fordblks),
		.keepcost = clamp(info.keepcost),
	};
}

/* The parameters tune another design; programs that set them are told yes. */
EXPORTED int mallopt(int parameter, int value)
{
	(void)value;
	switch (parameter) {
	case M_MXFAST:
	case M_TRIM_THRESHOLD:
	case M_TOP_PAD:
	case M_MMAP_THRESHOLD:
	case M_MMAP_MAX:
	case M_CHECK_ACTION:
	case M_PERTURB:
	case M_ARENA_TEST:
	case M_ARENA_MAX:
		return 1;
	default:
		return 0;
	}
}
