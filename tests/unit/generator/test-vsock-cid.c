// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who gets which CID, and how the VMM hears of it; the kernel's word on what is taken is replaced.
 */
#include "generator/vsock-cid.h"

#include "generator/vm-environment.h"
#include "temporary-dir.h"

#include <linux/vhost.h>
#include <linux/vm_sockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#define OURS   "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define THEIRS "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static struct {
    uint64_t taken[4]; /* by somebody else */
    unsigned busy;     /* so often, everything is taken */
    int error;
    unsigned calls;
    uint64_t set;
} kernel;

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd _unused_, unsigned long request, ...)
{
    va_list ap;

    va_start(ap, request);
    uint64_t cid = *va_arg(ap, const uint64_t *);
    va_end(ap);
    assert_true(request == VHOST_VSOCK_SET_GUEST_CID);
    kernel.calls++;
    errno = kernel.error;
    if (kernel.error)
        return -1;
    errno = EADDRINUSE;
    if (kernel.busy > 0) {
        kernel.busy--;
        return -1;
    }
    for (size_t i = 0; i < ELEMENTSOF(kernel.taken); i++)
        if (kernel.taken[i] == cid)
            return -1;
    kernel.set = cid;
    return 0;
}

static int setup(void **state _unused_)
{
    memset(&kernel, 0, sizeof(kernel));
    return 0;
}

static void test_parse(void **state _unused_)
{
    static const char *const wrong[] = {
        "",
        "cid=auto",
        "uuid=" OURS,
        "uuid=" OURS ",cid=2",
        "uuid=" OURS ",cid=4294967295",
        "uuid=" OURS ",cid=-3",
        "uuid=" OURS ",cid=",
        "uuid=" OURS ",cid=auto,",
        "uuid=" OURS ",cid=auto,notify=yes",
        "uuid=../../etc/passwd,cid=auto",
        "uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8x,cid=auto",
    };
    struct vsock_request request;

    assert_int_equal(vsock_request_parse("uuid=" OURS ",cid=auto", &request), 0);
    assert_string_equal(request.uuid, OURS);
    assert_int_equal(request.cid, 0);
    assert_false(request.notify);
    assert_int_equal(vsock_request_parse("notify,cid=4294967294,uuid=" OURS, &request), 0);
    assert_int_equal(request.cid, 4294967294u);
    assert_true(request.notify);
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
        if (vsock_request_parse(wrong[i], &request) != -EINVAL)
            fail_msg("'%s' is taken", wrong[i]);
}

static void test_derived(void **state _unused_)
{
    uint32_t first = vsock_derive_cid(OURS, 0);

    assert_int_equal(first, vsock_derive_cid(OURS, 0));
    assert_int_not_equal(first, vsock_derive_cid(OURS, 1));
    assert_int_not_equal(first, vsock_derive_cid(THEIRS, 0));
    for (unsigned i = 0; i < 10000; i++)
        assert_in_range(vsock_derive_cid(OURS, i), 0x10000, 0x7fffffff);
}

static int take(const struct temporary_dir *dir, const char *uuid, uint32_t cid, uint32_t *ret,
                char **ret_why)
{
    struct vsock_request request = {.cid = cid};
    char path[PATH_MAX];

    memcpy(request.uuid, uuid, sizeof(request.uuid));
    return vsock_take_cid(-1, &request, temporary_path(dir, "vsock", path), ret, ret_why);
}

static void test_the_same_again(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *why = NULL;
    uint32_t first, second;

    kernel.taken[0] = vsock_derive_cid(OURS, 0);
    assert_int_equal(take(&dir, OURS, 0, &first, &why), 0);
    assert_int_equal(first, vsock_derive_cid(OURS, 1));
    assert_int_equal(kernel.set, first);
    /* Also when what was in the way is gone, or what it had lingers a little. */
    kernel.taken[0] = 0;
    kernel.busy = 3;
    assert_int_equal(take(&dir, OURS, 0, &second, &why), 0);
    assert_int_equal(second, first);
    assert_int_equal(kernel.set, first);
    assert_null(why);
}

/* Somebody took it meanwhile, and stays. */
static void test_another_one(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *why = NULL;
    uint32_t first, second;

    assert_int_equal(take(&dir, OURS, 0, &first, &why), 0);
    kernel.taken[0] = first;
    assert_int_equal(take(&dir, OURS, 0, &second, &why), 0);
    assert_int_not_equal(second, first);
    assert_int_equal(second, vsock_derive_cid(OURS, 1));
}

/* What is another VM's is left to it, running or not. */
static void test_kept_for_others(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char name[64], path[PATH_MAX];
    _cleanup_free_ char *why = NULL;
    uint32_t cid;

    assert_int_equal(mkdir(temporary_path(&dir, "vsock", path), 0755), 0);
    (void)snprintf(name, sizeof(name), "vsock/%u", vsock_derive_cid(OURS, 0));
    temporary_write(&dir, name, THEIRS "\n");
    (void)snprintf(name, sizeof(name), "vsock/%u", vsock_derive_cid(OURS, 1));
    temporary_write(&dir, name, "../x\n"); /* a crash's leavings */
    assert_int_equal(take(&dir, OURS, 0, &cid, &why), 0);
    assert_int_equal(cid, vsock_derive_cid(OURS, 1));
    assert_int_equal(kernel.calls, 1);
}

static void test_configured(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *why = NULL, *third = NULL;
    uint32_t cid;

    /* As auto had it for another VM, which does not run. */
    assert_int_equal(take(&dir, THEIRS, 0, &cid, &why), 0);
    uint32_t theirs = cid;
    assert_int_equal(take(&dir, OURS, theirs, &cid, &why), 0);
    assert_int_equal(cid, theirs);
    /* And now the other one has to go. */
    assert_int_equal(take(&dir, THEIRS, 0, &cid, &why), 0);
    assert_int_not_equal(cid, theirs);

    kernel.taken[0] = 4711;
    assert_int_equal(take(&dir, OURS, 4711, &cid, &why), -EADDRINUSE);
    assert_string_equal(why, "vsock: CID 4711 is in use by something that is no VM of Volt's; "
                             "choose another one with cid=, or auto");
    kernel.taken[0] = 0;
    free(TAKE_PTR(why));
    assert_int_equal(take(&dir, THEIRS, 4711, &cid, &why), 0);
    kernel.taken[0] = 4711;
    assert_int_equal(take(&dir, OURS, 4711, &cid, &third), -EADDRINUSE);
    assert_non_null(strstr(third, "CID 4711 is in use by VM " THEIRS ";"));
}

static void test_errors(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *why = NULL;
    uint32_t cid;

    kernel.error = ENOTTY;
    assert_int_equal(take(&dir, OURS, 0, &cid, &why), -ENOTTY);
    assert_non_null(strstr(why, "vsock: cannot take CID"));
    assert_non_null(strstr(why, "Inappropriate ioctl"));
}

static void assert_file(const struct temporary_dir *dir, const char *name, const char *wanted)
{
    char path[PATH_MAX], text[512] = "";
    _cleanup_fclose_ FILE *f = fopen(temporary_path(dir, name, path), "re");

    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    assert_string_equal(text, wanted);
}

static void test_environment(void **state _unused_)
{
    static const struct vm_variable cid = {"VOLT_CID", "4711"},
                                    several[] = {{"VOLT_CID", "1"}, {"VOLT_CIDS", "3"}};
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();

    assert_int_equal(vm_environment_set(dir.path, OURS, &cid, 1), 0);
    assert_file(&dir, OURS "/environment", "VOLT_CID=4711\n");
    temporary_write(&dir, OURS "/environment",
                    "VOLT_MAC_0=52:54:00:12:34:56\nVOLT_CID=1\nVOLT_CIDS=2\nVOLT_IP=\"ip=x\"\n");
    assert_int_equal(vm_environment_set(dir.path, OURS, &cid, 1), 0);
    assert_file(&dir, OURS "/environment",
                "VOLT_MAC_0=52:54:00:12:34:56\nVOLT_CIDS=2\nVOLT_IP=\"ip=x\"\nVOLT_CID=4711\n");
    assert_int_equal(vm_environment_set(dir.path, OURS, several, ELEMENTSOF(several)), 0);
    assert_file(&dir, OURS "/environment",
                "VOLT_MAC_0=52:54:00:12:34:56\nVOLT_IP=\"ip=x\"\nVOLT_CID=1\nVOLT_CIDS=3\n");
}

/* Where the kernel has such sockets at all; the port is its choice. */
static void test_listen(void **state _unused_)
{
    _cleanup_close_ int fd = vsock_listen();
    struct sockaddr_vm address;
    socklen_t size = sizeof(address);

    if (fd < 0) /* without vhost-vsock the host has no CID */
        assert_true(fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT || fd == -ENODEV);
    else
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    static const struct CMUnitTest tests[] = {
        TEST(test_parse),       TEST(test_derived),     TEST(test_the_same_again),
        TEST(test_another_one), TEST(test_configured),  TEST(test_kept_for_others),
        TEST(test_errors),      TEST(test_environment), TEST(test_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
