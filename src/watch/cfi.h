/*
 * cfi: how a frame is left for its caller's, as the compiler wrote it down in
 * .eh_frame; for x86-64.
 *
 * Reads what is loaded and nothing else: no lock, no memory, no libc.
 */
#ifndef TARN_WATCH_CFI_H
#define TARN_WATCH_CFI_H

#include <stdbool.h>
#include <stdint.h>

enum cfi_kind {
	CFI_NONE,   /* nothing is written, or nothing that we understand */
	CFI_CALL,   /* a function that was called */
	CFI_SIGNAL, /* the kernel's frame: the caller's pc was not calling */
	CFI_END,    /* nothing called it */
};

/* Where the caller's register is saved: relative to what. */
enum cfi_base {
	CFI_AT_CFA,
	CFI_AT_SP,
	CFI_AT_BP,
	CFI_SAME, /* not saved: it is what it is */
	CFI_LOST,
};

/*
 * The CFA, which is sp after the return, is sp or bp plus an offset, or what
 * is stored there plus another. Offsets count words of 8 bytes. All in 64 bits,
 * so that it is read and written at once. Zero is CFI_NONE.
 */
struct cfi_rule {
	uint64_t kind : 2;
	uint64_t cfa_is_from_bp : 1;
	uint64_t cfa_is_stored : 1;
	uint64_t cfa_added : 4;
	uint64_t pc_base : 2;
	uint64_t bp_base : 3;
	int64_t cfa_offset : 22;
	int64_t bp_offset : 15;
	int64_t pc_offset : 14;
};

/*
 * The rule at PC, from the FDE of the function that begins at START; false if
 * PC is not in it, or if there is more to know than a rule can hold.
 */
bool cfi_run(const uint8_t *fde, uintptr_t start, uintptr_t pc,
	     struct cfi_rule *rule);

#endif
