/*
 * live: the command's side of wire/control.h.
 */
#include "cli/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/live_process.h"
#include "cli/live_unblock.h"
#include "cli/util.h"
#include "wire/control.h"
#include "wire/wire.h"

/* A request may be lost to a trace that runs, or to a thread that ends: it is
 * sent again, after this time first and twice as long each further time. */
#define AGAIN_MS 50
#define ANSWER_MS 6000
#define NAP_US 500
#define BURY_MS 150
#define BURY_TRIES 3
/* It has much memory to give back. */
#define END_MS 3000

#define ALL_ROOTS UINT32_MAX

struct live {
	pid_t pid;
	struct live_options options;
	uint32_t n_looks;
	uint64_t *known;
	uint64_t n_known;
};

/* The other end: a file in the memory of the copy. */
struct line {
	pid_t copy;
	int fd;
	struct control_page *page;
};

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- finding the answer ------------------------------------------------ */

/* The descriptor of PID that is the file of NUMBER, opened; -1. */
static int open_file_of(pid_t pid, uint32_t number)
{
	char path[288], link[64], name[48];
	int fd = -1;
	int length = snprintf(name, sizeof(name),
			      "/memfd:" CONTROL_NAME "%08x ", number);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder && fd < 0 && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid,
			 entry->d_name);
		ssize_t n = readlink(path, link, sizeof(link));
		if (n > length && memcmp(link, name, (size_t)length) == 0)
			fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	}
	if (folder)
		closedir(folder);
	return fd;
}

/* Asks each child that PID's thread has; the file says which. */
static int open_in_children(pid_t pid, const char *thread, uint32_t number,
			    pid_t *copy)
{
	char path[320];
	int fd = -1, child;
	snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid,
		 thread);
	FILE *file = fopen(path, "re");
	while (file && fd < 0 && fscanf(file, "%d", &child) == 1) {
		fd = open_file_of(child, number);
		*copy = child;
	}
	if (file)
		fclose(file);
	return fd;
}

static int open_answer(pid_t pid, uint32_t number, pid_t *copy)
{
	char path[64];
	int fd = -1;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder && fd < 0 && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			fd = open_in_children(pid, entry->d_name, number, copy);
	if (folder)
		closedir(folder);
	if (fd < 0) {
		*copy = pid;
		fd = open_file_of(pid, number);
	}
	return fd;
}

/* Whose file it is must be who the process is: nobody else's answer. */
static bool is_of_process(int fd, pid_t pid)
{
	char path[64];
	struct stat file, process;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return fstat(fd, &file) == 0 && stat(path, &process) == 0 &&
	       (file.st_uid == process.st_uid || process.st_uid == 0) &&
	       file.st_size >= CONTROL_PAGE_BYTES;
}

static bool attach(struct line *line, pid_t pid)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = 1,
	};
	if (is_of_process(line->fd, pid) &&
	    fcntl(line->fd, F_OFD_SETLK, &lock) == 0) {
		line->page =
			mmap(NULL, CONTROL_PAGE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED, line->fd, 0);
		if (line->page != MAP_FAILED)
			return true;
	}
	close(line->fd);
	return false;
}

static bool send_to(pid_t pid, pid_t thread, uint64_t value)
{
	siginfo_t info = {.si_code = SI_QUEUE};
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)(uintptr_t)value;
	return syscall(SYS_rt_tgsigqueueinfo, pid, thread, CONTROL_SIGNAL,
		       &info) == 0;
}

struct blocked {
	pid_t pid, thread;
	uint64_t value;
};

static bool send_blocked(void *context)
{
	const struct blocked *blocked = context;
	return send_to(blocked->pid, blocked->thread,
		       blocked->value | (uint64_t)CONTROL_WAS_BLOCKED << 32);
}

/* To a thread that does not block the signal; if all do, to one that is made to
 * take it, and will block it again. */
static bool send(pid_t pid, enum control_kind kind, uint32_t number)
{
	uint64_t value = control_value(kind, number);
	pid_t thread = live_choose_thread(pid, CONTROL_SIGNAL);
	if (thread != 0)
		return send_to(pid, thread, value);
	struct blocked blocked = {pid, pid, value};
	return live_unblock(pid, CONTROL_SIGNAL, send_blocked, &blocked);
}

/* Whoever waits to be read may have missed the lock, if this was quick. */
static void hang_up(struct line *line)
{
	__atomic_store_n(&line->page->question, CONTROL_QUIT, __ATOMIC_RELEASE);
	syscall(SYS_futex, &line->page->question, FUTEX_WAKE, 1, NULL, NULL, 0);
	munmap(line->page, CONTROL_PAGE_BYTES);
	close(line->fd);
}

/* True if the copy is no more within MS. */
static bool is_buried_within(pid_t copy, unsigned ms)
{
	struct timespec nap = {0, 1000000};
	uint64_t end = now_ms() + ms;
	while (kill(copy, 0) == 0) {
		if (now_ms() >= end)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* The copy ends, and its process buries it soon if it allocates. If it sleeps,
 * it is woken for that. */
static void see_buried(pid_t pid, pid_t copy)
{
	uint64_t end = now_ms() + END_MS;
	while (live_is_alive(copy) && now_ms() < end)
		is_buried_within(copy, 1);
	for (int i = 0; i < BURY_TRIES; i++) {
		if (is_buried_within(copy, BURY_MS))
			return;
		send(pid, CONTROL_BURY, 0);
	}
	is_buried_within(copy, BURY_MS);
}

static uint32_t new_number(void)
{
	uint32_t number = 0;
	if (syscall(SYS_getrandom, &number, sizeof(number), 0) !=
	    sizeof(number))
		number = (uint32_t)now_ms() ^ (uint32_t)getpid() << 16;
	return number;
}

/* Sends a request and finds who answers it. */
static bool call(pid_t pid, enum control_kind kind, struct line *line)
{
	struct timespec nap = {0, NAP_US * 1000};
	uint32_t number = new_number();
	uint64_t start = now_ms(), sent = start, patience = AGAIN_MS;
	bool is_sent = send(pid, kind, number);
	while (now_ms() < start + ANSWER_MS && live_is_alive(pid)) {
		line->fd = open_answer(pid, number, &line->copy);
		if (line->fd >= 0 && attach(line, pid))
			return true;
		nanosleep(&nap, NULL);
		if (now_ms() < sent + patience)
			continue;
		sent = now_ms();
		patience *= 2;
		is_sent |= send(pid, kind, number);
	}
	if (is_sent || !live_is_alive(pid))
		live_explain_silence(pid);
	else
		complain("process %d blocks SIGURG in all its threads, and may "
			 "not be traced by ptrace, which would help",
			 (int)pid);
	return false;
}

/* --- talking ----------------------------------------------------------- */

static uint32_t state_of(const struct line *line)
{
	return __atomic_load_n(&line->page->state, __ATOMIC_ACQUIRE);
}

/* Waits until STATE is over; false if the other end is gone. */
static bool wait_while(const struct line *line, uint32_t state)
{
	struct timespec time = {0, 100 * 1000000};
	while (state_of(line) == state) {
		syscall(SYS_futex, &line->page->state, FUTEX_WAIT, state, &time,
			NULL, 0);
		if (state_of(line) == state && !live_is_alive(line->copy))
			return false;
	}
	return true;
}

static bool explain_failure(const struct line *line)
{
	const struct control_page *page = line->page;
	int pid = (int)page->pid;
	switch (page->error) {
	case CONTROL_NO_COPY:
		complain("process %d cannot be copied: %s%s", pid,
			 strerror((int)page->number),
			 page->number == EAGAIN
				 ? " (a limit on processes, RLIMIT_NPROC or "
				   "the cgroup's pids.max)"
			 : page->number == ENOMEM
				 ? " (its memory is near what the system "
				   "allows)"
				 : "");
		break;
	case CONTROL_NO_MEMORY:
		complain("there was not enough memory for a trace of process "
			 "%d",
			 pid);
		break;
	case CONTROL_NO_MAPS:
		complain("process %d cannot look at itself: there is no /proc "
			 "where it is (chroot?)",
			 pid);
		break;
	default:
		complain("process %d could not answer; is its library of "
			 "another version?",
			 pid);
	}
	return false;
}

static bool check_version(const struct line *line)
{
	if (line->page->version == CONTROL_VERSION)
		return true;
	complain("the process's library speaks version %u of the control "
		 "channel, this command version %d",
		 line->page->version, CONTROL_VERSION);
	return false;
}

/* Bytes AT..AT+N of the file, in memory of ours. */
static void *read_part(const struct line *line, uint64_t at, uint64_t n)
{
	struct stat file;
	if (fstat(line->fd, &file) != 0 || at > (uint64_t)file.st_size ||
	    n > (uint64_t)file.st_size - at)
		return NULL;
	char *bytes = malloc(n + 1);
	uint64_t done = 0;
	while (bytes && done < n) {
		ssize_t got = pread(line->fd, bytes + done, n - done,
				    (off_t)(at + done));
		if (got <= 0) {
			free(bytes);
			return NULL;
		}
		done += (uint64_t)got;
	}
	return bytes;
}

static bool read_report(const struct line *line, struct live_report *report)
{
	uint32_t state = state_of(line);
	if (!check_version(line))
		return false;
	if (state != CONTROL_ANSWERED)
		return explain_failure(line);
	report->length = line->page->report_bytes;
	report->bytes = read_part(line, line->page->report_at, report->length);
	if (!report->bytes)
		complain("the answer cannot be read");
	return report->bytes != NULL;
}

static bool put_known(const struct live *live, const struct line *line)
{
	uint64_t done = 0, bytes = live->n_known * sizeof(*live->known);
	while (done < bytes) {
		ssize_t n = pwrite(line->fd, (const char *)live->known + done,
				   bytes - done,
				   (off_t)(CONTROL_PAGE_BYTES + done));
		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	line->page->known_at = CONTROL_PAGE_BYTES;
	line->page->n_known = live->n_known;
	line->page->n_looks = live->n_looks;
	return true;
}

static bool ask(const struct live *live, struct line *line,
		enum control_question question, uint64_t address)
{
	struct control_page *page = line->page;
	if (!wait_while(line, CONTROL_STARTING) || !check_version(line))
		return false;
	if (state_of(line) != CONTROL_READY)
		return explain_failure(line);
	if (question == CONTROL_TRACE && !put_known(live, line)) {
		complain("what was lost before cannot be told: %s",
			 strerror(errno));
		return false;
	}
	page->question = question;
	page->wants = live->options.wants | CONTROL_WANTS_LOST;
	page->root_kinds = ALL_ROOTS;
	page->address = address;
	__atomic_store_n(&page->state, CONTROL_ASKED, __ATOMIC_RELEASE);
	syscall(SYS_futex, &page->state, FUTEX_WAKE, 1, NULL, NULL, 0);
	if (wait_while(line, CONTROL_ASKED))
		return true;
	complain("the copy of process %d has ended before it answered: out of "
		 "memory?",
		 (int)live->pid);
	return false;
}

/* --- for the verbs ----------------------------------------------------- */

struct live *live_open(pid_t pid, const struct live_options *options)
{
	struct live *live;
	if (!live_check(pid, options->despite_seccomp))
		return NULL;
	live = calloc(1, sizeof(*live));
	if (!live) {
		complain("no memory");
		return NULL;
	}
	live->pid = pid;
	live->options = *options;
	return live;
}

bool live_stats(struct live *live, struct live_report *report)
{
	struct line line;
	if (!call(live->pid, CONTROL_STATS, &line))
		return false;
	bool is_read = wait_while(&line, CONTROL_STARTING) &&
		       read_report(&line, report);
	hang_up(&line);
	return is_read;
}

/* One copy, one question. */
static bool look(struct live *live, enum control_question question,
		 uint64_t address, struct live_report *report,
		 struct line *line)
{
	if (!live->options.despite_memory && !live_check_memory(live->pid))
		return false;
	if (!call(live->pid,
		  live->options.notes_sites ? CONTROL_COPY_WATCH : CONTROL_COPY,
		  line))
		return false;
	if (ask(live, line, question, address) && read_report(line, report))
		return true;
	hang_up(line);
	see_buried(live->pid, line->copy);
	return false;
}

static int compare_words(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return (one > other) - (one < other);
}

/* Of the N sorted words in KNOWN those that are in MORE too; how many. */
static uint64_t intersect(uint64_t *known, uint64_t n, const uint64_t *more,
			  uint64_t n_more)
{
	uint64_t kept = 0;
	for (uint64_t i = 0, m = 0; i < n; i++) {
		while (m < n_more && more[m] < known[i])
			m++;
		if (m < n_more && more[m] == known[i])
			known[kept++] = known[i];
	}
	return kept;
}

/* What the next look is told, from the N blocks lost in this. */
static void know(struct live *live, uint64_t *lost, uint64_t n)
{
	qsort(lost, n, sizeof(*lost), compare_words);
	if (live->n_looks > 0 && !live->options.notes_sites)
		n = intersect(lost, n, live->known, live->n_known);
	free(live->known);
	live->known = lost;
	live->n_known = n;
	live->n_looks++;
}

bool live_look(struct live *live, struct live_report *report)
{
	struct line line;
	if (!look(live, CONTROL_TRACE, 0, report, &line))
		return false;
	uint64_t n = line.page->n_lost;
	uint64_t *lost = n > UINT64_MAX / 16
				 ? NULL
				 : read_part(&line, line.page->lost_at,
					     n * sizeof(*lost));
	hang_up(&line);
	see_buried(live->pid, line.copy);
	if (!lost) {
		complain("the answer cannot be read");
		free(report->bytes);
		return false;
	}
	know(live, lost, n);
	return true;
}

bool live_who(struct live *live, uint64_t address, struct live_report *report)
{
	struct line line;
	if (!look(live, CONTROL_ASK_WHO, address, report, &line))
		return false;
	hang_up(&line);
	see_buried(live->pid, line.copy);
	return true;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	if (live->options.notes_sites)
		send(live->pid, CONTROL_WATCH, 0);
	free(live->known);
	free(live);
}
