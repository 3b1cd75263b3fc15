/*
 * maps: what the kernel says is mapped, read from /proc/self/maps without
 * allocating. Thread-safe.
 */
#ifndef TARN_OS_MAPS_H
#define TARN_OS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Describes what lies at ADDRESS in BUFFER: "[stack]", "[heap]", the path of a
 * file, "the stack of this thread", "anonymous memory" or "no mapping";
 * "unknown memory" if the kernel does not tell. Returns BUFFER.
 */
const char *os_describe_address(uintptr_t address, char *buffer, size_t size);

/* True if the kernel says that nothing is mapped in the BYTES from START. */
bool os_is_unmapped(uintptr_t start, size_t bytes);

#endif
