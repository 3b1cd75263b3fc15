/*
 * lsan: a program made for LeakSanitizer finds its interface in tarn.
 *
 * What each step leaves behind is certain: it works in a function of its own,
 * and the stack below main() and the registers are cleared after it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

/* <sanitizer/lsan_interface.h>, which not every compiler brings. */
void __lsan_disable(void);
void __lsan_enable(void);
void __lsan_ignore_object(const void *block);
void __lsan_do_leak_check(void);
int __lsan_do_recoverable_leak_check(void);

#pragma weak __lsan_disable
#pragma weak __lsan_enable
#pragma weak __lsan_ignore_object
#pragma weak __lsan_do_leak_check
#pragma weak __lsan_do_recoverable_leak_check

static void *volatile kept;

static void **new_block(size_t bytes)
{
	void **block = calloc(1, bytes);
	EXPECT(block != NULL);
	/* A compiler may leave out what nobody reads. */
	__asm__ volatile("" : "+r"(block) : : "memory");
	return block;
}

static __attribute__((noinline)) void forget(void)
{
	char frame[16384];
	memset(frame, 0, sizeof(frame));
	__asm__ volatile("" : : "r"(frame) : "memory");
}

static __attribute__((noinline)) void certainly(void (*work)(void))
{
	work();
#if defined(__x86_64__)
	__asm__ volatile("" : : : "rbx", "r12", "r13", "r14", "r15");
#endif
}

static int leaks_after(void (*work)(void))
{
	certainly(work);
	forget();
	return __lsan_do_recoverable_leak_check();
}

static __attribute__((noinline)) void keep_one(void)
{
	kept = new_block(100);
}

static __attribute__((noinline)) void ignore_one(void)
{
	void **block = new_block(48);
	*block = new_block(64);
	__lsan_ignore_object(block);
}

static __attribute__((noinline)) void ignore_all(void)
{
	__lsan_disable();
	__lsan_disable();
	for (int i = 0; i < 100; i++)
		*new_block(32) = new_block(100000);
	__lsan_enable();
	*new_block(32) = new_block(40);
	free(new_block(500));
	__lsan_enable();
}

static __attribute__((noinline)) void lose_a_cycle(void)
{
	void **a = new_block(32), **b = new_block(32);
	*a = b;
	*b = a;
}

static __attribute__((noinline)) void do_nothing(void)
{
}

/* The end of a program that calls for a check and has leaks. */
static int status_after_check(int exitcode, void (*work)(void))
{
	char options[64];
	int status;
	pid_t child = fork();
	EXPECT(child >= 0);
	if (child == 0) {
		snprintf(options, sizeof(options), "exitcode=%d:max_leaks=1",
			 exitcode);
		setenv("LSAN_OPTIONS", options, 1);
		certainly(work);
		forget();
		__lsan_do_leak_check();
		_exit(7);
	}
	EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

int main(void)
{
	EXPECT(__lsan_do_leak_check != NULL);
	EXPECT(status_after_check(42, lose_a_cycle) == 42);
	EXPECT(status_after_check(42, do_nothing) == 7);
	EXPECT(leaks_after(keep_one) == 0);
	EXPECT(leaks_after(ignore_one) == 0);
	EXPECT(leaks_after(ignore_all) == 0);
	EXPECT(leaks_after(lose_a_cycle) == 1);
	return expect_status();
}
