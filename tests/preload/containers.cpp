/*
 * containers: the C++ library at work in several threads, which hand their
 * containers to each other and destroy thread_local objects when they end.
 */
#include "expect.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace
{
enum { N_THREADS = 4, N_ITEMS = 3000, N_ROUNDS = 6 };

using words = std::map<std::string, std::vector<int>>;

/* Frees when its thread ends, after the destructors of main's making. */
struct log_of_thread {
	std::list<std::string> lines;
	~log_of_thread()
	{
		lines.emplace_back(500, 'x');
		EXPECT(lines.back().size() == 500);
	}
};

thread_local log_of_thread log_lines;
thread_local std::unique_ptr<std::string> last_word;

std::mutex handed_lock;
std::vector<words> handed;

std::string word_of(int i)
{
	std::ostringstream out;
	out << "word number " << i << std::string(i % 90, '.');
	return out.str();
}

words make_words(int seed)
{
	words result;
	std::unordered_map<int, std::string> names;
	for (int i = 0; i < N_ITEMS; i++)
		names[i] = word_of(i * 7 + seed);
	for (auto &item : names)
		result[item.second].assign(item.first % 50, item.first);
	return result;
}

bool is_whole(const words &all)
{
	return all.size() == N_ITEMS &&
	       std::all_of(all.begin(), all.end(), [](const auto &item) {
		       const auto &numbers = item.second;
		       return std::count(numbers.begin(), numbers.end(),
					 numbers.empty() ? 0 : numbers[0]) ==
			      static_cast<long>(numbers.size());
	       });
}

void work(int seed)
{
	for (int round = 0; round < N_ROUNDS; round++) {
		words mine = make_words(seed + round);
		log_lines.lines.push_back(mine.begin()->first);
		last_word = std::make_unique<std::string>(mine.begin()->first);
		std::lock_guard<std::mutex> guard(handed_lock);
		handed.push_back(std::move(mine));
		if (handed.size() > N_THREADS) {
			EXPECT(is_whole(handed.front()));
			handed.erase(handed.begin());
		}
	}
}
} // namespace

int main()
{
	expect_tarn();
	for (int wave = 0; wave < 3; wave++) {
		std::vector<std::thread> threads;
		for (int i = 0; i < N_THREADS; i++)
			threads.emplace_back(work, i * 1000);
		auto answer = std::async(std::launch::async, make_words, 5);
		EXPECT(is_whole(answer.get()));
		for (auto &thread : threads)
			thread.join();
	}
	for (const auto &all : handed)
		EXPECT(is_whole(all));
	work(1);
	return expect_status();
}
