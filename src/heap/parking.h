/*
 * parking: finding what parked heaps have, for heaps that need a pool.
 *
 * A heap whose thread has ended is parked whole, for the next new thread. Until
 * one comes its pools serve others. It stands in a list for each class of which
 * it may have room; who finds that it has none takes it out of that list. So
 * each look finds a pool, or shortens a list.
 *
 * Blocks of a parked heap that others free are found by a stack, on which the
 * first to flag a pool puts the heap (heap/remote.h).
 *
 * Locks: the registry's lock guards the lists; the stack is atomic.
 */
#ifndef TARN_HEAP_PARKING_H
#define TARN_HEAP_PARKING_H

#include "heap/heap.h"

/* HEAP, which is parked or about to be, enters the lists of what it has. It and
 * the registry are locked. */
void parking_enter_locked(struct heap *heap);

/* Without a lock: false if a look would surely be in vain. */
bool parking_may_have(uint32_t class);

/*
 * Lets HEAP, which is locked, have a pool of CLASS of a parked heap; false if
 * there is none. The registry is locked; a heap that somebody is at work on is
 * passed over.
 */
bool parking_adopt_locked(struct heap *heap, uint32_t class);

#endif
