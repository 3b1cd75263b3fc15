#!/bin/bash
# cxx.sh: a compiler of C++ on templates and containers: g++'s cc1plus, or clang++.
# Trees of small nodes, tables that grow, and little that is freed before the end.
. "$(dirname "$0")/lib.sh"
parameters compiler=g++ deep=6 optimize=1 -- "$@"
case $compiler in
g++) need g++ g++ ;;
clang++) need clang++ clang ;;
*) fail "compiler=g++ or clang++" ;;
esac

source_text() {
	cat <<'END'
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>
template <int N> struct key {
	int v;
	bool operator<(const key &o) const { return v < o.v; }
};
template <int N> struct work {
	static long run(long x) {
		std::map<key<N>, std::vector<std::string>> m;
		std::unordered_map<std::string, std::vector<key<N>>> u;
		m[key<N>{(int)x}].push_back(std::to_string(x));
		u[std::to_string(x)].push_back(key<N>{1});
		std::function<long(long)> f = [&](long y) {
			return y + (long)m.size() + (long)u.size();
		};
		std::vector<key<N>> k(m.size());
		std::sort(k.begin(), k.end());
		return f(x) + work<N - 1>::run(x);
	}
};
template <> struct work<0> { static long run(long x) { return x; } };
int main(int n, char **) { return (int)work<DEEP>::run(n); }
END
}
preprocessed() {
	source_text | $compiler -std=c++17 -DDEEP="$deep" -x c++ -E -
}
input "cxx-$compiler-$deep.ii" preprocessed
end_of_preparation
# The compiler proper, not the driver in front of it.
if test "$compiler" = g++; then
	$MEASURE "$(g++ -print-prog-name=cc1plus)" -quiet -fpreprocessed \
		-std=c++17 "-O$optimize" "$input" -o out || exit
else
	cp "$input" work.ii
	$MEASURE "$(readlink -f "$(command -v clang++)")" -x c++-cpp-output \
		-std=c++17 "-O$optimize" -S -fno-integrated-cc1 \
		-fintegrated-as work.ii -o out || exit
fi
grep -v '^[[:space:]]*\.\(file\|ident\)' out | check
