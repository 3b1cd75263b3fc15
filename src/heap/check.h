/*
 * check: heap_check() proves the laws of the heap by walking all of it.
 */
#ifndef TARN_HEAP_CHECK_H
#define TARN_HEAP_CHECK_H

#include <stddef.h>

/*
 * Aborts with one line that names the broken law, else returns how many carved
 * slots and large blocks it looked at. Takes every lock: call it with none.
 * Other threads may go on; what lies in their magazines is then left out.
 */
size_t heap_check(void);

#endif
