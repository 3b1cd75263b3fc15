/*
 * stack: the return addresses are those that glibc's backtrace() finds, in all
 * kinds of frames.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/attr.h"
#include "watch/stack.h"

/* Frames of unknown size are what is tested. */
#pragma GCC diagnostic ignored "-Wvla"

#define N_FRAMES 128

/* What was found by both, of one place. */
struct both {
	uintptr_t ours[N_FRAMES];
	uintptr_t theirs[N_FRAMES];
	uint32_t n_ours;
	uint32_t n_theirs;
};

static struct both both;
static volatile int sink;

/* backtrace() begins with the function that calls it, or a sanitizer's that
 * calls it for that; we with the caller. */
static NOINLINE void capture_both(void)
{
	void *list[N_FRAMES];
	uint32_t n = (uint32_t)backtrace(list, N_FRAMES);
	uint32_t skipped = 0;
	both.n_ours = stack_capture(both.ours, N_FRAMES);
	while (skipped < 3 && skipped < n &&
	       (uintptr_t)list[skipped] != both.ours[0])
		skipped++;
	both.n_theirs = n - skipped;
	memcpy(both.theirs, list + skipped, both.n_theirs * sizeof(*list));
	sink++;
}

#if defined(__x86_64__) && HAVE_DL_FIND_OBJECT

static void print_both(void)
{
	for (uint32_t i = 0; i < both.n_ours || i < both.n_theirs; i++)
		cr_log_warn("%2u %16lx %16lx", i,
			    i < both.n_ours ? both.ours[i] : 0,
			    i < both.n_theirs ? both.theirs[i] : 0);
}

static void expect_same(uint32_t n_least)
{
	bool is_same = both.n_ours == both.n_theirs &&
		       memcmp(both.ours, both.theirs,
			      both.n_ours * sizeof(*both.ours)) == 0;
	if (!is_same)
		print_both();
	cr_assert(is_same);
	cr_assert_geq(both.n_ours, n_least);
}

/* Not a tail call, so that each has a frame. */
static NOINLINE int nest(int depth, void (*then)(void))
{
	if (depth == 0)
		then();
	else
		nest(depth - 1, then);
	return ++sink;
}

Test(stack, nested_functions_without_frame_pointers)
{
	nest(20, capture_both);
	expect_same(21);
	nest(0, capture_both);
	expect_same(1);
}

Test(stack, no_more_frames_than_there_is_room_for)
{
	uintptr_t frames[4] = {0, 0, 0, 7};
	nest(20, capture_both);
	cr_assert_eq(stack_capture(frames, 3), 3);
	cr_assert_eq(frames[3], 7);
	cr_assert_eq(stack_capture(frames, 0), 0);
}

static NOINLINE void with_variable_array(int n)
{
	volatile char array[n];
	array[n - 1] = 1;
	nest(2, capture_both);
	sink += array[n - 1];
}

static NOINLINE void with_alloca(int n)
{
	volatile char *block = __builtin_alloca((size_t)n);
	block[0] = 1;
	with_variable_array(n);
	sink += block[0];
}

Test(stack, frames_of_variable_size)
{
	for (int n = 1; n < 100000; n *= 7) {
		with_alloca(n);
		expect_same(6);
	}
}

static NOINLINE void with_alignment(int n)
{
	volatile __attribute__((aligned(64))) char line[64];
	volatile char *block = __builtin_alloca((size_t)n);
	block[0] = line[1] = 1;
	with_alloca(n);
	sink += block[0] + line[1];
}

static NOINLINE void with_page_alignment(int n)
{
	volatile __attribute__((aligned(4096))) char page[4096];
	page[n] = 1;
	with_alignment(n);
	sink += page[n];
}

Test(stack, frames_that_are_aligned)
{
	for (int n = 1; n < 2000; n *= 3) {
		with_page_alignment(n);
		expect_same(8);
	}
}

static NOINLINE void with_large_frame(void)
{
	volatile char array[3 << 20];
	array[0] = 1;
	nest(2, capture_both);
	sink += array[0];
}

Test(stack, a_frame_of_megabytes)
{
	with_large_frame();
	expect_same(5);
}

/* --- through others' frames -------------------------------------------- */

static int compare(const void *a, const void *b)
{
	nest(1, capture_both);
	return *(const int *)a - *(const int *)b;
}

static void sort_some(void)
{
	int numbers[] = {3, 1, 2, 5, 4};
	qsort(numbers, 5, sizeof(*numbers), compare);
	sink++;
}

Test(stack, a_callback_of_libc)
{
	nest(3, sort_some);
	expect_same(9);
}

static void handle(int signal)
{
	(void)signal;
	nest(1, capture_both);
}

static void raise_signal(void)
{
	raise(SIGUSR1);
	sink++;
}

Test(stack, a_signal_handler)
{
	signal(SIGUSR1, handle);
	nest(3, raise_signal);
	expect_same(10);
}

/* Writes to address 0 at once. */
__asm__(".text\n"
	".type fault, @function\n"
	"fault:\n"
	".cfi_startproc\n"
	"	movl $0, 0\n"
	"	ret\n"
	".cfi_endproc\n"
	".size fault, . - fault\n");
void fault(void);

static sigjmp_buf after_fault;

static void handle_fault(int signal)
{
	(void)signal;
	nest(1, capture_both);
	siglongjmp(after_fault, 1);
}

/* On a stack of its own; the pc is that of the first instruction. */
static void take_faults_on(void *stack, size_t bytes)
{
	stack_t other = {.ss_sp = stack, .ss_size = bytes};
	struct sigaction action = {.sa_handler = handle_fault,
				   .sa_flags = SA_ONSTACK | SA_NODEFER};
	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

Test(stack, a_fault_in_a_first_instruction_handled_on_another_stack)
{
	static char stack[1 << 16];
	take_faults_on(stack, sizeof(stack));
	if (sigsetjmp(after_fault, 1) == 0)
		nest(3, fault);
	expect_same(8);
	void *heap = malloc(sizeof(stack));
	take_faults_on(heap, sizeof(stack));
	if (sigsetjmp(after_fault, 1) == 0)
		nest(3, fault);
	expect_same(8);
	take_faults_on(stack, sizeof(stack));
	free(heap);
}

static void *run_thread(void *unused)
{
	(void)unused;
	nest(5, capture_both);
	return NULL;
}

Test(stack, a_thread_ends_where_it_began)
{
	pthread_t thread;
	pthread_create(&thread, NULL, run_thread, NULL);
	pthread_join(thread, NULL);
	expect_same(8);
}

static ucontext_t main_context, coroutine;

static void run_coroutine(void)
{
	nest(5, capture_both);
	with_page_alignment(1000);
	sink++;
}

Test(stack, a_coroutine_ends_where_it_began)
{
	static char stack[1 << 17];
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = sizeof(stack);
	coroutine.uc_link = &main_context;
	makecontext(&coroutine, run_coroutine, 0);
	swapcontext(&main_context, &coroutine);
	expect_same(9);
}

typedef void walker(const void *node, VISIT visit, int level);

static void visit_node(const void *node, VISIT visit, int level)
{
	(void)node, (void)visit, (void)level;
	nest(1, capture_both);
}

static void ignore(void *key)
{
	(void)key;
}

/* glibc has it in libc; any library that calls back will do. */
static void walk_in_library(void)
{
	void *library = dlopen("libc.so.6", RTLD_NOW);
	void (*walk)(const void *, walker *) = NULL;
	*(void **)&walk = dlsym(library, "twalk");
	void *root = NULL;
	int keys[] = {1, 2, 3};
	for (int i = 0; i < 3; i++)
		tsearch(&keys[i], &root, compare);
	walk(root, visit_node);
	tdestroy(root, ignore);
	dlclose(library);
}

Test(stack, a_library_that_was_opened)
{
	nest(1, walk_in_library);
	expect_same(5);
}

/* --- without tables, or with wrong ones -------------------------------- */

/* A frame by bp, and code that no table describes. */
__asm__(".text\n"
	".type bare_call, @function\n"
	"bare_call:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	sub $48, %rsp\n"
	"	call *%rdi\n"
	"	leave\n"
	"	ret\n"
	".size bare_call, . - bare_call\n"
	/* Here bp is what is given: RSI. */
	".type wild_call, @function\n"
	"wild_call:\n"
	"	push %rbp\n"
	"	mov %rsi, %rbp\n"
	"	call *%rdi\n"
	"	pop %rbp\n"
	"	ret\n"
	".size wild_call, . - wild_call\n"
	/* The CFA is said to be at bp + 16. */
	".type lying_call, @function\n"
	"lying_call:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset 6, -16\n"
	"	mov %rsi, %rbp\n"
	".cfi_def_cfa_register 6\n"
	"	call *%rdi\n"
	"	pop %rbp\n"
	"	ret\n"
	".cfi_endproc\n"
	".size lying_call, . - lying_call\n");
void bare_call(void (*then)(void));
void wild_call(void (*then)(void), uintptr_t bp);
void lying_call(void (*then)(void), uintptr_t bp);

static void call_bare(void)
{
	bare_call(capture_both);
	sink++;
}

Test(stack, frame_pointers_where_there_are_no_tables)
{
	void (*volatile then[2])(void) = {capture_both, call_bare};
	struct both found[2];
	volatile int n_times = 2; /* from one place: a loop left as it is */
	for (int i = 0; i < n_times; i++) {
		nest(3, then[i]);
		found[i] = both;
	}
	uint32_t n = found[0].n_ours;
	cr_assert_eq(found[1].n_ours, n + 2);
	cr_assert_lt(found[1].n_theirs, n);
	cr_assert_arr_eq(found[1].ours + 2, found[0].ours,
			 n * sizeof(*found[0].ours));
}

static void capture_ours(void)
{
	both.n_ours = stack_capture(both.ours, N_FRAMES);
	sink++;
}

/* Values that are no frame pointer, some of them close above the stack. */
static void try_wild(uintptr_t here)
{
	static const uintptr_t wild[] = {0,
					 1,
					 8,
					 0xffffffffffffff00,
					 0x7ffffffff000,
					 0x8000000000000000};
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		wild_call(capture_ours, wild[i]);
		cr_assert_eq(both.n_ours, 1);
		lying_call(capture_ours, wild[i]);
		cr_assert_eq(both.n_ours, 1);
	}
	for (uintptr_t offset = 8; offset < 20 << 20; offset += 1000) {
		wild_call(capture_ours, here + offset);
		lying_call(capture_ours, here + offset);
		cr_assert_geq(both.n_ours, 1);
	}
}

static void *try_wild_there(void *unused)
{
	try_wild((uintptr_t)&unused);
	return NULL;
}

Test(stack, a_wild_frame_pointer_is_not_followed)
{
	pthread_t thread;
	try_wild((uintptr_t)&thread & ~UINT64_C(7));
	pthread_create(&thread, NULL, try_wild_there, NULL);
	pthread_join(thread, NULL);
}

static void try_wild_coroutine(void)
{
	volatile int here;
	try_wild((uintptr_t)&here & ~UINT64_C(7));
}

Test(stack, nor_is_it_at_the_end_of_a_coroutine)
{
	static char stack[1 << 17];
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = sizeof(stack);
	coroutine.uc_link = &main_context;
	makecontext(&coroutine, try_wild_coroutine, 0);
	swapcontext(&main_context, &coroutine);
}

/* --- what was found before --------------------------------------------- */

Test(stack, the_thousandth_list_is_like_the_first)
{
	for (int i = 0; i < 1000; i++) {
		nest(10, capture_both);
		expect_same(11);
		if (i % 10 == 0)
			stack_forget();
	}
}

static void *nest_often(void *forgets)
{
	for (int i = 0; i < 20000; i++) {
		struct both mine;
		mine.n_ours = stack_capture(mine.ours, N_FRAMES);
		mine.n_theirs = stack_capture(mine.theirs, N_FRAMES);
		cr_assert_eq(mine.n_ours, mine.n_theirs);
		cr_assert_arr_eq(mine.ours, mine.theirs,
				 mine.n_ours * sizeof(*mine.ours));
		if (forgets != NULL)
			stack_forget();
	}
	return NULL;
}

Test(stack, threads_share_what_was_found)
{
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, nest_often,
			       i == 0 ? threads : NULL);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

#else

Test(stack, the_list_ends)
{
	capture_both();
	cr_assert_leq(both.n_ours, N_FRAMES);
}

#endif
