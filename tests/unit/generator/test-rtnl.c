// SPDX-License-Identifier: LGPL-2.1-or-later
/* Dumps that others' changes interrupt: libmnl tells of them, here as often as a test wants. */
#include "generator/rtnl.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ADDRESSES = 1500 /* more than one message of the kernel's tells of */ };

static unsigned interruptions;

int __real_mnl_cb_run(const void *buffer, size_t size, unsigned seq, unsigned portid,
                      mnl_cb_t callback, void *data);
int __wrap_mnl_cb_run(const void *buffer, size_t size, unsigned seq, unsigned portid,
                      mnl_cb_t callback, void *data);

int __wrap_mnl_cb_run(const void *buffer, size_t size, unsigned seq, unsigned portid,
                      mnl_cb_t callback, void *data)
{
    if (interruptions == 0)
        return __real_mnl_cb_run(buffer, size, seq, portid, callback, data);
    interruptions--;
    errno = EINTR;
    return -1;
}

static int setup(void **state)
{
    struct rtnl *rtnl;
    struct rtnl_link link;

    if (unshare(CLONE_NEWNET) < 0)
        return 0; /* without privilege: skipped */
    if (rtnl_new(&rtnl) < 0 || rtnl_link_get(rtnl, "lo", &link) < 0)
        return -1;
    for (uint32_t i = 1; i <= ADDRESSES; i++)
        if (rtnl_address_add(rtnl, link.ifindex, (struct in_addr){htonl(0x0a2a0000 + i)}, 32) < 0)
            return -1;
    *state = rtnl;
    return 0;
}

static int teardown(void **state)
{
    *state = rtnl_free(*state);
    return 0;
}

static struct rtnl *need_rtnl(void **state)
{
    if (!*state)
        skip();
    return *state;
}

static void test_interrupted(void **state)
{
    struct rtnl *rtnl = need_rtnl(state);
    struct rtnl_link link;

    assert_int_equal(rtnl_link_get(rtnl, "lo", &link), 0);
    interruptions = 3;
    assert_int_equal(rtnl_address_any(rtnl, link.ifindex), 1);
    assert_int_equal(interruptions, 0);
    assert_int_equal(rtnl_address_any(rtnl, link.ifindex + 1000), 0);
}

/* What is left of the answer is nobody else's. */
static void test_interrupted_for_ever(void **state)
{
    struct rtnl *rtnl = need_rtnl(state);
    struct rtnl_link link;

    interruptions = 1000;
    assert_int_equal(rtnl_address_any(rtnl, 1), -EINTR);
    assert_true(interruptions > 0);
    interruptions = 0;
    assert_int_equal(rtnl_link_get(rtnl, "lo", &link), 0);
    assert_int_equal(rtnl_link_get(rtnl, "nonexistent", &link), -ENODEV);
    assert_int_equal(rtnl_address_any(rtnl, link.ifindex), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_interrupted_for_ever),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
