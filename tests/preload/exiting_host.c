/* exiting_host: started by exiting.sh; ends in the way that it is told. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	free(malloc(10));
	if (argc > 1 && strcmp(argv[1], "_exit") == 0)
		_exit(3);
	if (argc > 1 && strcmp(argv[1], "_Exit") == 0)
		_Exit(3);
	if (argc > 1 && strcmp(argv[1], "quick_exit") == 0)
		quick_exit(3);
	return 3;
}
