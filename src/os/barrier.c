/*
 * barrier: membarrier(2).
 */
#include "os/barrier.h"

#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <sys/syscall.h>

#include "base/atomic.h"
#include "base/syscall.h"

/* Atomic, relaxed: rarely written. */
static bool is_prepared;

static long membarrier(int command)
{
	return os_syscall(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

void os_barrier_prepare(void)
{
	store_relaxed(&is_prepared,
		      membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) ==
			      0);
}

bool os_barrier_is_possible(void)
{
	return load_relaxed(&is_prepared) &&
	       os_syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0, 0) == 0;
}

bool os_barrier(void)
{
	return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}
