// SPDX-License-Identifier: LGPL-2.1-or-later
/* What volt-open opens, what it refuses to, and how it says so. */
#include "generator/open-file.h"

#include "temporary-dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

static void test_parse(void **state _unused_)
{
    struct open_file file;

    assert_int_equal(open_file_parse("kernel=/boot/a=b", false, false, &file), 0);
    assert_string_equal(file.name, "kernel");
    assert_string_equal(file.path, "/boot/a=b");
    assert_false(file.writable);
    assert_false(file.managed);
    assert_int_equal(open_file_parse_managed("kernel=debian-12", &file), 0);
    assert_string_equal(file.name, "kernel");
    assert_string_equal(file.path, "debian-12");
    assert_true(file.managed);
    assert_int_equal(open_file_parse_managed("initrd=debian-12", &file), 0);
    assert_string_equal(file.name, "initrd");
    assert_int_equal(open_file_parse_managed("disk.root=x", &file), -EINVAL);
    assert_int_equal(open_file_parse_managed("kernel=", &file), -EINVAL);
    assert_int_equal(open_file_parse_managed("kernel=..", &file), -EINVAL);
    assert_int_equal(open_file_parse_managed("kernel=a/b", &file), -EINVAL);
    assert_int_equal(open_file_parse("disk.root=/x", true, false, &file), 0);
    assert_int_equal(open_file_parse("vhost.eth0.3=/dev/vhost-net", true, false, &file), 0);
    assert_int_equal(open_file_parse("kernel", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("kernel=", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("kernel=boot", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("=/x", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("Kernel=/x", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("kernel.x=/x", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("disk.=/x", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("disk.a:b=/x", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("disk.root\nFDPOLL=/x", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("vhost.eth0.x=/x", false, false, &file), -EINVAL);
    assert_int_equal(open_file_parse("net.eth0.0=/x", false, false, &file), -EINVAL);
}

static void test_parse_optional(void **state _unused_)
{
    struct open_file file;

    assert_int_equal(open_file_parse("vhost.eth0.3=/dev/vhost-net", true, true, &file), 0);
    assert_true(file.optional);
    assert_int_equal(open_file_parse("disk.root=/x", true, true, &file), -EINVAL);
}

static void test_listen(void **state _unused_)
{
    char dir[] = "/tmp/volt-test-XXXXXX", text[160], new[128], *why = NULL;
    struct open_file file;
    struct stat st;

    assert_int_equal(open_file_parse_listen("kernel=/x", &file), -EINVAL);
    assert_int_equal(open_file_parse_listen("control=x", &file), -EINVAL);
    assert_int_equal(open_file_parse("control=/x", true, false, &file), -EINVAL);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(new, sizeof(new), "%s/new", dir);
    (void)snprintf(text, sizeof(text), "control=%s/control", new);
    assert_int_equal(open_file_parse_listen(text, &file), 0);
    /* The second one is in the first one's place. */
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = open_file_open(&file, &why),
                            client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(stat(file.path, &st), 0);
        assert_int_equal(st.st_mode, S_IFSOCK | 0600);
        strcpy(address.sun_path, file.path);
        assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
        _cleanup_close_ int peer = accept(fd, NULL, NULL);
        assert_true(peer >= 0);
    }
    assert_int_equal(unlink(file.path), 0);
    assert_int_equal(rmdir(new), 0);
    /* A link does not lead elsewhere. */
    assert_int_equal(symlink("/tmp", new), 0);
    assert_int_equal(open_file_open(&file, &why), -ENOTDIR);
    assert_non_null(why);
    free(why);
    assert_int_equal(unlink(new), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* One NIC has all its queues with vhost or none. */
static void test_same_nic(void **state _unused_)
{
    static const struct open_file queue0 = {.name = "vhost.eth0.0"},
                                  queue1 = {.name = "vhost.eth0.1"},
                                  other = {.name = "vhost.eth01.0"}, disk = {.name = "disk.eth0"};

    assert_true(open_file_same_nic(&queue0, &queue1));
    assert_false(open_file_same_nic(&queue0, &other));
    assert_false(open_file_same_nic(&queue0, &disk));
    assert_false(open_file_same_nic(&disk, &disk));
}

static void test_fallback(void **state _unused_)
{
    const struct open_file file = {
        .name = "vhost.eth0.0", .path = "/nonexistent/vhost", .writable = true, .optional = true};
    _cleanup_free_ char *why = NULL;

    assert_int_equal(open_file_open(&file, &why), -ENOENT);
    assert_string_equal(why, "eth0: cannot open /nonexistent/vhost: No such file or directory; "
                             "load the module with `modprobe vhost_net`; falling back to "
                             "userspace virtio-net");
}

static void refused(const struct temporary_dir *dir, const char *name, const char *base,
                    const char *reason)
{
    char path[PATH_MAX], expected[PATH_MAX + 256];
    _cleanup_free_ char *why = NULL;
    struct open_file file = {.path = temporary_path(dir, base, path)};

    (void)snprintf(file.name, sizeof(file.name), "%s", name);
    (void)snprintf(expected, sizeof(expected), "%s: cannot use %s: %s", name, path, reason);
    assert_true(open_file_open(&file, &why) < 0);
    assert_non_null(why);
    assert_string_equal(why, expected);
}

static void test_refused(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char path[PATH_MAX];

    temporary_write(&dir, "empty", "");
    temporary_write(&dir, "file", "x");
    /* Opening a pipe for reading would wait for a writer. */
    assert_int_equal(mkfifo(temporary_path(&dir, "pipe", path), 0600), 0);
    assert_int_equal(mkdir(temporary_path(&dir, "dir", path), 0700), 0);
    assert_int_equal(symlink("loop", temporary_path(&dir, "loop", path)), 0);

    refused(&dir, "kernel", "empty", "it is empty, not a kernel image");
    refused(&dir, "initrd", "empty", "it is empty, not an initial RAM disk");
    refused(&dir, "kernel", "pipe", "it is a special file, not a kernel image");
    refused(&dir, "disk.root", "dir", "it is a directory, not a disk image or a block device");
    refused(&dir, "kvm", "file", "it is a regular file, not the KVM device");
    refused(&dir, "initrd", "none", "No such file or directory; see initrd= in the VM's file");
    refused(&dir, "disk.root", "loop", "Too many levels of symbolic links");
}

static void test_not_kvm(void **state _unused_)
{
    const struct open_file file = {.name = "kvm", .path = "/dev/null", .writable = true};
    _cleanup_free_ char *why = NULL;

    assert_true(open_file_open(&file, &why) < 0);
    assert_string_equal(why,
                        "kvm: cannot use /dev/null: it does not speak version 12 of the KVM API");
}

static void test_opened(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *why = NULL;
    char path[PATH_MAX], link[PATH_MAX];
    struct open_file file = {.name = "kernel"};
    int fd;

    temporary_write(&dir, "file", "x");
    assert_int_equal(
        symlink(temporary_path(&dir, "file", path), temporary_path(&dir, "link", link)), 0);
    /* An administrator's link (/vmlinuz) is followed. */
    file.path = link;
    fd = open_file_open(&file, &why);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    (void)close(fd);
    file.writable = true;
    fd = open_file_open(&file, &why);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    (void)close(fd);
}

/* FILE is refused for being in use, with SAYS in the message. */
static bool in_use(const struct open_file *file, const char *says)
{
    _cleanup_free_ char *why = NULL;

    assert_int_equal(open_file_open(file, &why), -EBUSY);
    assert_non_null(why);
    return strstr(why, says) != NULL;
}

static int opened(const struct open_file *file)
{
    _cleanup_free_ char *why = NULL;
    int fd = open_file_open(file, &why);

    if (fd < 0)
        fail_msg("%s", why);
    return fd;
}

/* As the fd store hands it over: the lock stays with the description, not with who opened it. */
static void test_locked(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char path[PATH_MAX], expected[PATH_MAX + 256];
    const struct open_file writer = {.name = "disk.root", .path = path, .writable = true},
                           reader = {.name = "disk.root", .path = path};
    int first, second, copy;

    temporary_write(&dir, "image", "x");
    (void)temporary_path(&dir, "image", path);
    first = opened(&writer);
    (void)snprintf(expected, sizeof(expected),
                   "disk.root: cannot use %s: it is in use by '%.15s' (process %d); a disk that is "
                   "written to is one VM's alone, several can share it only with readonly = yes",
                   path, program_invocation_short_name, (int)getpid());
    assert_true(in_use(&writer, expected));
    assert_true(in_use(&reader, expected));

    copy = dup(first);
    (void)close(first);
    assert_true(in_use(&reader, expected));
    (void)close(copy);
    first = opened(&reader);
    second = opened(&reader);
    assert_true(in_use(&writer, expected));
    (void)close(first);
    (void)close(second);
}

/* The balloon's figures: a new, empty file each time, whose old one's readers are left alone. */
static void test_create(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char path[PATH_MAX], argument[PATH_MAX + 32];
    struct open_file file;
    struct stat st;

    temporary_write(&dir, "balloon", "old");
    (void)temporary_path(&dir, "balloon", path);
    _cleanup_close_ int old = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(argument, sizeof(argument), "balloon-statistics=%s", path);
    assert_int_equal(open_file_parse(argument, true, false, &file), -EINVAL);
    assert_int_equal(open_file_parse_listen(argument, &file), -EINVAL);
    assert_int_equal(open_file_parse_create("kernel=/x", &file), -EINVAL);
    assert_int_equal(open_file_parse_create("control=/x", &file), -EINVAL);
    assert_int_equal(open_file_parse_create(argument, &file), 0);
    _cleanup_close_ int fd = opened(&file);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(write(fd, "new", 3), 3);
    assert_int_equal(fstat(old, &st), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 3);
}

/* A shell that passes for a VMM, with the image open. */
static void test_holder(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    static const char *const argv[] = {"/usr/lib/volt/volt-vmm",
                                       "-c",
                                       "read -r line",
                                       "--uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                                       "--name=web",
                                       NULL};
    char path[PATH_MAX];
    const struct open_file file = {.name = "disk.data", .path = path, .writable = true};
    int ends[2], fd;
    pid_t pid;

    temporary_write(&dir, "image", "x");
    (void)temporary_path(&dir, "image", path);
    fd = opened(&file);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(ends[0], STDIN_FILENO);
        (void)fcntl(fd, F_SETFD, 0);
        (void)execv("/bin/sh", (char *const *)argv);
        _exit(1);
    }
    (void)close(fd);
    for (unsigned i = 0; !in_use(&file, ": it is in use by VM web "
                                        "(6ba7b810-9dad-11d1-80b4-00c04fd430c8)");
         i++) {
        assert_true(i < 1000);
        (void)usleep(1000);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),    cmocka_unit_test(test_parse_optional),
        cmocka_unit_test(test_listen),   cmocka_unit_test(test_same_nic),
        cmocka_unit_test(test_fallback), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_not_kvm),  cmocka_unit_test(test_opened),
        cmocka_unit_test(test_locked),   cmocka_unit_test(test_holder),
        cmocka_unit_test(test_create),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
