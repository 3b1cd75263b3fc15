/*
 * symbols: the dynamic symbols of an object in memory, the kernel's vDSO among
 * them.
 *
 * Calls nothing of the dynamic linker's and allocates nothing. The object must
 * stay loaded meanwhile.
 */
#ifndef TARN_OS_SYMBOLS_H
#define TARN_OS_SYMBOLS_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_symbols {
	uintptr_t bias;
	const ElfW(Sym) * all;
	const char *names;
	size_t n;
};

/* Of an object that is loaded with BIAS and has its dynamic section there;
 * false if that says nothing of symbols. */
bool os_symbols_open(struct os_symbols *symbols, uintptr_t bias,
		     const ElfW(Dyn) * dynamic);

/* The same of an ELF file that is mapped as it is, at IMAGE. */
bool os_symbols_open_image(struct os_symbols *symbols, uintptr_t image);

/* The address of what it defines as NAME; 0: nothing. */
uintptr_t os_symbols_find(const struct os_symbols *symbols, const char *name);

/* The name of what it defines at ADDRESS; NULL: nothing. */
const char *os_symbols_name(const struct os_symbols *symbols,
			    uintptr_t address);

#endif
