/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-console: attaches a terminal to a VM's console. */
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tools/session.h"
#include "tools/vm-find.h"

#define CONSOLE_DIR "/run/volt/console"

enum { EXIT_USAGE = 2 };

static const char help[] =
    "volt-console [--watch] NAME|UUID\n"
    "volt-console [--watch] --socket=PATH\n"
    "\n"
    "Attaches this terminal to the console of a running VM that has a [console] section.\n"
    "^] three times within a second detaches; the VM runs on.\n"
    "\n"
    "  --watch        look on, and type nothing; ^C detaches\n"
    "  --socket=PATH  the socket of a VM that was started by hand (volt-vmm "
    "--console=ID,listen=PATH)\n"
    "  --help         this text\n"
    "  --version      the version\n";

static int usage_error(const char *text)
{
    (void)fprintf(stderr, "volt-console: %s; see volt-console --help\n", text);
    return EXIT_USAGE;
}

static int not_found(const char *word, int r)
{
    if (r == -ENOTUNIQ)
        (void)fprintf(stderr, "volt-console: two VMs are called '%s'; say which by its UUID\n",
                      word);
    else if (r == -EBADMSG)
        (void)fprintf(stderr,
                      "volt-console: the description of '%s' has errors: volt-generator --check\n",
                      word);
    else
        (void)fprintf(stderr,
                      "volt-console: no VM is called '%s' (a new one counts after `systemctl "
                      "daemon-reload`)\n",
                      word);
    return EXIT_FAILURE;
}

/* What is the matter, where it did not connect for the reason R. */
static int not_connected(const struct found_vm *vm, int r)
{
    if (r == -EACCES || r == -EPERM)
        (void)fprintf(stderr,
                      "volt-console: only root, and the group that [console] may name in the VM's "
                      "file, can attach to %s\n",
                      vm->name);
    else if (r == -EAGAIN)
        (void)fprintf(stderr, "volt-console: too many wait for %s already\n", vm->name);
    else if (r != -ENOENT && r != -ECONNREFUSED)
        (void)fprintf(stderr, "volt-console: cannot attach to %s: %s\n", vm->name, strerror(-r));
    else if (!vm->described)
        (void)fprintf(stderr, "volt-console: no VM has the UUID %s\n", vm->uuid);
    else if (!vm->has_console)
        (void)fprintf(stderr,
                      "volt-console: %s has no [console] section in its file (one that is added "
                      "counts after `systemctl daemon-reload` and a restart of the VM)\n",
                      vm->name);
    else
        (void)fprintf(stderr,
                      "volt-console: %s does not run, or has not been restarted since it has a "
                      "[console], or its socket could not be made: systemctl status volt-vm@%s "
                      "volt-console@%s.socket\n",
                      vm->name, vm->uuid, vm->uuid);
    return EXIT_FAILURE;
}

/* A connected socket that does not block, or -errno. */
static int attach(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

/* An exit status, with a message. */
static int run(int fd, const char *name, bool watch)
{
    int number = 0;

    switch (session_run(fd, name, watch, &number)) {
    case SESSION_LEFT:
        if (isatty(STDIN_FILENO))
            (void)fprintf(stderr, "\nDisconnected from %s, which runs on.\n", name);
        return EXIT_SUCCESS;
    case SESSION_VM_ENDED:
        (void)fprintf(stderr, "\n%s has ended; disconnected.\n", name);
        return EXIT_SUCCESS;
    case SESSION_BUSY:
        (void)fprintf(stderr, "volt-console: as many as there can be are attached to %s\n", name);
        return EXIT_FAILURE;
    case SESSION_SIGNALLED:
        (void)signal(number, SIG_DFL);
        (void)raise(number);
        return EXIT_FAILURE;
    default:
        return EXIT_FAILURE;
    }
}

static int run_socket(const char *path, bool watch)
{
    _cleanup_close_ int fd = attach(path);

    if (fd < 0) {
        (void)fprintf(stderr, "volt-console: cannot attach to %s: %s\n", path, strerror(-fd));
        return EXIT_FAILURE;
    }
    return run(fd, path, watch);
}

static int run_vm(const char *word, bool watch)
{
    struct found_vm vm;
    char path[sizeof(CONSOLE_DIR "/") + VM_UUID_LENGTH];

    int r = vm_find(GENERATED_UNITS, word, &vm);
    if (r < 0)
        return not_found(word, r);
    (void)snprintf(path, sizeof(path), CONSOLE_DIR "/%s", vm.uuid);
    _cleanup_close_ int fd = attach(path);
    return fd < 0 ? not_connected(&vm, fd) : run(fd, vm.name, watch);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"watch", no_argument, NULL, 'w'},
        {"socket", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    const char *path = NULL;
    bool watch = false;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;) {
        switch (c) {
        case 'w':
            watch = true;
            break;
        case 's':
            path = optarg;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_SUCCESS;
        case 'v':
            (void)puts("volt-console " VOLT_VERSION);
            return EXIT_SUCCESS;
        default:
            return EXIT_USAGE;
        }
    }
    if (argc - optind != (path ? 0 : 1))
        return usage_error(path ? "with --socket there is no name"
                                : "expected the name or the UUID of one VM");
    return path ? run_socket(path, watch) : run_vm(argv[optind], watch);
}
