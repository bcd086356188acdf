// SPDX-License-Identifier: LGPL-2.1-or-later
/* peak FILE COMMAND… : runs it, and writes the most memory that it ever had resident to FILE, in KiB; ends with its status. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;

    if (argc < 3)
        return EXIT_FAILURE;
    pid_t child = fork();
    if (child == 0) {
        (void)execv(argv[2], argv + 2);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return EXIT_FAILURE;
    FILE *f = fopen(argv[1], "we");
    if (!f || fprintf(f, "%ld\n", usage.ru_maxrss) < 0 || fclose(f) != 0)
        return EXIT_FAILURE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
