/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VMM gives away before it runs a guest. Each in a process of its own. */
#include "vmm/hardening.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/unit/in-child.h"
#include "vmm/console-server.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int check_inherited(void)
{
    for (int fd = 3; fd < 40; fd += fd == 4 ? 20 : 1)
        CHECK(dup2(STDERR_FILENO, fd) == fd);
    hardening_close_inherited(2);
    CHECK(is_open(STDERR_FILENO) && is_open(3) && is_open(4));
    for (int fd = 5; fd < 40; fd++)
        CHECK(!is_open(fd));
    return 0;
}

static void test_what_nobody_named_is_closed(void **state _unused_)
{
    assert_int_equal(in_child(check_inherited), 0);
}

static int check_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    bool root;

    CHECK(syscall(SYS_capget, &header, data) == 0);
    root = data[0].effective & 1U << CAP_SETPCAP;
    if (root) { /* a capability that is there in all five */
        data[0].inheritable |= 1U << CAP_NET_RAW;
        CHECK(syscall(SYS_capset, &header, data) == 0);
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
    }
    CHECK(hardening_apply() == 0);
    CHECK(syscall(SYS_capget, &header, data) == 0);
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        CHECK((data[i].effective | data[i].permitted | data[i].inheritable) == 0);
    for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
        CHECK(!root || prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 0);
        CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 0);
    }
    CHECK(hardening_apply() == 0); /* nothing left to do */
    return 0;
}

static void test_no_capability_is_left(void **state _unused_)
{
    assert_int_equal(in_child(check_capabilities), 0);
}

static int check_limits(void)
{
    static const int none[] = {RLIMIT_CORE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE};
    struct rlimit limit;
    int n = 0;

    hardening_close_inherited(0);
    CHECK(dup2(STDERR_FILENO, 50) == 50);
    CHECK(hardening_apply() == 0);
    for (size_t i = 0; i < ELEMENTSOF(none); i++)
        CHECK(getrlimit(none[i], &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur == limit.rlim_max && limit.rlim_max > 51 && limit.rlim_max < 70);
    /* Room for everybody who may connect, and an end. */
    while (fcntl(STDERR_FILENO, F_DUPFD, 51) >= 0)
        n++;
    CHECK(errno == EMFILE && n > CONSOLE_CLIENTS_MAX + 1 && n < 20);
    return 0;
}

static void test_limits_are_what_is_needed(void **state _unused_)
{
    assert_int_equal(in_child(check_limits), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_named_is_closed),
        cmocka_unit_test(test_no_capability_is_left),
        cmocka_unit_test(test_limits_are_what_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
