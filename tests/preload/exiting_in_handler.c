/*
 * exiting_in_handler: a signal handler ends the program at once, wherever in
 * malloc and free the signal struck, with leaks to be reported. The program
 * ends with the status it asked for.
 */
#include "expect.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { N_PROGRAMS = 60, N_BLOCKS = 400, BLOCK_BYTES = 40000, STATUS = 7 };

static void handle(int signal)
{
	(void)signal;
	_exit(STATUS);
}

static void allocate_until_ended(long after_us)
{
	static char *blocks[N_BLOCKS];
	struct itimerval once = {.it_value = {0, after_us}};
	expect_tarn();
	signal(SIGALRM, handle);
	setitimer(ITIMER_REAL, &once, NULL);
	for (;;) {
		for (int i = 0; i < N_BLOCKS; i++)
			blocks[i] = malloc(BLOCK_BYTES);
		for (int i = 0; i < N_BLOCKS; i++)
			free(blocks[i]);
	}
}

static int status_of(const char *path, int n)
{
	char text[16];
	int status = 0;
	snprintf(text, sizeof(text), "%d", n);
	pid_t pid = fork();
	if (pid == 0) {
		close(STDERR_FILENO);
		execl(path, path, text, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return status;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		allocate_until_ended(1000 + 37 * strtol(argv[1], NULL, 10));
	expect_tarn();
	setenv("TARN_CONF", "leaks:true", 1);
	unsetenv("LSAN_OPTIONS");
	for (int i = 0; i < N_PROGRAMS; i++) {
		int status = status_of(argv[0], i);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == STATUS);
	}
	return expect_status();
}
