/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event loop: who is called, and who is not any more. */
#include "vmm/event.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "test.h"

static struct {
    struct event_loop loop;
    struct event_source sources[2];
    unsigned calls[2];
    bool removes; /* whoever is called first removes the other */
} world;

static void ready(struct event_source *source, uint32_t events _unused_)
{
    unsigned i = (unsigned)(source - world.sources);
    eventfd_t count;

    world.calls[i]++;
    assert_int_equal(eventfd_read(source->fd, &count), 0);
    if (world.removes)
        event_loop_remove(&world.loop, &world.sources[1 - i]);
}

static int setup(void **state _unused_)
{
    memset(&world, 0, sizeof(world));
    if (event_loop_init(&world.loop) < 0)
        return -1;
    for (unsigned i = 0; i < 2; i++) {
        world.sources[i] = (struct event_source){.fd = eventfd(1, EFD_CLOEXEC), .ready = ready};
        if (event_loop_add(&world.loop, &world.sources[i], EPOLLIN) < 0)
            return -1;
    }
    return 0;
}

static int teardown(void **state _unused_)
{
    for (unsigned i = 0; i < 2; i++)
        close_fd(world.sources[i].fd);
    event_loop_done(&world.loop);
    return 0;
}

static void test_all_that_is_ready_is_called(void **state _unused_)
{
    assert_int_equal(event_loop_wait(&world.loop), 0);
    assert_int_equal(world.calls[0], 1);
    assert_int_equal(world.calls[1], 1);
}

/* Both were ready at once, but the first one's call made the second one's senseless. */
static void test_removed_source_is_not_called(void **state _unused_)
{
    world.removes = true;
    assert_int_equal(event_loop_wait(&world.loop), 0);
    assert_int_equal(world.calls[0] + world.calls[1], 1);
    event_loop_remove(&world.loop, &world.sources[0]); /* twice does no harm */
    event_loop_remove(&world.loop, &world.sources[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_that_is_ready_is_called, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_source_is_not_called, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
