/*
 * service: a small server for pages, with sessions, on a port of this machine.
 *
 *	GET /login?NAME     opens a session, whose cookie later requests send
 *	GET /logout?ID      closes it
 *	GET /page/PATH      renders a page; rendered ones are cached
 *
 * It leaks on purpose, in three ways that look alike from outside: its memory
 * grows. Run it on tarn, send it requests (with --load it sends them to itself)
 * and ask tarn(1) what is wrong.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define N_BUCKETS 256
#define N_SESSIONS 1024
#define N_WORKERS 4
#define LINE_BYTES 512

struct page {
	struct page *next;
	char *path;
	char *text;
};

struct session;

struct user {
	struct session *session;
	char name[40];
};

struct session {
	struct user *user;
	unsigned id;
	time_t since;
	char token[64];
};

static struct page *cache[N_BUCKETS];
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;

static struct session *sessions[N_SESSIONS];
static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned last_id;

static void *allocate(size_t bytes)
{
	void *block = calloc(1, bytes);
	if (block == NULL) {
		perror("service");
		exit(1);
	}
	return block;
}

/* --- sessions ------------------------------------------------------------ */

static struct session *session_open(const char *name)
{
	struct session *session = allocate(sizeof(*session));
	struct user *user = allocate(sizeof(*user));
	snprintf(user->name, sizeof(user->name), "%.39s", name);
	user->session = session;
	session->user = user;
	session->since = time(NULL);
	pthread_mutex_lock(&sessions_lock);
	session->id = last_id++;
	struct session **place = &sessions[session->id % N_SESSIONS];
	if (*place != NULL)
		free((*place)->user);
	free(*place);
	*place = session;
	pthread_mutex_unlock(&sessions_lock);
	return session;
}

/*
 * The first leak: session and user point to each other, each with the thought
 * that the other's last friend will free it.
 */
static int session_close(unsigned id)
{
	int is_known = 0;
	pthread_mutex_lock(&sessions_lock);
	struct session **place = &sessions[id % N_SESSIONS];
	if (*place != NULL && (*place)->id == id) {
		*place = NULL;
		is_known = 1;
	}
	pthread_mutex_unlock(&sessions_lock);
	return is_known;
}

/* --- pages --------------------------------------------------------------- */

static unsigned hash(const char *text)
{
	unsigned sum = 5381;
	while (*text != '\0')
		sum = sum * 33 + (unsigned char)*text++;
	return sum;
}

static char *render(const char *path)
{
	char *text = allocate(2048);
	snprintf(text, 2048,
		 "<h1>%s</h1>\n<p>Nothing is to be seen here.</p>\n", path);
	return text;
}

/*
 * The second: whoever asks for the same page at the same time renders it too,
 * and whoever comes late forgets what was rendered.
 *
 * The third: pages are never taken out of the cache, and every query string
 * makes another page.
 */
static const char *page_find(const char *path)
{
	unsigned bucket = hash(path) % N_BUCKETS;
	struct page *page;
	char *text = render(path);
	pthread_mutex_lock(&cache_lock);
	for (page = cache[bucket]; page != NULL; page = page->next)
		if (strcmp(page->path, path) == 0)
			break;
	if (page == NULL) {
		page = allocate(sizeof(*page));
		page->path = strdup(path);
		page->text = text;
		page->next = cache[bucket];
		cache[bucket] = page;
	}
	pthread_mutex_unlock(&cache_lock);
	return page->text;
}

/* --- requests ------------------------------------------------------------ */

static void answer(FILE *stream, const char *path)
{
	unsigned id;
	fputs("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", stream);
	if (strncmp(path, "/login?", 7) == 0)
		fprintf(stream, "%u\n", session_open(path + 7)->id);
	else if (sscanf(path, "/logout?%u", &id) == 1)
		fputs(session_close(id) ? "bye\n" : "who?\n", stream);
	else
		fputs(page_find(path), stream);
}

static void serve(int connection)
{
	char line[LINE_BYTES], path[LINE_BYTES];
	FILE *stream = fdopen(connection, "r+");
	if (stream == NULL) {
		close(connection);
		return;
	}
	if (fgets(line, sizeof(line), stream) != NULL &&
	    sscanf(line, "GET %511s", path) == 1) {
		fseek(stream, 0, SEEK_CUR);
		answer(stream, path);
	}
	fclose(stream);
}

static void *work(void *listener)
{
	for (;;) {
		int connection = accept(*(int *)listener, NULL, NULL);
		if (connection >= 0)
			serve(connection);
	}
	return NULL;
}

/* --- requests of our own -------------------------------------------------- */

static struct sockaddr_in address;

/* Sends one request; what the last line of the answer says as a number. */
static unsigned request(const char *path)
{
	char line[LINE_BYTES] = "", last[LINE_BYTES] = "";
	int connection = socket(AF_INET, SOCK_STREAM, 0);
	FILE *stream;
	if (connect(connection, (struct sockaddr *)&address, sizeof(address)) !=
		    0 ||
	    (stream = fdopen(connection, "r+")) == NULL) {
		close(connection);
		return 0;
	}
	fprintf(stream, "GET %s HTTP/1.0\r\n", path);
	fflush(stream);
	while (fgets(line, sizeof(line), stream) != NULL)
		memcpy(last, line, sizeof(last));
	fclose(stream);
	return (unsigned)strtoul(last, NULL, 10);
}

static void *load(void *unused)
{
	char path[64];
	(void)unused;
	for (unsigned n = 0;; n++) {
		snprintf(path, sizeof(path), "/login?visitor-%u", n);
		unsigned id = request(path);
		request("/page/welcome");
		snprintf(path, sizeof(path), "/page/news?visitor=%u", n);
		request(path);
		snprintf(path, sizeof(path), "/logout?%u", id);
		request(path);
		usleep(5000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	socklen_t length = sizeof(address);
	pthread_t thread;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int has_load = argc == 2 && strcmp(argv[1], "--load") == 0;
	if (argc > 1 && !has_load) {
		fprintf(stderr, "usage: service [--load]\n");
		return 2;
	}
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, length) != 0 ||
	    listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
		perror("service");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	printf("process %d, http://127.0.0.1:%d/\n", (int)getpid(),
	       ntohs(address.sin_port));
	fflush(stdout);
	for (int i = 0; i < N_WORKERS; i++)
		pthread_create(&thread, NULL, work, &listener);
	if (has_load)
		pthread_create(&thread, NULL, load, NULL);
	for (;;)
		pause();
}
