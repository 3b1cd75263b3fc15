// consumer: the same in C++, by operator new and the standard containers.
#include <cstdio>
#include <string>
#include <tarn.h>
#include <vector>

static uint64_t live_blocks()
{
	tarn_stats stats;
	return tarn_stats_get(&stats, sizeof(stats)) == 0 ? stats.live_blocks
							  : 0;
}

int main()
{
	const int n_blocks = 1000;
	uint64_t before = live_blocks();
	std::vector<std::string> strings;
	for (int i = 0; i < n_blocks; i++)
		strings.push_back(std::string(300, 'x'));
	uint64_t during = live_blocks();
	if (during < before + n_blocks) {
		std::fprintf(
			stderr, "operator new is not tarn's: %llu, then %llu\n",
			(unsigned long long)before, (unsigned long long)during);
		return 1;
	}
	std::printf("tarn %s\n", tarn_version());
	return 0;
}
