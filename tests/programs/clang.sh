#!/bin/bash
# clang and clang++: compile generated sources; the objects are the same, byte for
# byte.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sources.sh"
need clang clang++

make_sources
same_output compile_c clang
served clang main
echo 'int main() { return 0; }' >"$input/empty.cpp"
clang++ -o "$input/empty" "$input/empty.cpp" 2>/dev/null ||
	skip "clang++ cannot link"
same_output compile_cxx clang++
served tower
