/*
 * system: clocks, masks of signals; and the symbols of objects in memory.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "os/symbols.h"
#include "os/system.h"

static uint64_t libc_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void expect_right_clock(void)
{
	uint64_t before = libc_ms(CLOCK_MONOTONIC_COARSE);
	uint64_t now = os_now_ms();
	cr_assert(before <= now);
	cr_assert(now <= libc_ms(CLOCK_MONOTONIC_COARSE));
	before = libc_ms(CLOCK_MONOTONIC);
	now = os_now_ns() / 1000000;
	cr_assert(before <= now);
	cr_assert(now <= libc_ms(CLOCK_MONOTONIC));
}

Test(system, the_clock_is_right_before_the_start_and_after)
{
	expect_right_clock();
	os_start();
	expect_right_clock();
}

Test(system, the_kernels_clock_is_found)
{
	struct os_symbols symbols;
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
	if (vdso == 0)
		cr_skip("no vDSO");
	cr_assert(os_symbols_open_image(&symbols, vdso));
#if defined(__x86_64__)
	cr_assert(os_symbols_find(&symbols, "__vdso_clock_gettime") > vdso);
#else
	cr_assert(os_symbols_find(&symbols, "__kernel_clock_gettime") > vdso);
#endif
	cr_assert(os_symbols_find(&symbols, "no such thing") == 0);
}

static struct os_symbols symbols_of(const void *address)
{
	struct os_symbols symbols;
	struct link_map *object;
	Dl_info info;
	cr_assert(dladdr1(address, &info, (void **)&object, RTLD_DL_LINKMAP));
	cr_assert(os_symbols_open(&symbols, object->l_addr, object->l_ld));
	return symbols;
}

Test(system, symbols_of_a_library_are_those_that_the_linker_finds)
{
	void *function = dlsym(RTLD_DEFAULT, "a64l");
	struct os_symbols symbols = symbols_of(function);
	uintptr_t at = (uintptr_t)function;
	const char *name = os_symbols_name(&symbols, at + 1);
	cr_assert(os_symbols_find(&symbols, "a64l") == at);
	cr_assert(name != NULL && strcmp(name, "a64l") == 0);
	cr_assert(os_symbols_name(&symbols, symbols.bias) == NULL);
}

Test(system, what_is_no_object_has_no_symbols)
{
	static const _Alignas(8) char noise[4096] = "no object";
	struct os_symbols symbols;
	cr_assert(!os_symbols_open_image(&symbols, (uintptr_t)noise));
}

static volatile sig_atomic_t n_signals;

static void count(int signal_number)
{
	(void)signal_number;
	n_signals++;
}

Test(system, signals_wait_while_they_are_blocked)
{
	signal(SIGUSR1, count);
	uint64_t mask = os_block_signals();
	pthread_kill(pthread_self(), SIGUSR1);
	cr_assert(n_signals == 0);
	os_set_signals(mask);
	cr_assert(n_signals == 1);
}

Test(system, a_process_knows_its_id)
{
	cr_assert(os_process_id() == (uint32_t)getpid());
}
