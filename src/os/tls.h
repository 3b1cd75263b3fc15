/*
 * tls: how much thread-local memory lies with each thread's descriptor.
 */
#ifndef TARN_OS_TLS_H
#define TARN_OS_TLS_H

#include <stddef.h>

/*
 * An upper bound for the static TLS of a thread, from the loaded objects. Takes
 * no lock: may be called while the threads that load objects stand still.
 */
size_t os_static_tls_bytes(void);

#endif
