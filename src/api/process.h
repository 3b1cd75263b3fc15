/*
 * process: the life of the process and of its threads, as far as malloc sees
 * it.
 *
 * The first malloc may come before any constructor, the last free after every
 * destructor: nothing here waits for the one or relies on the other.
 */
#ifndef TARN_API_PROCESS_H
#define TARN_API_PROCESS_H

/*
 * Gives the calling thread a heap if it has none and has not ended. To be
 * called by every slow path that may allocate; cheap if there is nothing to do.
 */
void process_enter(void);

#endif
