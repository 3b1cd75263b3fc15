/*
 * system: clocks, randomness, sizes and names.
 *
 * The clock is the vDSO's, found here and not by libc, whose clock_gettime may
 * be somebody's who tells programs another time (libfaketime), and who may need
 * malloc for it.
 */
#define _GNU_SOURCE
#include "os/system.h"

#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "base/atomic.h"
#include "base/attr.h"
#include "base/syscall.h"
#include "os/symbols.h"

#if defined(__x86_64__)
#define VDSO_CLOCK "__vdso_clock_gettime"
#else
#define VDSO_CLOCK "__kernel_clock_gettime"
#endif

typedef int clock_reader(clockid_t clock, struct timespec *now);

/* Atomic, relaxed: stands alone. NULL: the kernel is asked. */
static clock_reader *vdso_clock;

static struct os_given given;

void os_start(void)
{
	struct os_symbols symbols;
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), at = 0;
	given = (struct os_given){
		.segments = getauxval(AT_PHDR),
		.n_segments = getauxval(AT_PHNUM),
	};
	if (vdso != 0 && os_symbols_open_image(&symbols, vdso))
		at = os_symbols_find(&symbols, VDSO_CLOCK);
	store_relaxed(&vdso_clock, (clock_reader *)at);
}

const struct os_given *os_given(void)
{
	return &given;
}

uint64_t os_now_ms(void)
{
	struct timespec now = {0};
	clock_reader *read_clock = load_relaxed(&vdso_clock);
	if (UNLIKELY(read_clock == NULL) ||
	    read_clock(CLOCK_MONOTONIC_COARSE, &now) != 0)
		os_syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t os_now_ns(void)
{
	struct timespec now = {0};
	os_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Every bit of the result depends on every bit of N (Stafford's variant 13). */
static uint64_t mix(uint64_t n)
{
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

/*
 * Without the kernel's help: where it has put things, the time to the
 * nanosecond and the process. Not its bytes in AT_RANDOM: libc makes of them
 * what guards stacks and pointers, which a base would give away.
 */
static uint64_t guess(void)
{
	static uint64_t n_guesses;
	struct timespec now = {0};
	os_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
	uint64_t value = mix((uintptr_t)__builtin_frame_address(0));
	value = mix(value ^ (uintptr_t)&n_guesses);
	value = mix(value ^ (uintptr_t)&errno);
	value = mix(value ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec);
	value = mix(value ^ (uint64_t)os_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
	return mix(value ^ fetch_add_relaxed(&n_guesses, 1));
}

uint64_t os_random(void)
{
	uint64_t value;
	/* libc's getrandom is a point at which a thread may be cancelled. */
	if (os_syscall(SYS_getrandom, &value, sizeof(value), GRND_NONBLOCK) ==
	    sizeof(value))
		return value;
	return guess();
}

size_t os_physical_bytes(void)
{
	struct sysinfo info;
	if (os_syscall(SYS_sysinfo, &info) != 0)
		return (size_t)1 << 30;
	return (size_t)info.totalram * info.mem_unit;
}

size_t os_address_space_limit(void)
{
	struct rlimit limit;
	if (os_syscall(SYS_prlimit64, 0, RLIMIT_AS, 0, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return (size_t)limit.rlim_cur;
}

uint64_t os_block_signals(void)
{
	uint64_t all = ~UINT64_C(0), before = 0;
	os_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	return before;
}

void os_set_signals(uint64_t mask)
{
	os_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
}

uint32_t os_process_id(void)
{
	return (uint32_t)os_syscall(SYS_getpid);
}

const char *os_program_name(void)
{
	const char *name = program_invocation_short_name;
	return name != NULL && *name != '\0' ? name : "?";
}
