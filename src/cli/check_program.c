/*
 * check_program: will a preloaded library take effect in a program?
 *
 * The dynamic linker ignores LD_PRELOAD without a word where it must not or
 * cannot obey; a report would then be missing for no visible reason. So the
 * file is looked at before it is run.
 */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_SCRIPTS 4
#define SCRIPT_BYTES 256

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OUR_MACHINE EM_RISCV
#else
#define OUR_MACHINE EM_NONE
#endif

/* --- the file ------------------------------------------------------------ */

static bool is_file(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return false;
	errno = EACCES;
	return S_ISREG(status.st_mode);
}

/* As execvp(3) does; errno says why not. */
static bool find_program(const char *name, char path[PATH_MAX])
{
	const char *list = getenv("PATH");
	int error = ENOENT;
	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return is_file(path) && access(path, X_OK) == 0;
	}
	if (!list)
		list = "/bin:/usr/bin";
	while (*name) {
		int length = (int)strcspn(list, ":");
		snprintf(path, PATH_MAX, "%.*s%s%s", length, list,
			 length ? "/" : "", name);
		if (is_file(path)) {
			if (access(path, X_OK) == 0)
				return true;
			error = errno;
		}
		if (list[length] == '\0')
			break;
		list += length + 1;
	}
	errno = error;
	return false;
}

/*
 * Replaces PATH by the interpreter if it is a script. A text without "#!" is
 * one for the shell: execvp(3) does that.
 */
static bool is_script(char path[PATH_MAX])
{
	char line[SCRIPT_BYTES + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line, SCRIPT_BYTES) : -1;
	char *name;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	line[n] = '\0';
	if (n >= SELFMAG && memcmp(line, ELFMAG, SELFMAG) == 0)
		return false;
	if (strncmp(line, "#!", 2) != 0) {
		strcpy(path, "/bin/sh");
		return true;
	}
	name = line + 2 + strspn(line + 2, " \t");
	name[strcspn(name, " \t\r\n")] = '\0';
	if (*name == '\0')
		return false;
	strcpy(path, name);
	return true;
}

/* --- what is in it ------------------------------------------------------- */

struct facts {
	bool is_elf;
	bool is_ours;	   /* 64 bits of this machine */
	bool has_segments; /* there is something to load */
	bool has_malloc;
	bool has_tarn;		    /* it is libtarn.so */
	char sanitizer[32];	    /* "" without one */
	char interpreter[PATH_MAX]; /* the dynamic linker; "" without one */
};

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The prefixes of libraries and of functions that are a sanitizer's. */
static const struct {
	const char *name;
	const char *library;
	const char *clang_library;
	const char *function;
} sanitizers[] = {
	{"AddressSanitizer", "libasan.", "libclang_rt.asan", "__asan_init"},
	{"HWAddressSanitizer", "libhwasan.", "libclang_rt.hwasan",
	 "__hwasan_init"},
	{"ThreadSanitizer", "libtsan.", "libclang_rt.tsan", "__tsan_init"},
	{"MemorySanitizer", "libmsan.", "libclang_rt.msan", "__msan_init"},
	{"LeakSanitizer", "liblsan.", "libclang_rt.lsan", "__lsan_init"},
};

#define N_SANITIZERS (sizeof(sanitizers) / sizeof(sanitizers[0]))

static void note_name(struct facts *facts, const char *name, bool is_library)
{
	for (size_t i = 0; i < N_SANITIZERS && !facts->sanitizer[0]; i++) {
		bool is_it =
			is_library
				? starts_with(name, sanitizers[i].library) ||
					  starts_with(
						  name,
						  sanitizers[i].clang_library)
				: starts_with(name, sanitizers[i].function);
		if (is_it)
			snprintf(facts->sanitizer, sizeof(facts->sanitizer),
				 "%s", sanitizers[i].name);
	}
}

static void look_at_symbols(struct facts *facts, Elf *elf, Elf_Data *data,
			    const GElf_Shdr *header)
{
	bool is_dynamic = header->sh_type == SHT_DYNSYM;
	size_t n = header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	for (size_t i = 0; i < n; i++) {
		GElf_Sym symbol;
		const char *name;
		if (!gelf_getsym(data, (int)i, &symbol))
			return;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (!name)
			continue;
		note_name(facts, name, false);
		if (!is_dynamic || symbol.st_shndx == SHN_UNDEF)
			continue;
		if (strcmp(name, "malloc") == 0)
			facts->has_malloc = true;
		if (strcmp(name, "tarn_trace") == 0)
			facts->has_tarn = true;
	}
}

static void look_at_needed(struct facts *facts, Elf *elf, Elf_Data *data,
			   const GElf_Shdr *header)
{
	size_t n = header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	for (size_t i = 0; i < n; i++) {
		GElf_Dyn entry;
		const char *name;
		if (!gelf_getdyn(data, (int)i, &entry))
			return;
		if (entry.d_tag != DT_NEEDED)
			continue;
		name = elf_strptr(elf, header->sh_link, entry.d_un.d_val);
		if (name)
			note_name(facts, name, true);
	}
}

static void look_at_sections(struct facts *facts, Elf *elf)
{
	Elf_Scn *section = NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		Elf_Data *data;
		if (!gelf_getshdr(section, &header) ||
		    (header.sh_type != SHT_DYNSYM &&
		     header.sh_type != SHT_SYMTAB &&
		     header.sh_type != SHT_DYNAMIC))
			continue;
		data = elf_getdata(section, NULL);
		if (data && header.sh_type == SHT_DYNAMIC)
			look_at_needed(facts, elf, data, &header);
		else if (data)
			look_at_symbols(facts, elf, data, &header);
	}
}

static void look_at_segments(struct facts *facts, Elf *elf)
{
	size_t n = 0, n_bytes = 0;
	const char *bytes = elf_rawfile(elf, &n_bytes);
	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr segment;
		if (!gelf_getphdr(elf, (int)i, &segment))
			return;
		if (segment.p_type == PT_LOAD)
			facts->has_segments = true;
		if (segment.p_type == PT_INTERP && bytes &&
		    segment.p_filesz < PATH_MAX &&
		    segment.p_offset <= n_bytes &&
		    segment.p_filesz <= n_bytes - segment.p_offset)
			memcpy(facts->interpreter, bytes + segment.p_offset,
			       segment.p_filesz);
	}
}

static void look_at_elf(struct facts *facts, Elf *elf)
{
	GElf_Ehdr header;
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return;
	facts->is_elf = true;
	facts->is_ours =
		gelf_getclass(elf) == ELFCLASS64 &&
		(OUR_MACHINE == EM_NONE || header.e_machine == OUR_MACHINE);
	look_at_segments(facts, elf);
	look_at_sections(facts, elf);
}

/* False if the file may be run but not read. */
static bool look_at_file(struct facts *facts, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf;
	*facts = (struct facts){0};
	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf)
		look_at_elf(facts, elf);
	elf_end(elf);
	close(fd);
	return true;
}

/* --- what follows from that ---------------------------------------------- */

/*
 * Whether the file gives rights that the caller has not: then the program is
 * started with AT_SECURE, and the dynamic linker ignores our library.
 */
static bool gives_rights(const char *path)
{
	struct stat status;
	struct statvfs system;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return false;
	if (statvfs(path, &system) == 0 && (system.f_flag & ST_NOSUID))
		return false;
	if (stat(path, &status) != 0)
		return false;
	if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
		return true;
	if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) &&
	    status.st_gid != getgid())
		return true;
	return getuid() != 0 &&
	       getxattr(path, "security.capability", NULL, 0) > 0;
}

/* What keeps a preloaded library from working in it. */
static bool complain_of_facts(const struct facts *facts, const char *path)
{
	if (!facts->is_ours)
		complain("%s is not a 64-bit program of this machine: tarn "
			 "cannot be loaded into it; build it for 64 bits",
			 path);
	else if (!facts->interpreter[0])
		complain("%s is statically linked: nothing can be loaded into "
			 "it; link it dynamically, or with -ltarn",
			 path);
	else if (facts->sanitizer[0])
		complain("%s is built with %s, which has a malloc of its own; "
			 "build it without",
			 path, facts->sanitizer);
	else if (facts->has_malloc)
		complain("%s has a malloc of its own (another allocator is "
			 "linked into it), which tarn would not see used "
			 "rightly; link it without that",
			 path);
	else
		return false;
	return true;
}

static enum status complain_of_interpreter(const char *name, const char *path)
{
	complain("cannot run %s: its interpreter %s: %s", name, path,
		 strerror(errno));
	return STATUS_NOT_EXECUTABLE;
}

static enum status check_file(const char *name, const char *path)
{
	struct facts facts;
	if (gives_rights(path)) {
		complain("%s is set-uid, set-gid or has capabilities: the "
			 "system loads no other library into it; run it as "
			 "the user that it becomes, or a copy without them",
			 path);
		return STATUS_FAILED;
	}
	if (!look_at_file(&facts, path))
		return STATUS_OK;
	if (!facts.is_elf || (facts.is_ours && !facts.has_segments)) {
		complain("%s is not a program", path);
		return STATUS_NOT_EXECUTABLE;
	}
	if (complain_of_facts(&facts, path))
		return STATUS_FAILED;
	if (access(facts.interpreter, X_OK) != 0)
		return complain_of_interpreter(name, facts.interpreter);
	return STATUS_OK;
}

bool check_library(const char *path)
{
	struct facts facts;
	if (look_at_file(&facts, path) && facts.is_ours && facts.has_tarn)
		return true;
	complain("%s is no libtarn.so for this machine", path);
	return false;
}

enum status check_program(const char *name)
{
	char path[PATH_MAX];
	if (!find_program(name, path)) {
		int error = errno;
		complain("cannot run %s: %s", name, strerror(error));
		return error == ENOENT || error == ENOTDIR
			       ? STATUS_NOT_FOUND
			       : STATUS_NOT_EXECUTABLE;
	}
	for (int i = 0; i < MAX_SCRIPTS && is_script(path); i++)
		;
	if (access(path, X_OK) != 0)
		return complain_of_interpreter(name, path);
	return check_file(name, path);
}
