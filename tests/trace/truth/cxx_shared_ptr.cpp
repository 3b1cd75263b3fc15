/*
 * cxx_shared_ptr: two objects of make_shared which own each other.
 *
 * expect: cycle count=1 blocks=2 retained=2
 */
#include "truth.h"

#include <memory>

struct Session;

struct Connection {
	std::shared_ptr<Session> session;
};

struct Session {
	std::shared_ptr<Connection> connection;
};

static void work()
{
	auto session = std::make_shared<Session>();
	session->connection = std::make_shared<Connection>();
	session->connection->session = session;
}

int main()
{
	certainly(work);
	return 0;
}
