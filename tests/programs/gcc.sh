#!/bin/bash
# gcc: compiles generated C, also with -flto; the objects are the same, byte for byte.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sources.sh"
need gcc

link_time() {
	gcc -O2 -flto=2 -frandom-seed=1 -o main ../input/main.c \
		../input/file1.c ../input/file2.c || return
	./main
	sha256sum main
}

make_sources
same_output compile_c gcc
served gcc cc1 as ld collect2
same_output link_time
served lto1
