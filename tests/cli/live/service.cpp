/*
 * service.cpp: as service.c, for what C++ has. It says the address of a block
 * for each line that it reads:
 *
 * leaf		held by an array in a class that a base's pointer points to
 * box		held by a template in a namespace
 * local	held by a static variable of a function
 */
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace shop
{

struct Leaf {
	long number;
	Leaf *next;
};

struct Base {
	virtual ~Base() = default;
	long id = 1;
};

class Shelf : public Base
{
      public:
	struct Slot {
		int used;
		Leaf *leaf;
	};
	Slot slots[4] = {};
	~Shelf() override = default;
};

template <typename T> struct Box {
	T *content;
	std::unique_ptr<Box<T>> inner;
};

struct Registry {
	static Box<Leaf> box;
	static Base *shelf;
	std::vector<Leaf *> leaves;
};

Box<Leaf> Registry::box;
Base *Registry::shelf;

} // namespace shop

static shop::Leaf *local(shop::Leaf *leaf)
{
	static shop::Registry registry;
	if (leaf != nullptr) {
		registry.leaves.resize(8);
		registry.leaves[6] = leaf;
	}
	return registry.leaves[6];
}

[[gnu::noinline]] static void start()
{
	auto *shelf = new shop::Shelf;
	shelf->slots[2].leaf = new shop::Leaf{1, nullptr};
	shop::Registry::shelf = shelf;
	shop::Registry::box.inner = std::make_unique<shop::Box<shop::Leaf>>();
	shop::Registry::box.inner->content = new shop::Leaf{2, nullptr};
	local(new shop::Leaf{3, new shop::Leaf{4, nullptr}});
}

/* What earlier calls left on the stack goes. */
[[gnu::noinline]] static void wipe_stack()
{
	volatile char room[16384];
	memset(const_cast<char *>(room), 0, sizeof(room));
}

[[gnu::noinline]] static void answer(const std::string &what)
{
	const void *found = nullptr;
	if (what == "leaf")
		found = static_cast<shop::Shelf *>(shop::Registry::shelf)
				->slots[2]
				.leaf;
	else if (what == "box")
		found = shop::Registry::box.inner->content;
	else if (what == "local")
		found = local(nullptr)->next;
	printf("%p\n", found);
	fflush(stdout);
}

/* So deep that wipe_stack() reaches all that it leaves. */
[[gnu::noinline]] static void call_deep(const char *what)
{
	volatile char room[1024] = {};
	if (what == nullptr)
		start();
	else
		answer(what);
	room[0] = 1;
}

int main()
{
	char line[100];
	call_deep(nullptr);
	wipe_stack();
	puts("ok");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != nullptr) {
		line[strcspn(line, "\n")] = '\0';
		call_deep(line);
		wipe_stack();
	}
	return 0;
}
