/*
 * syscall: os_syscall, which the layers below need as well.
 */
#ifndef TARN_OS_SYSCALL_H
#define TARN_OS_SYSCALL_H

#include "base/syscall.h"

#endif
