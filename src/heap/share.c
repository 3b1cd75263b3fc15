/*
 * share: divided by how many heaps there are.
 */
#include "heap/share.h"

#include "base/arith.h"
#include "base/atomic.h"
#include "conf/conf.h"

/* What conf.magazine_bytes says for one thread, so many threads may have. */
#define FULL_SHARES 3

#define STEPS_BYTES ((size_t)8 << 20) /* of all heaps together */
#define STEP_BYTES_MAX ((size_t)256 << 10)
#define STEP_BYTES_MIN ((size_t)16 << 10)

#define REMOTE_BYTES ((size_t)16 << 20) /* of all heaps together */
#define REMOTE_BYTES_MAX ((size_t)8 << 20)

/* Atomic, relaxed; rarely written. */
static struct {
	size_t n_heaps;
	size_t n_sharing; /* a share is one of so many */
	size_t step_bytes;
	size_t remote_bytes;
} known CACHE_ALIGNED = {1, 1, STEP_BYTES_MAX, REMOTE_BYTES_MAX};

void share_note_heaps(uint32_t n)
{
	uint32_t n_heaps = n == 0 ? 1 : n;
	size_t step = min_size(STEPS_BYTES / n_heaps, STEP_BYTES_MAX);
	size_t remote = min_size(REMOTE_BYTES / n_heaps, REMOTE_BYTES_MAX);
	store_relaxed(&known.n_heaps, n_heaps);
	store_relaxed(&known.n_sharing, divide_up(n_heaps, FULL_SHARES));
	store_relaxed(&known.step_bytes, max_size(step, STEP_BYTES_MIN));
	store_relaxed(&known.remote_bytes,
		      max_size(remote, SHARE_REMOTE_BYTES_MIN));
}

size_t share_bytes(void)
{
	size_t n = load_relaxed(&known.n_sharing);
	return n == 1 ? conf.magazine_bytes : conf.magazine_bytes / n;
}

size_t share_all_bytes(void)
{
	return conf.magazine_bytes *
	       min_size(load_relaxed(&known.n_heaps), FULL_SHARES);
}

size_t share_step_bytes(void)
{
	return load_relaxed(&known.step_bytes);
}

size_t share_remote_bytes(void)
{
	return load_relaxed(&known.remote_bytes);
}
