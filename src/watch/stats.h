/*
 * stats: where every byte is.
 *
 * Collected on demand by walking the heap under all locks; nothing is counted
 * on any hit path.
 */
#ifndef TARN_WATCH_STATS_H
#define TARN_WATCH_STATS_H

#include "base/attr.h"
#include "tarn.h"

/* Takes every lock: call it with none. The second leaves resident_bytes 0,
 * which would have to be asked of the kernel. */
void stats_collect(struct tarn_stats *stats);
void stats_collect_counts(struct tarn_stats *stats);

/* Writes them to FD. false with errno set by write(2). */
bool stats_print(int fd, enum tarn_format format);

/*
 * Formats them into BUFFER, of STATS_TEXT_BYTES at least; returns the length.
 */
#define STATS_TEXT_BYTES 4096
size_t stats_format(char *buffer, size_t size, enum tarn_format format);

/*
 * Calls VISIT with each of tarn's mappings, which may be parts of one that the
 * kernel shows as a whole. Every lock is held.
 */
typedef void stats_mapping_visitor(void *context, uintptr_t at, size_t bytes);
void stats_visit_mappings(stats_mapping_visitor *visit, void *context);

#endif
