/*
 * stack: from frame to frame.
 *
 *	 higher   ...  the caller's frame
 *	 CFA -->  --------------------------
 *	          return address
 *	          saved bp, if it is saved
 *	          ...  the frame
 *	 sp -->   --------------------------
 *
 * Law: sp grows with every frame but a signal's, and what is read lies at or
 * above sp in memory that is mapped. Rules may be wrong (assembly), and frame
 * pointers may be anything, so nothing is read before it is known to be there.
 */
#include "watch/stack.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/atomic.h"
#include "base/attr.h"
#include "base/syscall.h"
#include "watch/unwind.h"

#define FRAME_BYTES_MAX (16u << 20)
#define POINTED_BYTES_MAX (1u << 20)
#define STACK_BYTES_MAX (64u << 20)
#define PAGE_BYTES_MIN 4096u

struct walk {
	/* In the instruction that called, or about to be run. */
	uintptr_t at;
	uintptr_t sp;
	uintptr_t bp;
	/* All from sp up to here is mapped. */
	uintptr_t mapped_end;
	/* So is what lies in this page. */
	uintptr_t mapped_page;
	/* The caller's pc: what is found. */
	uintptr_t pc;
};

/* --- what may be read -------------------------------------------------- */

/* Of glibc: where main's stack was when the program began. */
extern char *__libc_stack_end __attribute__((weak));

static uintptr_t thread_pointer(void)
{
	return (uintptr_t)__builtin_thread_pointer();
}

/*
 * Threads have their descriptor at the upper end of their stack, and main's
 * ends where it began. Other stacks (of coroutines, of signals) have neither
 * near, or one above an end that we cannot know; there the rules are trusted.
 */
static uintptr_t find_mapped_end(uintptr_t sp)
{
	uintptr_t bytes = thread_pointer() - sp;
	if (&__libc_stack_end != NULL &&
	    (uintptr_t)__libc_stack_end - sp < bytes)
		bytes = (uintptr_t)__libc_stack_end - sp;
	return bytes <= STACK_BYTES_MAX ? sp + bytes : sp;
}

/*
 * The kernel reads the signal set before it finds that there is no such change
 * as -1 to make to the mask: EFAULT if it is not there, else EINVAL.
 */
static COLD bool page_is_mapped(struct walk *walk, uintptr_t at)
{
	uintptr_t page = at / PAGE_BYTES_MIN;
	if (page == walk->mapped_page)
		return true;
	long error = os_syscall(SYS_rt_sigprocmask, -1, (page * PAGE_BYTES_MIN),
				0, 8);
	if (error == -EFAULT)
		return false;
	walk->mapped_page = page;
	return true;
}

/* Instrumented code has words on its stack that it must not read; we may. */
static inline __attribute__((no_sanitize_address)) uintptr_t
word_at(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

static ALWAYS_INLINE bool read_word(struct walk *walk, uintptr_t at,
				    uintptr_t *word)
{
	if (UNLIKELY(at < walk->sp || at % sizeof(*word) != 0))
		return false;
	if (UNLIKELY(at >= walk->mapped_end) && !page_is_mapped(walk, at))
		return false;
	*word = word_at(at);
	return true;
}

/* --- steps ------------------------------------------------------------- */

/* Signed pointers of aarch64 have their signature above this. */
#define CODE_BITS ((UINT64_C(1) << 48) - 1)

static bool is_frame_pointer(const struct walk *walk, uintptr_t bp)
{
	return bp - walk->sp <= POINTED_BYTES_MAX;
}

/*
 * Where bp is a frame pointer, the caller's lies there, and the return address
 * behind it. It may be anything else: either the return address lies in what is
 * loaded, or the caller has a frame pointer too.
 */
static COLD bool step_by_pointer(struct walk *walk)
{
	uintptr_t bp = walk->bp;
	uintptr_t next;
	if (!is_frame_pointer(walk, bp) || !read_word(walk, bp, &next) ||
	    !read_word(walk, bp + sizeof(bp), &walk->pc))
		return false;
	walk->pc &= CODE_BITS;
	walk->sp = bp + 2 * sizeof(bp);
	walk->bp = next;
	walk->at = walk->pc - 1;
	return is_frame_pointer(walk, next) || unwind_is_loaded(walk->at);
}

static ALWAYS_INLINE uintptr_t base_of(const struct walk *walk, uintptr_t cfa,
				       enum cfi_base base)
{
	return base == CFI_AT_CFA  ? cfa
	       : base == CFI_AT_BP ? walk->bp
				   : walk->sp;
}

static ALWAYS_INLINE bool find_cfa(struct walk *walk, struct cfi_rule rule,
				   uintptr_t *cfa)
{
	*cfa = (rule.cfa_is_from_bp ? walk->bp : walk->sp) +
	       (uintptr_t)(intptr_t)rule.cfa_offset * 8;
	if (UNLIKELY(rule.cfa_is_stored)) {
		if (!read_word(walk, *cfa, cfa))
			return false;
		*cfa += rule.cfa_added * 8;
	}
	return rule.kind == CFI_SIGNAL || *cfa - walk->sp - 1 < FRAME_BYTES_MAX;
}

/*
 * Compilers do not say that bp was popped, between that and the return, where
 * signals arrive: it is said to lie below sp then, and is back in place.
 */
static ALWAYS_INLINE bool find_bp(struct walk *walk, struct cfi_rule rule,
				  uintptr_t cfa, uintptr_t *bp)
{
	if (rule.bp_base == CFI_SAME)
		return true;
	if (UNLIKELY(rule.bp_base == CFI_LOST)) {
		*bp = 0;
		return true;
	}
	uintptr_t at = base_of(walk, cfa, rule.bp_base) +
		       (uintptr_t)(intptr_t)rule.bp_offset * 8;
	return UNLIKELY(at < walk->sp) || read_word(walk, at, bp);
}

static ALWAYS_INLINE bool step_by_rule(struct walk *walk, struct cfi_rule rule)
{
	uintptr_t cfa;
	uintptr_t bp = walk->bp;
	if (!find_cfa(walk, rule, &cfa) ||
	    !read_word(walk,
		       base_of(walk, cfa, rule.pc_base) +
			       (uintptr_t)(intptr_t)rule.pc_offset * 8,
		       &walk->pc) ||
	    !find_bp(walk, rule, cfa, &bp))
		return false;
	walk->sp = cfa;
	walk->bp = bp;
	walk->at = walk->pc - 1;
	if (UNLIKELY(rule.kind == CFI_SIGNAL)) {
		walk->at = walk->pc;
		walk->mapped_end = find_mapped_end(cfa);
	}
	return true;
}

/* false at the end. */
static ALWAYS_INLINE bool step(struct walk *walk)
{
	struct cfi_rule rule = unwind_find(walk->at);
	if (UNLIKELY(rule.kind == CFI_NONE))
		return step_by_pointer(walk);
	return rule.kind != CFI_END && step_by_rule(walk, rule);
}

/* --- the list ---------------------------------------------------------- */

uint32_t stack_capture_from(uintptr_t pc, uintptr_t sp, uintptr_t bp,
			    uintptr_t *frames, uint32_t n)
{
	struct walk walk = {
		.at = pc,
		.sp = sp,
		.bp = bp,
		.mapped_end = find_mapped_end(sp),
		.mapped_page = (sp - 1) / PAGE_BYTES_MIN,
	};
	uint32_t i = 0;
	while (i < n && step(&walk) && walk.pc != 0)
		frames[i++] = walk.pc;
	return i;
}

/* In a frame that bp points to, as the compiler makes it for its address. */
NOINLINE uint32_t stack_capture(uintptr_t *frames, uint32_t n)
{
	const uintptr_t *frame = __builtin_frame_address(0);
	return stack_capture_from((frame[1] & CODE_BITS) - 1,
				  (uintptr_t)(frame + 2), frame[0], frames, n);
}

void stack_forget(void)
{
	fetch_add_relaxed(&unwind_generation, 1);
}
