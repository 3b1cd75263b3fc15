/*
 * available: how much memory there is for this process. Raw system calls.
 */
#ifndef TARN_OS_AVAILABLE_H
#define TARN_OS_AVAILABLE_H

#include <stdbool.h>
#include <stddef.h>

/* What the machine has, or the control group may have if that is less. Read
 * anew each time. */
size_t os_available_bytes(void);

#endif
