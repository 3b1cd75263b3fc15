/*
 * live: answers to the command, while the program goes on (wire/control.h).
 */
#ifndef TARN_API_LIVE_H
#define TARN_API_LIVE_H

/* Once libc is ready: handles the signal, if nobody else does. */
void live_construct(void);

/* A request that waited for the forking thread was not for the child. */
void live_after_fork_in_child(void);

#endif
