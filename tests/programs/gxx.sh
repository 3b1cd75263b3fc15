#!/bin/bash
# g++: compiles C++ with many templates; the program is the same, byte for byte.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sources.sh"
need g++

make_sources
same_output compile_cxx g++
served g++ cc1plus as tower
