/*
 * leaky: a server's sessions and their connections, which share ownership.
 *
 * It leaks on purpose: run it under a leak tracer and see what that says.
 */
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

class Session;

/* Where a session's messages go. */
class Connection
{
      public:
	virtual ~Connection() = default;
	virtual void send(const std::string &text) = 0;

	/* Who is told when the other side hangs up. */
	void attach(std::shared_ptr<Session> session)
	{
		session_ = std::move(session);
	}

      protected:
	std::shared_ptr<Session> session_;
};

class CountingConnection : public Connection
{
      public:
	void send(const std::string &text) override
	{
		n_bytes_ += text.size();
	}

      private:
	std::size_t n_bytes_ = 0;
};

class Session
{
      public:
	explicit Session(std::shared_ptr<Connection> connection)
		: connection_(std::move(connection))
	{
	}
	virtual ~Session() = default;

	virtual std::string greeting() const
	{
		return "welcome";
	}
	void greet()
	{
		connection_->send(greeting());
	}

      private:
	std::shared_ptr<Connection> connection_;
};

/* A session that wants to know of the end of its connection. */
class WatchingSession : public Session
{
      public:
	using Session::Session;
	std::string greeting() const override
	{
		return "welcome back";
	}
};

/* A request that is being answered. */
struct Request {
	int number;
	char answer[48];
};

class Server
{
      public:
	void open_session(int number, bool is_watching)
	{
		auto connection = std::make_shared<CountingConnection>();
		std::shared_ptr<Session> session;
		if (is_watching) {
			session = std::make_shared<WatchingSession>(connection);
			connection->attach(session);
		} else {
			session = std::make_shared<Session>(connection);
		}
		sessions_[number] = session;
	}

	void close_session(int number)
	{
		sessions_.erase(number);
	}

	/* Whether there is such a session to answer in. */
	bool answer(int number)
	{
		auto *request = new Request{number, ""};
		auto found = sessions_.find(number);
		if (found == sessions_.end())
			return false;
		std::snprintf(request->answer, sizeof(request->answer),
			      "session %d is here", number);
		found->second->greet();
		delete request;
		return true;
	}

      private:
	std::map<int, std::shared_ptr<Session>> sessions_;
};

int main()
{
	Server server;
	int n_answered = 0;
	for (int number = 1; number <= 4; number++)
		server.open_session(number, number == 3);
	for (int number = 1; number <= 5; number++)
		n_answered += server.answer(number);
	for (int number = 1; number <= 4; number++)
		server.close_session(number);
	std::printf("4 sessions served, %d of 5 requests answered\n",
		    n_answered);
	return 0;
}
