#!/bin/bash
# orders.sh: the memory orders that the code names are enough, and weaker ones not.
. "$(dirname "$0")/model.bash"

echo '#include <relacy/relacy.hpp>' |
	$CXX -std=gnu++11 -w -fsyntax-only -x c++ - 2>/dev/null ||
	skip "no relacy"

$CXX -std=gnu++11 -w -O0 -o "$work/orders" "$here/orders.cpp" &&
	"$work/orders"
