/*
 * live_answer: what the command is told (wire/control.h), by a copy of the
 * process if that takes more than a moment.
 */
#ifndef TARN_API_LIVE_ANSWER_H
#define TARN_API_LIVE_ANSWER_H

#include <stdint.h>

#include "base/attr.h"
#include "wire/control.h"

/*
 * Answers the request of KIND and NUMBER. The caller has the lock of traces and
 * no other, has blocked all signals, and has saved its registers on the stack;
 * INTERRUPTED is the stack pointer that its signal handler found, 0 if it is
 * none. Returns the id of a copy to be buried when it has ended, or 0.
 */
NOINLINE uint32_t live_answer(enum control_kind kind, uint32_t number,
			      uintptr_t interrupted);

#endif
