/*
 * new: C++'s operators new and delete, under their mangled names.
 *
 * In C, so that no program gets a C++ library it did not ask for. What needs
 * one (the new-handler, std::bad_alloc) is looked for only when memory has run
 * out, in the library that the program has: weak references find it when it is
 * loaded with the program, dlsym when it came later.
 *
 * ISO C++17 [new.delete]: a failing operator new calls the new-handler again
 * and again until there is memory, the handler throws, or there is none; then
 * it throws std::bad_alloc. The nothrow forms return null where the others
 * would throw, also when a handler throws.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include "api/alloc.h"
#include "api/own.h"
#include "api/report.h"
#include "base/arith.h"

#define EXPORTED __attribute__((visibility("default")))

/* std::nothrow_t, passed by reference and never read. */
struct nothrow;

typedef void new_handler(void);
typedef void *nothrow_new(size_t size, const struct nothrow *tag);
typedef void *nothrow_aligned_new(size_t size, size_t alignment,
				  const struct nothrow *tag);

/* std::get_new_handler(), std::__throw_bad_alloc() */
extern new_handler *_ZSt15get_new_handlerv(void) __attribute__((weak));
extern void _ZSt17__throw_bad_allocv(void) __attribute__((weak));

/* dlsym may be missing in a static program. */
#pragma weak dlsym

static void *find(void *weak, void *where, const char *name)
{
	if (weak != NULL || dlsym == NULL)
		return weak;
	return dlsym(where, name);
}

static new_handler *get_handler(void)
{
	new_handler *(*get)(void);
	*(void **)&get = find((void *)_ZSt15get_new_handlerv, RTLD_DEFAULT,
			      "_ZSt15get_new_handlerv");
	return get != NULL ? get() : NULL;
}

_Noreturn static void throw_bad_alloc(void)
{
	void (*throw)(void);
	*(void **)&throw = find((void *)_ZSt17__throw_bad_allocv, RTLD_DEFAULT,
				"_ZSt17__throw_bad_allocv");
	if (throw != NULL)
		throw();
	report_no_bad_alloc();
}

/*
 * A block when the magazine has none, as libc's operators would get it: from
 * the program's own malloc or aligned_alloc, if it has one (own.h). A magazine
 * of such a program's is empty, unless it asks tarn by another name. ALIGNMENT
 * 0: the usual.
 */
static NOINLINE void *allocate_slow(size_t size, size_t alignment)
{
	if (alignment == 0)
		return IS_OWN(malloc) ? api_malloc_slow(size) : malloc(size);
	if (IS_OWN(aligned_alloc))
		return api_align(alignment, size);
	size_t rounded = round_up(size, alignment);
	return rounded < size ? NULL : aligned_alloc(alignment, rounded);
}

static ALWAYS_INLINE void *allocate(size_t size, size_t alignment)
{
	void *block = alignment == 0 ? api_malloc_hit(size) : NULL;
	return LIKELY(block != NULL) ? block : allocate_slow(size, alignment);
}

static COLD void *new_after_failure(size_t size, size_t alignment)
{
	for (;;) {
		new_handler *handler = get_handler();
		if (handler == NULL)
			throw_bad_alloc();
		handler();
		void *block = allocate(size, alignment);
		if (block != NULL)
			return block;
	}
}

static ALWAYS_INLINE void *new_or_throw(size_t size, size_t alignment)
{
	void *block = allocate(size, alignment);
	if (LIKELY(block != NULL))
		return block;
	return new_after_failure(size, alignment);
}

/*
 * C cannot catch what a handler throws, so the program's C++ library does: its
 * own nothrow form, which ours stands before, calls our throwing form inside a
 * try block. Without that library a handler is called but must not throw.
 */
static COLD void *nothrow_after_failure(size_t size, size_t alignment,
					const struct nothrow *tag)
{
	if (get_handler() == NULL)
		return NULL;
	if (alignment == 0) {
		nothrow_new *theirs;
		*(void **)&theirs =
			find(NULL, RTLD_NEXT, "_ZnwmRKSt9nothrow_t");
		if (theirs != NULL)
			return theirs(size, tag);
	} else {
		nothrow_aligned_new *theirs;
		*(void **)&theirs = find(NULL, RTLD_NEXT,
					 "_ZnwmSt11align_val_tRKSt9nothrow_t");
		if (theirs != NULL)
			return theirs(size, alignment, tag);
	}
	void *block = NULL;
	new_handler *handler;
	while (block == NULL && (handler = get_handler()) != NULL) {
		handler();
		block = allocate(size, alignment);
	}
	return block;
}

static ALWAYS_INLINE void *new_or_null(size_t size, size_t alignment,
				       const struct nothrow *tag)
{
	void *block = allocate(size, alignment);
	if (LIKELY(block != NULL))
		return block;
	return nothrow_after_failure(size, alignment, tag);
}

/* True if the program's own free is to have BLOCK, which it has given out. */
static bool is_others(const void *block)
{
	return UNLIKELY(!IS_OWN(free)) && api_is_foreign(block);
}

static NOINLINE void delete_slow(void *block)
{
	if (is_others(block))
		BOUND(free)(block);
	else
		api_free_slow(block, "operator delete");
}

static ALWAYS_INLINE void delete_block(void *block)
{
	if (UNLIKELY(!heap_push(block)))
		delete_slow(block);
}

static COLD void delete_sized_slow(void *block, size_t size)
{
	if (is_others(block))
		BOUND(free)(block);
	else
		api_free_sized(block, size, "operator delete");
}

static ALWAYS_INLINE void delete_sized(void *block, size_t size)
{
	if (LIKELY(api_size_is_right(block, size)))
		delete_block(block);
	else
		delete_sized_slow(block, size);
}

static void delete_aligned_sized(void *block, size_t alignment, size_t size)
{
	if (is_others(block))
		BOUND(free)(block);
	else
		api_free_aligned_sized(block, alignment, size,
				       "operator delete");
}

/*
 * The Itanium C++ ABI's names: nw/na is new/new[], dl/da delete/delete[], m a
 * size_t, Pv a void *.
 */
#define DEFINE_NEW(name)                                                       \
	EXPORTED void *_Z##name##m(size_t size);                               \
	EXPORTED void *_Z##name##m(size_t size)                                \
	{                                                                      \
		return new_or_throw(size, 0);                                  \
	}                                                                      \
	EXPORTED void *_Z##name##mRKSt9nothrow_t(size_t size,                  \
						 const struct nothrow *tag);   \
	EXPORTED void *_Z##name##mRKSt9nothrow_t(size_t size,                  \
						 const struct nothrow *tag)    \
	{                                                                      \
		return new_or_null(size, 0, tag);                              \
	}                                                                      \
	EXPORTED void *_Z##name##mSt11align_val_t(size_t size,                 \
						  size_t alignment);           \
	EXPORTED void *_Z##name##mSt11align_val_t(size_t size,                 \
						  size_t alignment)            \
	{                                                                      \
		return new_or_throw(size, alignment);                          \
	}                                                                      \
	EXPORTED void *_Z##name##mSt11align_val_tRKSt9nothrow_t(               \
		size_t size, size_t alignment, const struct nothrow *tag);     \
	EXPORTED void *_Z##name##mSt11align_val_tRKSt9nothrow_t(               \
		size_t size, size_t alignment, const struct nothrow *tag)      \
	{                                                                      \
		return new_or_null(size, alignment, tag);                      \
	}

#define DEFINE_DELETE(name)                                                    \
	EXPORTED void _Z##name##Pv(void *block);                               \
	EXPORTED void _Z##name##Pv(void *block)                                \
	{                                                                      \
		delete_block(block);                                           \
	}                                                                      \
	EXPORTED void _Z##name##PvRKSt9nothrow_t(void *block,                  \
						 const struct nothrow *tag);   \
	EXPORTED void _Z##name##PvRKSt9nothrow_t(void *block,                  \
						 const struct nothrow *tag)    \
	{                                                                      \
		(void)tag;                                                     \
		delete_block(block);                                           \
	}                                                                      \
	EXPORTED void _Z##name##Pvm(void *block, size_t size);                 \
	EXPORTED void _Z##name##Pvm(void *block, size_t size)                  \
	{                                                                      \
		delete_sized(block, size);                                     \
	}                                                                      \
	EXPORTED void _Z##name##PvSt11align_val_t(void *block,                 \
						  size_t alignment);           \
	EXPORTED void _Z##name##PvSt11align_val_t(void *block,                 \
						  size_t alignment)            \
	{                                                                      \
		(void)alignment;                                               \
		delete_block(block);                                           \
	}                                                                      \
	EXPORTED void _Z##name##PvSt11align_val_tRKSt9nothrow_t(               \
		void *block, size_t alignment, const struct nothrow *tag);     \
	EXPORTED void _Z##name##PvSt11align_val_tRKSt9nothrow_t(               \
		void *block, size_t alignment, const struct nothrow *tag)      \
	{                                                                      \
		(void)alignment, (void)tag;                                    \
		delete_block(block);                                           \
	}                                                                      \
	EXPORTED void _Z##name##PvmSt11align_val_t(void *block, size_t size,   \
						   size_t alignment);          \
	EXPORTED void _Z##name##PvmSt11align_val_t(void *block, size_t size,   \
						   size_t alignment)           \
	{                                                                      \
		delete_aligned_sized(block, alignment, size);                  \
	}

DEFINE_NEW(nw)
DEFINE_NEW(na)
DEFINE_DELETE(dl)
DEFINE_DELETE(da)
