# sources.sh: C and C++ sources of some weight, made on the spot, and the work of
# the tests that compile them.

# c_source N: file N of a program.
c_source() {
	awk -v file="$1" 'BEGIN {
		print "#include <stdint.h>\n#include <stdio.h>\n#include <string.h>"
		for (i = 0; i < 60; i++) {
			print "struct s" i " { uint32_t a[" i % 9 + 1 "]; double d;"
			print "\tconst char *name; struct s" i " *next; };"
			print "static const uint32_t t" i "[] = {"
			for (j = 0; j < 64; j++)
				printf "%d,", (i * 7919 + j * 104729) % 65521
			print "};"
			print "uint32_t f" file "_" i "(uint32_t x, struct s" i " *p)"
			print "{\n\tuint32_t y = x;"
			print "\tfor (unsigned i = 0; i < 64; i++) {"
			print "\t\ty = y * 31 + t" i "[(y ^ i) & 63];"
			print "\t\tswitch (y % 23) {"
			for (j = 0; j < 23; j++)
				print "\t\tcase " j ": y += " j * i + 1 \
					" ^ (y >> " j % 13 + 1 "); break;"
			print "\t\t}\n\t\tif (p != NULL && p->d > y)"
			print "\t\t\ty += (uint32_t)strlen(p->name);\n\t}"
			print "\treturn y;\n}"
		}
		print "uint32_t file" file "(uint32_t x)\n{"
		for (i = 0; i < 60; i++)
			print "\tx = f" file "_" i "(x, NULL);"
		print "\treturn x;\n}"
	}'
}

# main_source N: a main() that calls the files 1 to N.
main_source() {
	awk -v files="$1" 'BEGIN {
		print "#include <stdint.h>\n#include <stdio.h>"
		for (i = 1; i <= files; i++)
			print "uint32_t file" i "(uint32_t x);"
		print "int main(void)\n{\n\tuint32_t x = 1;"
		for (i = 1; i <= files; i++)
			print "\tx = file" i "(x);"
		print "\tprintf(\"%u\\n\", (unsigned)x);\n\treturn 0;\n}"
	}'
}

cxx_source() {
	cat <<'END'
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>

template <int N> struct tower {
	std::map<std::string, std::vector<std::shared_ptr<tower<N - 1>>>> floors;
	std::function<int(const tower<N - 1> &)> visit = [](const auto &t) {
		return N + static_cast<int>(t.floors.size());
	};
	int climb()
	{
		auto below = std::make_shared<tower<N - 1>>();
		floors[std::to_string(N)].push_back(below);
		return visit(*below) + below->climb();
	}
};
template <> struct tower<0> {
	std::map<int, int> floors;
	int climb() { return 1; }
};

int main()
{
	tower<12> top;
	std::unordered_map<std::string, int> counts;
	std::regex word("[a-z]+[0-9]*");
	std::string text = "one two2 three33 four";
	for (std::sregex_iterator i(text.begin(), text.end(), word), end; i != end;
	     ++i)
		counts[i->str()] += 1;
	std::vector<std::pair<std::string, int>> sorted(counts.begin(),
							counts.end());
	std::sort(sorted.begin(), sorted.end());
	for (const auto &[name, count] : sorted)
		std::cout << name << ' ' << count << '\n';
	std::cout << top.climb() << '\n';
	return 0;
}
END
}

make_sources() {
	local i
	for i in 1 2; do
		c_source $i >"$input/file$i.c"
	done
	main_source 2 >"$input/main.c"
	cxx_source >"$input/tower.cpp"
}

# compile_c COMPILER: objects at several levels, their bytes and what they compute.
compile_c() {
	local level
	for level in 0 2; do
		"$1" -O$level -g -c -o file1-$level.o ../input/file1.c || return
	done
	"$1" -O2 -Wall -c -o file2.o ../input/file2.c || return
	"$1" -O1 -S -o main.s ../input/main.c || return
	"$1" -o main main.s file1-2.o file2.o || return
	./main
	sha256sum file1-?.o file2.o main.s main
}

# compile_cxx COMPILER: the same for C++.
compile_cxx() {
	"$1" -std=c++17 -O1 -g -o tower ../input/tower.cpp || return
	./tower
	sha256sum tower
}
