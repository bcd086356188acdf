// SPDX-License-Identifier: LGPL-2.1-or-later
/* Locks on disks. Who holds one is looked up among the processes, when it is asked for: a record of
 * our own could be out of date. */
#include "generator/file-lock.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
    STORE_TRIES = 40, /* a VM that starts has its disks in systemd's hands for a moment */
    STORE_WAIT_USEC = 50000,
    SERVICE_MANAGER = 1,
};

int file_lock(int fd, bool writable)
{
    struct flock lock = {.l_type = writable ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* Up to SIZE - 1 bytes of a file in /proc; their number, 0 where it cannot be read. */
static size_t read_proc(const char *path, char *text, size_t size)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t length = 0;
    ssize_t n;

    while (fd >= 0 && length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    return length;
}

/* Without going to a file server that may not answer. */
static bool is_same_file(const char *path, const struct statx *file)
{
    struct statx st;

    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &st) == 0 &&
           st.stx_ino == file->stx_ino && st.stx_dev_major == file->stx_dev_major &&
           st.stx_dev_minor == file->stx_dev_minor;
}

static bool holds_lock(const char *pid, const struct statx *file)
{
    char path[64 + sizeof(((struct dirent *)NULL)->d_name)], text[2048];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%.16s/fdinfo", pid);
    dir = opendir(path);
    while (dir && !found && (entry = readdir(dir))) {
        (void)snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%s", pid, entry->d_name);
        if (!isdigit((unsigned char)entry->d_name[0]) || read_proc(path, text, sizeof(text)) == 0 ||
            !strstr(text, "\nlock:"))
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%.16s/fd/%s", pid, entry->d_name);
        found = is_same_file(path, file);
    }
    if (dir)
        (void)closedir(dir);
    return found;
}

/* The value of the argument OPTION ("--name=") in a command line of LENGTH bytes, if it is a plain
 * word. */
static const char *find_argument(const char *cmdline, size_t length, const char *option)
{
    size_t n = strlen(option);

    for (const char *word = cmdline; word < cmdline + length; word += strlen(word) + 1) {
        const char *value = word + n;

        if (strncmp(word, option, n) != 0 || !*value)
            continue;
        for (const char *p = value; *p; p++)
            if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
                return NULL;
        return value;
    }
    return NULL;
}

/* The VM that the process PID is, or NULL. */
static char *describe_vm(const char *pid)
{
    char path[64], cmdline[16384], *text = NULL;
    size_t length;

    (void)snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
    length = read_proc(path, cmdline, sizeof(cmdline));
    const char *slash = strrchr(cmdline, '/');
    if (strcmp(slash ? slash + 1 : cmdline, "volt-vmm") != 0)
        return NULL;
    const char *name = find_argument(cmdline, length, "--name="),
               *uuid = find_argument(cmdline, length, "--uuid=");
    int n = name && uuid
                ? asprintf(&text, "VM %s (%s)", name, uuid)
                : asprintf(&text, "VM %s (process %s)", name ? name : "without a name", pid);
    return n < 0 ? NULL : text;
}

static char *describe_process(const char *pid)
{
    char path[64], name[64], *text = NULL;
    size_t length;

    (void)snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
    length = read_proc(path, name, sizeof(name));
    if (length > 0 && name[length - 1] == '\n')
        name[length - 1] = '\0';
    return asprintf(&text, "'%s' (process %s)", name, pid) < 0 ? NULL : text;
}

/* Goes through all processes. A VM is the best answer, systemd, which keeps files for VMs, the
 * last: *ret_kept tells of it. */
static char *look(const struct statx *file, bool *ret_kept)
{
    char *vm = NULL, *other = NULL;
    const struct dirent *entry;
    DIR *proc = opendir("/proc");

    *ret_kept = false;
    while (proc && !vm && (entry = readdir(proc))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !holds_lock(entry->d_name, file))
            continue;
        if (atoi(entry->d_name) == SERVICE_MANAGER) {
            *ret_kept = true;
            continue;
        }
        vm = describe_vm(entry->d_name);
        if (!vm && !other)
            other = describe_process(entry->d_name);
    }
    if (proc)
        (void)closedir(proc);
    if (vm)
        free(other);
    return vm ? vm : other;
}

char *file_lock_holder(int fd)
{
    struct statx file;
    bool kept = true;
    char *text = NULL;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO, &file) < 0)
        return NULL;
    for (unsigned i = 0; i < STORE_TRIES && kept && !text; i++) {
        if (i > 0)
            (void)usleep(STORE_WAIT_USEC);
        text = look(&file, &kept);
    }
    return text || !kept ? text : strdup("another VM that is starting");
}

char *file_mount_point(int fd)
{
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_free_ char *line = NULL;
    size_t size = 0;
    struct stat st;

    if (!f || fstat(fd, &st) < 0)
        return NULL;
    while (getline(&line, &size, f) > 0) {
        unsigned major, minor;
        char *where = NULL;

        if (sscanf(line, "%*s %*s %u:%u %*s %ms", &major, &minor, &where) == 3 &&
            makedev(major, minor) == st.st_rdev)
            return where;
        free(where);
    }
    return NULL;
}
