/*
 * control: how the command asks a process that runs on tarn.
 *
 *	command                             process
 *	signal: a kind and a number ------> handler: threads stop, a copy is
 *	                                    made, they go on
 *	finds the copy among its children,  copy: makes a memory file named
 *	opens the file <------------------- after the number, waits
 *	writes what it wants into the
 *	first page, wakes ----------------> traces, appends a report
 *	reads <---------------------------- wakes, ends
 *
 * The copy's end is told by no signal, which some thread might wait for. The
 * process buries it when it next takes a slow path; the command asks for that
 * if it does not.
 *
 * Nothing has a name in any file system: the command reaches the file through
 * /proc/COPY/fd, and the kernel decides who may. The signal is one that is
 * ignored unless somebody handles it, so that a process that knows nothing of
 * tarn is not harmed; only a process's own user and root may send it.
 *
 * A request may come when it cannot be served: it is sent again, with the same
 * number, until there is an answer.
 *
 * While the command lives it holds a lock on the file (F_OFD_SETLK, byte 0, for
 * writing); where the copy could take it, the command is gone, and it ends.
 */
#ifndef TARN_WIRE_CONTROL_H
#define TARN_WIRE_CONTROL_H

#include <signal.h>
#include <stdint.h>

#define CONTROL_SIGNAL SIGURG

/* The file's name is this and the number in 8 hexadecimal digits. */
#define CONTROL_NAME "tarn."

/* The signal's value: this in the upper 16 bits, a kind, the number. */
#define CONTROL_MAGIC UINT64_C(0x7a52)

enum control_kind {
	CONTROL_STATS = 1,  /* a report of one record, WIRE_STATS */
	CONTROL_COPY,	    /* a copy that traces */
	CONTROL_COPY_WATCH, /* the same; CONTROL_WATCH_MS from then on */
	CONTROL_BURY,	    /* let go of copies that have ended; no answer */
	CONTROL_WATCH,	    /* note sites for so many milliseconds as the
			       number says; no answer */
};

/* In the kind: the signal was blocked, and is to be again. */
#define CONTROL_WAS_BLOCKED (1 << 15)

/* Asked in one: of two signals that wait the kernel keeps one. */
#define CONTROL_WATCH_MS 60000

static inline uint64_t control_value(enum control_kind kind, uint32_t number)
{
	return CONTROL_MAGIC << 48 | (uint64_t)kind << 32 | number;
}

/* Futex words: each side waits for the other to change it. */
enum control_state {
	CONTROL_STARTING,
	CONTROL_READY,	  /* process: is here; command: may ask */
	CONTROL_ASKED,	  /* command: has asked */
	CONTROL_ANSWERED, /* process: the report is there */
	CONTROL_FAILED,	  /* process: `error` says why */
};

enum control_error {
	CONTROL_NO_ERROR,
	CONTROL_NO_COPY, /* the kernel refused; `number` is its errno */
	CONTROL_NO_MEMORY,
	CONTROL_NO_MAPS, /* there is no /proc where the process is */
	CONTROL_BROKEN,	 /* the question was */
};

#define CONTROL_VERSION 1
#define CONTROL_PAGE_BYTES 4096

enum control_question {
	CONTROL_TRACE = 1, /* findings */
	CONTROL_ASK_WHO,   /* WIRE_WHO and what follows, of `address` */
	CONTROL_QUIT,
};

enum control_wants {
	CONTROL_WANTS_POSSIBLE = 1 << 0,
	CONTROL_WANTS_REACHED = 1 << 1, /* groups of blocks that are held */
	CONTROL_WANTS_LOST = 1 << 2,	/* the addresses of lost blocks */
};

/* The first page of the file. */
struct control_page {
	uint32_t version;
	uint32_t state; /* enum control_state */
	uint32_t pid;	/* of the process, as it sees itself */
	uint32_t error;
	uint32_t number; /* errno */
	/* Written by the command. */
	uint32_t question;
	uint32_t wants;
	uint32_t root_kinds;
	uint64_t address;
	/* Lost in all looks before: so many addresses of 8 bytes, at this place
	 * of the file, a multiple of CONTROL_PAGE_BYTES. */
	uint64_t known_at;
	uint64_t n_known;
	uint32_t n_looks; /* before this one */
	uint32_t unused;
	/* Written by the process: where in the file. */
	uint64_t report_at;
	uint64_t report_bytes;
	uint64_t lost_at;
	uint64_t n_lost;
};

#endif
