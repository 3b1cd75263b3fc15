/*
 * fork: what tarn does before and after a fork(2). The protocol is told in
 * fork.c.
 */
#ifndef TARN_API_FORK_H
#define TARN_API_FORK_H

/*
 * Registers tarn's handlers, the first time. To be called before anybody else
 * registers any.
 */
void fork_watch(void);

#endif
