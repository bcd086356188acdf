// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a helper has left when it has given up the rest. Each in a process of its own. */
#include "generator/helper-privileges.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/unit/in-child.h"

struct sets {
    uint64_t permitted, effective, inheritable;
};

static struct sets sets_now(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    (void)syscall(SYS_capget, &header, data);
    return (struct sets){
        .permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
        .effective = data[0].effective | (uint64_t)data[1].effective << 32,
        .inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
    };
}

static int check_capabilities(void)
{
    uint64_t first = CAPABILITY(NET_ADMIN) | CAPABILITIES_HOST_NETWORK, had = sets_now().permitted;
    struct sets sets;

    helper_privileges_keep(first);
    sets = sets_now();
    CHECK(sets.permitted == (had & first) && sets.effective == sets.permitted);
    CHECK(sets.inheritable == 0);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    for (unsigned long c = 0; had != 0 && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        CHECK(prctl(PR_CAPBSET_READ, c, 0, 0, 0) <= (first >> c & 1 ? 1 : 0));

    helper_privileges_keep(CAPABILITY(NET_ADMIN) | CAPABILITY(SYS_BOOT)); /* never more */
    sets = sets_now();
    CHECK(sets.permitted == (had & CAPABILITY(NET_ADMIN)) && sets.effective == sets.permitted);
    helper_privileges_keep(0);
    CHECK(sets_now().permitted == 0 && sets_now().effective == 0);
    return 0;
}

static int check_environment(void)
{
    CHECK(clearenv() == 0);
    CHECK(setenv("LD_PRELOAD", "/evil", 1) == 0 && setenv("NOTIFY_SOCKET", "/run/x", 1) == 0);
    CHECK(setenv("PATH", "/bin", 1) == 0 && setenv("VOLT_CID", "7", 1) == 0);
    CHECK(setenv("BASH_ENV", "/evil", 1) == 0 && setenv("NOTIFY", "x", 1) == 0);
    helper_privileges_keep(0);
    CHECK(getenv("NOTIFY_SOCKET") && strcmp(getenv("VOLT_CID"), "7") == 0);
    CHECK(!getenv("LD_PRELOAD") && !getenv("PATH") && !getenv("BASH_ENV") && !getenv("NOTIFY"));
    CHECK(environ[0] && environ[1] && !environ[2]);
    return 0;
}

static void test_capabilities(void **state _unused_)
{
    assert_int_equal(in_child(check_capabilities), 0);
}

static void test_environment(void **state _unused_)
{
    assert_int_equal(in_child(check_environment), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
