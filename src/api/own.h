/*
 * own: which of libc's names are tarn's in this program.
 *
 * A program may define malloc, free, calloc and realloc itself: the GNU C
 * Library Reference Manual says that these four are enough ("Replacing
 * malloc"). Then the program's own are called also by libraries, and tarn
 * stands where libc's malloc would: what libc builds on the four is built on
 * the program's here too. What libc takes from its own heap comes from tarn's.
 *
 *	reallocarray                 calls realloc
 *	cfree, free_sized ...        call free, if the block is not tarn's
 *	operator new, delete         call malloc, free
 *	memalign, aligned_alloc ...  tarn's own blocks
 *	__libc_malloc ...            tarn's own blocks
 *	malloc_usable_size           0 of a block that is not tarn's
 *
 * Valgrind puts its functions in the place of those that it knows, and leaves
 * the others. There the addresses tell nothing; so reallocarray always calls
 * realloc, and the two with sizes free, by name.
 */
#ifndef TARN_API_OWN_H
#define TARN_API_OWN_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Prototypes of our own: libc's headers lack some, and add attributes that do
 * not hold for the definitions. */
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *block, size_t size);
void *reallocarray(void *block, size_t n, size_t size);
void free(void *block);
void cfree(void *block);
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);
int posix_memalign(void **out, size_t alignment, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
size_t malloc_usable_size(void *block);

/* The same as preload/malloc.c defines them, whoever else defines them. */
HIDDEN void *own_malloc(size_t size);
HIDDEN void own_free(void *block);
HIDDEN void *own_aligned_alloc(size_t alignment, size_t size);

/* The function of that name which the program calls. Compilers would take, and
 * inline, the one that they see. */
#define BOUND(name)                                                            \
	({                                                                     \
		__typeof__(&(name)) bound = (name);                            \
		__asm__("" : "+r"(bound));                                     \
		bound;                                                         \
	})

/* True if that is tarn's. */
#define IS_OWN(name) (BOUND(name) == (own_##name))

#endif
