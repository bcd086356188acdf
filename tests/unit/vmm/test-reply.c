/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies, and the differences between two values of an option. */
#include "tests/unit/vmm/test.h"

#include "vmm/virtio/reply.h"

static void lines_are_whole(void **state)
{
    char reply[16] = "";

    (void)state;
    reply_add(reply, sizeof(reply), "%s: %d", "iops", 7);
    assert_string_equal(reply, "iops: 7\n");
    reply_add(reply, sizeof(reply), "12345678"); /* one byte too long */
    assert_string_equal(reply, "iops: 7\n");
    reply_add(reply, sizeof(reply), "123456");
    assert_string_equal(reply, "iops: 7\n123456\n");
    reply_add(reply, sizeof(reply), "%s", "");
    assert_string_equal(reply, "iops: 7\n123456\n");
}

static void differences_are_told(void **state)
{
    static const char *const live[] = {"iops", "mbps", NULL};
    static const struct {
        const char *old, *new, *told;
        const char *const *live;
    } rows[] = {
        {"a,queues=1", "a,queues=1", "", NULL},
        {"a,queues=1,mtu=9000", "a,mtu=9000,queues=1", "", NULL},
        {"a,queues=1", "a,queues=2", "queues: 1 → 2 takes effect at the next start\n", NULL},
        {"a,queues=1", "a", "queues: 1 → - takes effect at the next start\n", NULL},
        {"a", "a,queues=1", "queues: - → 1 takes effect at the next start\n", NULL},
        {"a,iops=1", "a,mbps=2", "", live},
        {"a,iops=1,readonly", "a,iops=2", "readonly: yes → - takes effect at the next start\n",
         live},
        {"a,iop=1", "a,iop=2", "iop: 1 → 2 takes effect at the next start\n", live},
        {"cid=3", "cid=44,vhost=fd:x",
         "cid: 3 → 44 takes effect at the next start\n"
         "vhost: - → fd:x takes effect at the next start\n",
         NULL},
        {"a,x=", "a,x=1", "x:  → 1 takes effect at the next start\n", NULL},
        {"", "", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char reply[REPLY_SIZE] = "";
        unsigned lines = 0, told = reply_add_deferred(reply, sizeof(reply), rows[i].old,
                                                      rows[i].new, rows[i].live);

        assert_string_equal(reply, rows[i].told);
        for (const char *p = reply; *p; p++)
            lines += *p == '\n';
        assert_int_equal(told, lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_whole),
        cmocka_unit_test(differences_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
