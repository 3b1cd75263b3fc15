/*
 * report: the caller's mistakes, each one line on stderr and abort().
 */
#ifndef TARN_API_REPORT_H
#define TARN_API_REPORT_H

#include "heap/heap.h"

/* To be called at the start: what precedes an abort. */
void report_start(void);

/* POINTER was given to OPERATION, and MISTAKE is what is wrong with it. */
_Noreturn void report_mistake(const char *operation, const void *pointer,
			      enum heap_mistake mistake);

/* The block has not the SIZE, or ALIGNMENT if not 0, that its caller says. */
_Noreturn void report_wrong_size(const char *operation, const void *block,
				 size_t alignment, size_t size,
				 size_t usable_bytes);

/* C++ wants std::bad_alloc, and there is no library to throw it. */
_Noreturn void report_no_bad_alloc(void);

#endif
