// SPDX-License-Identifier: LGPL-2.1-or-later
/* volt-open: opens what a VM is made of, and leaves it to volt-vmm in the service's fd store. */
#include "generator/fdstore.h"
#include "generator/helper-log.h"
#include "generator/helper-privileges.h"
#include "generator/host-network.h"
#include "generator/open-file.h"
#include "generator/open-kernel.h"
#include "generator/run-arguments.h"
#include "generator/vm-environment.h"
#include "generator/vsock-cid.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>

#define EXIT_USAGE 2

/* Opens disks, whoever's they are; finds out who has locked one, among other users' processes. */
#define KEEPS (CAPABILITY(DAC_OVERRIDE) | CAPABILITY(SYS_PTRACE))

static const char help[] =
    "volt-open [--read-write=NAME=PATH]... [--read-only=NAME=PATH]...\n"
    "          [--try-read-write=NAME=PATH]... [--listen=NAME=PATH]...\n"
    "          [--create=NAME=PATH]... [--vsock=uuid=UUID,cid=CID[,notify]]\n"
    "          [--managed=kernel=KERNEL [--managed=initrd=KERNEL] [--verify=HOW] --uuid=UUID]\n"
    "volt-open refuse MESSAGE\n"
    "\n"
    "Opens files and devices for a VM and leaves them in the service's fd store, as NAME.\n"
    "volt-vm@.service runs it, as root, before volt-vmm, which can open nothing itself.\n"
    "Run by hand it only says whether all could be opened.\n"
    "\n"
    "  --read-write=NAME=PATH      opens PATH for reading and writing\n"
    "  --read-only=NAME=PATH       opens PATH for reading\n"
    "                              NAME is kvm, kernel, initrd, disk.ID, vhost.ID.QUEUE or\n"
    "                              vhost-vsock\n"
    "  --try-read-write=NAME=PATH  as --read-write, for a vhost.ID.QUEUE that can be done "
    "without:\n"
    "                              says why it cannot be opened, and goes on\n"
    "  --listen=NAME=PATH          makes a socket for root alone; NAME is control\n"
    "  --create=NAME=PATH          makes an empty file; NAME is balloon-statistics\n"
    "  --vsock=uuid=UUID,cid=CID   gives vhost-vsock its CID, a number or auto; with notify, also\n"
    "                              leaves a socket there that listens to guests, as notify\n"
    "  --managed=kernel=KERNEL     opens and verifies a kernel that volt-kernel manages; with\n"
    "  --managed=initrd=KERNEL     also the initrd that it has, if any\n"
    "  --verify=HOW                auto: by fs-verity, or size and time; always: by reading it "
    "all\n"
    "  --uuid=UUID                 whose volt-vmm is told the kernel's words for its command line\n"
    "  --help                      this text\n"
    "  --version                   the version\n"
    "\n"
    "`refuse` fails with MESSAGE, status 78: for a VM that cannot start as it is described.\n";

static int usage_error(const char *text, const char *detail)
{
    (void)helper_fail(-EINVAL, "%s: %s; see volt-open --help", text, detail);
    return EXIT_USAGE;
}

/* The store keeps a second fd of a name beside the first: what a restart pushes is removed first.
 */
static int empty_store(const struct open_file *files, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n && r >= 0; i++)
        r = fdstore_remove(files[i].name);
    if (r >= 0)
        r = fdstore_remove(VSOCK_NOTIFY_NAME);
    if (r >= 0)
        r = fdstore_barrier();
    return r < 0 ? helper_fail(r, "cannot empty the fd store: %s", strerror(-r)) : 0;
}

/* One reason is said once, however many NICs and queues it keeps from vhost. It stands behind the
 * NIC's id. */
static void note_fallback(const char *why, char **said)
{
    const char *reason = strchr(why, ':');

    if (*said && reason && !strcmp(*said, reason))
        return;
    helper_log(LOG_NOTICE, "%s", why);
    free(*said);
    *said = reason ? strdup(reason) : NULL;
}

/* Returns how many there are. */
static int open_each(const struct open_file *files, size_t n, int *fds)
{
    _cleanup_free_ char *said = NULL;
    int opened = 0;

    for (size_t i = 0; i < n; i++) {
        _cleanup_free_ char *why = NULL;

        if (files[i].managed) { /* open_kernel() */
            opened++;
            continue;
        }
        if ((files[i].listens || files[i].creates) &&
            !fdstore_available()) { /* a running VM's would be lost */
            opened++;
            continue;
        }
        fds[i] = open_file_open(&files[i], &why);
        if (fds[i] >= 0) {
            opened++;
            continue;
        }
        if (!files[i].optional)
            return helper_fail(fds[i], "%s", why ?: strerror(-fds[i]));
        note_fallback(why ?: strerror(-fds[i]), &said);
    }
    return opened;
}

/* Whether the NIC lacks a queue: then the others are in vain. */
static bool is_in_vain(const struct open_file *files, size_t n, const int *fds, size_t index)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] < 0 && open_file_same_nic(&files[i], &files[index]))
            return true;
    return fds[index] < 0;
}

static int push_each(const struct open_file *files, size_t n, const int *fds)
{
    int r = 0;

    for (size_t i = 0; i < n; i++) {
        if (is_in_vain(files, n, fds, i))
            continue;
        r = fdstore_push(files[i].name, fds[i]);
        if (r < 0)
            return helper_fail(r, "%s: cannot store it: %s", files[i].name, strerror(-r));
    }
    r = fdstore_barrier();
    return r < 0 ? helper_fail(r, "systemd does not take the files: %s", strerror(-r)) : 0;
}

static int push_listener(void)
{
    _cleanup_close_ int fd = vsock_listen();
    int r = fd < 0 ? fd : fdstore_push(VSOCK_NOTIFY_NAME, fd);

    return r < 0 ? helper_fail(r, "vsock: cannot listen to guests: %s", strerror(-r)) : 0;
}

/* The device gets its CID, which volt-vmm's command line is told. */
static int set_up_vsock(const struct open_file *files, size_t n, const int *fds,
                        const struct vsock_request *vsock)
{
    _cleanup_free_ char *why = NULL;
    char text[16];
    uint32_t cid;
    int r = -ENOENT;

    for (size_t i = 0; i < n; i++)
        if (!strcmp(files[i].name, VSOCK_FDNAME))
            r = vsock_take_cid(fds[i], vsock, VSOCK_STATE_DIR, &cid, &why);
    if (r < 0)
        return helper_fail(r, "%s", why ?: strerror(-r));
    (void)snprintf(text, sizeof(text), "%u", cid);
    r = vm_environment_set(VM_RUN_DIR, vsock->uuid, &(struct vm_variable){"VOLT_CID", text}, 1);
    if (r < 0)
        return helper_fail(r, "vsock: cannot write %s/%s/environment: %s", VM_RUN_DIR, vsock->uuid,
                           strerror(-r));
    return vsock->notify ? push_listener() : 0;
}

static int open_all(const struct open_file *files, size_t n, const struct vsock_request *vsock,
                    const struct kernel_request *kernel)
{
    int fds[OPEN_FILE_MAX];
    int r;

    for (size_t i = 0; i < n; i++)
        fds[i] = -EBADF;
    r = empty_store(files, n);
    if (r >= 0)
        r = open_each(files, n, fds);
    if (r >= 0) {
        int q = open_kernel(files, n, kernel, fds);

        r = q < 0 ? q : r;
    }
    if (r >= 0 && fdstore_available() && vsock) {
        int q = set_up_vsock(files, n, fds, vsock);

        r = q < 0 ? q : r;
    }
    if (r >= 0 && fdstore_available())
        r = push_each(files, n, fds);
    else if (r >= 0)
        helper_log(LOG_INFO, "%s can be opened; not started by systemd, so nothing is kept open",
                   (size_t)r == n ? "all" : "all that is needed");
    for (size_t i = 0; i < n; i++)
        (void)close_fd(fds[i]);
    return r;
}

/* For volt-reload, beside the socket. */
static void keep_arguments(const struct open_file *files, size_t n, char *const *argv)
{
    char dir[PATH_MAX];

    for (size_t i = 0; i < n; i++) {
        if (!files[i].listens)
            continue;
        (void)snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(files[i].path, '/') - files[i].path),
                       files[i].path);
        if (run_arguments_save(dir, "volt-open", argv) < 0)
            helper_log(LOG_WARNING, "cannot write to %s; a reload will not see other paths", dir);
        return;
    }
}

static int refuse(int argc, char **argv)
{
    if (argc != 2 || !argv[1][0])
        return usage_error("refuse", "expected one message");
    (void)helper_fail(-EINVAL, "%s", argv[1]);
    (void)fdstore_barrier();
    return EX_CONFIG;
}

/* What is right by itself and wrong together. Returns 0 or the exit status. */
static int check(const struct open_file *files, size_t n, bool has_vsock)
{
    bool has_device = false;

    if (n == 0)
        return usage_error("nothing to open", "expected --read-only= or --read-write=");
    for (size_t i = 0; i < n; i++) {
        has_device = has_device || !strcmp(files[i].name, VSOCK_FDNAME);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(files[i].name, files[j].name))
                return usage_error(files[i].name, "given twice");
    }
    if (has_device != has_vsock)
        return usage_error("--vsock", "goes together with --read-write=" VSOCK_FDNAME "=PATH");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"read-write", required_argument, NULL, 'w'},
        {"read-only", required_argument, NULL, 'r'},
        {"try-read-write", required_argument, NULL, 't'},
        {"listen", required_argument, NULL, 'l'},
        {"create", required_argument, NULL, 'c'},
        {"vsock", required_argument, NULL, 'v'},
        {"managed", required_argument, NULL, 'm'},
        {"verify", required_argument, NULL, 'y'},
        {"uuid", required_argument, NULL, 'u'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    struct open_file files[OPEN_FILE_MAX];
    struct kernel_request kernel = {0};
    struct vsock_request vsock;
    const char *wrong;
    bool has_vsock = false;
    size_t n = 0;
    int c, r;

    (void)umask(0077);
    helper_privileges_keep(KEEPS | CAPABILITIES_HOST_NETWORK);
    if (argc >= 2 && !strcmp(argv[1], "refuse"))
        return refuse(argc - 1, argv + 1);
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (c == 'h')
            return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (c == 'V')
            return puts("volt-open " VOLT_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (c == 'v') {
            has_vsock = true;
            if (vsock_request_parse(optarg, &vsock) < 0)
                return usage_error(optarg, "expected uuid=UUID,cid=auto|NUMBER[,notify]");
            continue;
        }
        if (c == 'u')
            kernel.uuid = optarg;
        if (c == 'y' && kernel_request_parse_verify(optarg, &kernel) < 0)
            return usage_error(optarg, "expected auto or always");
        if (c == 'u' || c == 'y')
            continue;
        if (!strchr("wrtlcm", c))
            return EXIT_USAGE;
        if (n == OPEN_FILE_MAX)
            return usage_error(optarg, "too many files");
        if ((c == 'l'   ? open_file_parse_listen(optarg, &files[n])
             : c == 'c' ? open_file_parse_create(optarg, &files[n])
             : c == 'm' ? open_file_parse_managed(optarg, &files[n])
                        : open_file_parse(optarg, c != 'r', c == 't', &files[n])) < 0)
            return usage_error(optarg,
                               "expected NAME=PATH, with a known NAME and an absolute PATH");
        n++;
    }
    if (optind < argc)
        return usage_error(argv[optind], "unexpected argument");
    r = check(files, n, has_vsock);
    if (r != 0)
        return r;
    wrong = kernel_request_check(files, n, &kernel);
    if (wrong)
        return usage_error("--managed", wrong);
    /* Where namespaces have sockets of this kind of their own, those of the host are meant. */
    if (has_vsock && fdstore_available())
        (void)host_network_enter();
    helper_privileges_keep(KEEPS);
    if (open_all(files, n, has_vsock ? &vsock : NULL, &kernel) < 0)
        return EXIT_FAILURE;
    if (fdstore_available())
        keep_arguments(files, n, argv + 1);
    return EXIT_SUCCESS;
}
