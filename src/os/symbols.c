/*
 * symbols: how many there are is known by their hash table alone, of which
 * there are two kinds.
 */
#include "os/symbols.h"

#include <string.h>

/* The words of a GNU hash table. */
enum { N_BUCKETS, FIRST_SYMBOL, BLOOM_WORDS, BLOOM_SHIFT, HEADER_WORDS };

/* The dynamic linker has put addresses where the file has offsets, but where
 * that may not be written. */
static uintptr_t resolve(uintptr_t bias, ElfW(Addr) value)
{
	return value < bias ? bias + value : value;
}

/* The last chain goes on until a word that is odd. */
static size_t count_by_gnu_hash(const uint32_t *table)
{
	const ElfW(Addr) *bloom = (const void *)(table + HEADER_WORDS);
	const uint32_t *buckets = (const void *)(bloom + table[BLOOM_WORDS]);
	const uint32_t *chains = buckets + table[N_BUCKETS];
	uint32_t first = table[FIRST_SYMBOL], last = 0;
	for (uint32_t i = 0; i < table[N_BUCKETS]; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < first)
		return first;
	while ((chains[last - first] & 1) == 0)
		last++;
	return last + 1;
}

bool os_symbols_open(struct os_symbols *symbols, uintptr_t bias,
		     const ElfW(Dyn) * dynamic)
{
	const uint32_t *hash = NULL, *gnu_hash = NULL;
	*symbols = (struct os_symbols){.bias = bias};
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		uintptr_t at = resolve(bias, dynamic->d_un.d_ptr);
		if (dynamic->d_tag == DT_SYMTAB)
			symbols->all = (const void *)at;
		else if (dynamic->d_tag == DT_STRTAB)
			symbols->names = (const void *)at;
		else if (dynamic->d_tag == DT_HASH)
			hash = (const void *)at;
		else if (dynamic->d_tag == DT_GNU_HASH)
			gnu_hash = (const void *)at;
	}
	if (hash != NULL)
		symbols->n = hash[1];
	else if (gnu_hash != NULL)
		symbols->n = count_by_gnu_hash(gnu_hash);
	return symbols->all != NULL && symbols->names != NULL &&
	       symbols->n != 0;
}

bool os_symbols_open_image(struct os_symbols *symbols, uintptr_t image)
{
	const ElfW(Ehdr) *header = (const void *)image;
	const ElfW(Phdr) *segments = (const void *)(image + header->e_phoff);
	const ElfW(Phdr) *dynamic = NULL, *load = NULL;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type == PT_DYNAMIC)
			dynamic = &segments[i];
		else if (segments[i].p_type == PT_LOAD && load == NULL)
			load = &segments[i];
	}
	if (dynamic == NULL || load == NULL)
		return false;
	uintptr_t bias = image + load->p_offset - load->p_vaddr;
	return os_symbols_open(symbols, bias,
			       (const void *)(bias + dynamic->p_vaddr));
}

static bool is_defined(const ElfW(Sym) * symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
	       ELF64_ST_TYPE(symbol->st_info) != STT_TLS;
}

uintptr_t os_symbols_find(const struct os_symbols *symbols, const char *name)
{
	for (size_t i = 0; i < symbols->n; i++) {
		const ElfW(Sym) *symbol = &symbols->all[i];
		if (is_defined(symbol) &&
		    strcmp(symbols->names + symbol->st_name, name) == 0)
			return symbols->bias + symbol->st_value;
	}
	return 0;
}

const char *os_symbols_name(const struct os_symbols *symbols, uintptr_t address)
{
	for (size_t i = 0; i < symbols->n; i++) {
		const ElfW(Sym) *symbol = &symbols->all[i];
		uintptr_t start = symbols->bias + symbol->st_value;
		if (is_defined(symbol) && address >= start &&
		    address - start < symbol->st_size)
			return symbols->names + symbol->st_name;
	}
	return NULL;
}
