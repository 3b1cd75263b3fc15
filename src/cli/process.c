/*
 * process: what /proc tells of a process, and whether it runs on tarn.
 *
 * All is read below one descriptor of /proc/PID, so that it is never that of
 * another process which got the number since.
 */
#include "cli/process.h"
#include "wire/control.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KERNEL_THREAD 0x00200000 /* among the flags in /proc/PID/stat */

/* As the library writes it: see src/api/process.c. */
#define NOTE_OWNER "tarn"
#define NOTE_VERSION 1

#define LIBRARY "libtarn.so"

/* --- status and stat ----------------------------------------------------- */

/* What follows "NAME:" at the start of a line. */
static const char *field_of(const char *status, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = status; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, length) == 0 && at[length] == ':')
			return at + length + 1 + strspn(at + length + 1, "\t ");
	}
	return NULL;
}

static uint64_t number_of(const char *status, const char *name, int base)
{
	const char *field = field_of(status, name);
	return field ? strtoull(field, NULL, base) : 0;
}

/* Sending a signal and reading the copy's files both need as much. */
static bool is_ours(const char *uids)
{
	uid_t own = geteuid();
	bool is_same = own != 0;
	char *end = (char *)uids;
	for (int i = 0; i < 4 && is_same; i++)
		is_same = strtoul(end, &end, 10) == own;
	return own == 0 || is_same;
}

static void read_name(struct process *process, const char *name)
{
	struct arena arena = {0};
	const char *clean = arena_clean_text(&arena, name, strcspn(name, "\n"));
	snprintf(process->name, sizeof(process->name), "%s", clean);
	arena_free(&arena);
}

static bool read_status(struct process *process)
{
	size_t length;
	char *text = text_of_file(process->directory, "status", &length);
	const char *name, *uids, *state;
	if (!text)
		return false;
	name = field_of(text, "Name");
	uids = field_of(text, "Uid");
	state = field_of(text, "State");
	read_name(process, name ? name : "?");
	process->group = (pid_t)number_of(text, "Tgid", 10);
	process->user = (uid_t)number_of(text, "Uid", 10);
	process->is_ours = uids && is_ours(uids);
	process->is_zombie = state && (*state == 'Z' || *state == 'X');
	process->catches_signal =
		number_of(text, "SigCgt", 16) >> (CONTROL_SIGNAL - 1) & 1;
	process->n_threads = number_of(text, "Threads", 10);
	process->resident_bytes = number_of(text, "VmRSS", 10) << 10;
	process->virtual_bytes = number_of(text, "VmSize", 10) << 10;
	process->data_bytes = number_of(text, "VmData", 10) << 10;
	free(text);
	return true;
}

/* The name, in parentheses, may have anything in it but ends with the last. */
static bool read_stat(struct process *process)
{
	size_t length;
	char *text = text_of_file(process->directory, "stat", &length);
	char *at = text ? strrchr(text, ')') : NULL;
	unsigned long flags = 0;
	unsigned long long started = 0;
	struct timespec now;
	/* Fields 3 to 22, of which the 9th and the last are of interest. */
	if (at)
		sscanf(at + 1,
		       " %*c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u "
		       "%*d %*d %*d %*d %*d %*d %llu",
		       &flags, &started);
	free(text);
	process->is_kernel = flags & KERNEL_THREAD;
	clock_gettime(CLOCK_BOOTTIME, &now);
	process->running_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9 -
			     (double)started / (double)sysconf(_SC_CLK_TCK);
	if (process->running_s < 0)
		process->running_s = 0;
	return at != NULL;
}

bool process_read(struct process *process)
{
	return read_status(process) && read_stat(process);
}

bool process_open(struct process *process, pid_t pid)
{
	char path[32];
	*process = (struct process){.pid = pid};
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	process->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process->directory < 0)
		return false;
	if (process_read(process))
		return true;
	process_close(process);
	return false;
}

void process_close(struct process *process)
{
	int error = errno;
	close(process->directory);
	errno = error;
}

/* --- is it on tarn? ------------------------------------------------------ */

/* The version in the notes of one segment. */
static bool find_note(Elf_Data *data, char version[32])
{
	size_t at = 0, next, name, description;
	GElf_Nhdr note;
	while (data && (next = gelf_getnote(data, at, &note, &name,
					    &description)) > 0) {
		const char *bytes = data->d_buf;
		if (note.n_type == NOTE_VERSION &&
		    note.n_namesz == sizeof(NOTE_OWNER) &&
		    memcmp(bytes + name, NOTE_OWNER, sizeof(NOTE_OWNER)) == 0) {
			struct arena arena = {0};
			size_t length =
				strnlen(bytes + description, note.n_descsz);
			snprintf(version, 32, "%s",
				 arena_clean_text(&arena, bytes + description,
						  length));
			arena_free(&arena);
			return true;
		}
		at = next;
	}
	return false;
}

/* Whether the library is in the file of FD, which is closed. */
static bool has_note(int fd, char version[32])
{
	bool is_found = false;
	struct stat status;
	Elf *elf = NULL;
	size_t n = 0;
	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_getphdrnum(elf, &n) != 0)
		n = 0;
	for (size_t i = 0; i < n && !is_found; i++) {
		GElf_Phdr segment;
		if (!gelf_getphdr(elf, (int)i, &segment) ||
		    segment.p_type != PT_NOTE)
			continue;
		is_found = find_note(
			elf_getdata_rawchunk(elf, (int64_t)segment.p_offset,
					     segment.p_filesz,
					     segment.p_align == 8 ? ELF_T_NHDR8
								  : ELF_T_NHDR),
			version);
	}
	elf_end(elf);
	close(fd);
	return is_found;
}

/* LINE: the mapping of a libtarn.so with code, of which PATH is the last. */
static void read_library(struct process *process, const char *line,
			 const char *path)
{
	char name[64];
	snprintf(name, sizeof(name), "map_files/%.*s", (int)strcspn(line, " "),
		 line);
	process->link = PROCESS_WITH_LIBRARY;
	/* The very file, even if it was removed since: root's privilege. */
	if (has_note(openat(process->directory, name, FILE_FLAGS),
		     process->version))
		return;
	if (strstr(path, " (deleted)") == NULL)
		has_note(file_inside(process->directory, path),
			 process->version);
}

/* Of a line of maps with code of a libtarn.so the path, else NULL. */
static const char *library_path(char *line)
{
	const char *path = strchr(line, '/');
	const char *end;
	char code;
	if (!path || sscanf(line, "%*s %*c%*c%c", &code) != 1 || code != 'x')
		return NULL;
	if (strncmp(path_base(path), LIBRARY, strlen(LIBRARY)) != 0)
		return NULL;
	end = path_base(path) + strlen(LIBRARY);
	return *end == '\0' || *end == '.' || *end == ' ' ? path : NULL;
}

bool process_find_tarn(struct process *process)
{
	size_t length;
	char *maps = text_of_file(process->directory, "maps", &length);
	char *rest = maps, *line;
	if (!maps)
		return false;
	process->link = PROCESS_NOT_ON_TARN;
	while ((line = strsep(&rest, "\n")) && !process->link) {
		const char *path = library_path(line);
		if (path)
			read_library(process, line, path);
	}
	if (!process->link && length > 0 &&
	    has_note(openat(process->directory, "exe", FILE_FLAGS),
		     process->version))
		process->link = PROCESS_WITH_ARCHIVE;
	free(maps);
	return true;
}

const char *process_refusal(const struct process *process)
{
	if (process->link == PROCESS_NOT_ON_TARN)
		return "it does not run on tarn";
	if (!process->is_ours)
		return "it is another user's";
	if (!process->catches_signal)
		return "it does not listen: control is switched off in it";
	return NULL;
}

/* --- in words ------------------------------------------------------------ */

size_t process_arguments(const struct process *process, struct arena *arena,
			 const char ***arguments)
{
	size_t length = 0, n = 0;
	char *text = text_of_file(process->directory, "cmdline", &length);
	*arguments = NULL;
	/* Programs that write there leave NULs at its end. */
	while (text && length > 0 && text[length - 1] == '\0')
		length--;
	for (size_t at = 0; at < length; n++) {
		size_t bytes = strlen(text + at);
		*arguments =
			arena_grow(arena, *arguments, n, sizeof(**arguments));
		(*arguments)[n] = arena_clean_text(arena, text + at, bytes);
		at += bytes + 1;
	}
	free(text);
	if (n > 0)
		return n;
	*arguments = arena_grow(arena, NULL, 0, sizeof(**arguments));
	(*arguments)[0] = arena_print(arena, "[%s]", process->name);
	return 1;
}

const char *process_user(const struct process *process, struct arena *arena)
{
	const struct passwd *user = getpwuid(process->user);
	if (!user)
		return arena_print(arena, "%u", (unsigned)process->user);
	return arena_clean_text(arena, user->pw_name, strlen(user->pw_name));
}

const char *phrase_time(struct arena *arena, double seconds)
{
	uint64_t s = seconds < 1e15 ? (uint64_t)(seconds + 0.5) : UINT64_MAX;
	if (seconds < 9.95)
		return arena_print(arena, "%.1f s", seconds);
	if (s < 60)
		return arena_print(arena, "%" PRIu64 " s", s);
	if (s < 3600)
		return arena_print(arena, "%" PRIu64 " min %" PRIu64 " s",
				   s / 60, s % 60);
	if (s < 86400)
		return arena_print(arena, "%" PRIu64 " h %" PRIu64 " min",
				   s / 3600, s / 60 % 60);
	return arena_print(arena, "%" PRIu64 " d %" PRIu64 " h", s / 86400,
			   s / 3600 % 24);
}
