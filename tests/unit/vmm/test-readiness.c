/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is listened to, how much, and for how long: over AF_UNIX sockets, with a check of peers that
 * the test brings along. */
#include "vmm/readiness.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <sys/un.h>

#include "test.h"

enum { CID = 4711, TIMEOUT = 30 };

struct world {
    struct event_loop loop;
    struct readiness readiness;
    struct sockaddr_un address;
    int type;
    bool welcome;
    unsigned heard, late, ticks;
    struct guest_word word; /* the last one */
};

static struct world world;

static bool check(const struct sockaddr *address _unused_, socklen_t size _unused_, uint32_t cid)
{
    assert_int_equal(cid, CID);
    return world.welcome;
}

static void heard(void *context, const struct guest_word *word)
{
    assert_ptr_equal(context, &world);
    world.heard++;
    world.word = *word;
}

static void late(void *context _unused_)
{
    world.late++;
}

static void tick(void *context _unused_)
{
    world.ticks++;
}

static int begin(int type)
{
    static const struct readiness_calls calls = {.heard = heard, .late = late, .tick = tick};
    static unsigned n;

    memset(&world, 0, sizeof(world));
    world.welcome = true;
    world.type = type;
    world.address.sun_family = AF_UNIX;
    (void)snprintf(world.address.sun_path + 1, sizeof(world.address.sun_path) - 1,
                   "volt-readiness-%d-%u", (int)getpid(), n++);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&world.address, sizeof(world.address)) < 0 ||
        listen(fd, 1000) < 0 || event_loop_init(&world.loop) < 0)
        return -1;
    return readiness_init(&world.readiness, fd, CID, TIMEOUT, check, &world.loop, &calls, &world);
}

static int setup(void **state _unused_)
{
    return begin(SOCK_STREAM);
}

static int setup_packets(void **state _unused_)
{
    return begin(SOCK_SEQPACKET);
}

static int teardown(void **state _unused_)
{
    readiness_done(&world.readiness);
    event_loop_done(&world.loop);
    return 0;
}

static void turn(void)
{
    struct pollfd p = {.fd = world.loop.epoll_fd, .events = POLLIN};

    while (poll(&p, 1, 0) > 0)
        assert_int_equal(event_loop_wait(&world.loop), 0);
}

static int dial(void)
{
    int fd = socket(AF_UNIX, world.type | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&world.address, sizeof(world.address)),
                     0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* As sd_notify does: one connection, one message, and a wait for the other end's close. */
static void tell(const char *text)
{
    _cleanup_close_ int fd = dial();
    char c;

    say(fd, text);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn();
    assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), 0);
}

static bool is_closed(int fd)
{
    char c;

    return recv(fd, &c, 1, MSG_DONTWAIT) >= 0 || errno == ECONNRESET;
}

static void test_peers(void **state _unused_)
{
    struct sockaddr_vm peer = {.svm_family = AF_VSOCK, .svm_cid = CID, .svm_port = 1023};
    const struct sockaddr *address = (const struct sockaddr *)&peer;

    assert_true(readiness_peer_is_guest(address, sizeof(peer), CID));
    assert_false(readiness_peer_is_guest(address, sizeof(peer) - 1, CID));
    assert_false(readiness_peer_is_guest(address, sizeof(peer), CID + 1));
    peer.svm_port = 1024;
    assert_false(readiness_peer_is_guest(address, sizeof(peer), CID));
    peer.svm_port = 1;
    assert_true(readiness_peer_is_guest(address, sizeof(peer), CID));
    peer.svm_family = AF_UNIX;
    assert_false(readiness_peer_is_guest(address, sizeof(peer), CID));
}

static void test_a_message(void **state _unused_)
{
    tell("READY=1\nSTATUS=up");
    assert_int_equal(world.heard, 1);
    assert_true(world.word.ready);
    assert_string_equal(world.word.status, "up");
}

static void test_a_message_in_pieces(void **state _unused_)
{
    _cleanup_close_ int fd = dial();

    say(fd, "REA");
    turn();
    say(fd, "DY=1");
    turn();
    assert_int_equal(world.heard, 0);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn();
    assert_int_equal(world.heard, 1);
    assert_true(world.word.ready);
    assert_true(is_closed(fd));
}

static void test_packets(void **state _unused_)
{
    _cleanup_close_ int fd = dial();

    say(fd, "STATUS=one");
    turn();
    assert_int_equal(world.heard, 1);
    say(fd, "READY=1");
    turn();
    assert_int_equal(world.heard, 2);
    assert_true(world.word.ready);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn();
    assert_int_equal(world.heard, 2);
    assert_true(is_closed(fd));
}

static void test_nothing_said(void **state _unused_)
{
    tell("");
    close(dial());
    turn();
    assert_int_equal(world.heard, 0);
}

static void test_strangers_are_sent_away(void **state _unused_)
{
    struct capture capture = capture_start();
    unsigned budget = world.readiness.budget;

    world.welcome = false;
    for (unsigned i = 0; i < 300; i++) {
        _cleanup_close_ int fd = dial();

        (void)!send(fd, "READY=1", 7, MSG_NOSIGNAL);
        turn();
        assert_true(is_closed(fd));
    }
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(world.heard, 0);
    assert_int_equal(count_lines(text), 1);
    /* Nor do they use up what is the guest's. */
    assert_int_equal(world.readiness.budget, budget);
    world.welcome = true;
    tell("READY=1");
    assert_int_equal(world.heard, 1);
}

static void test_too_long(void **state _unused_)
{
    struct capture capture = capture_start();
    static char text[READINESS_MESSAGE_MAX + 2];

    memset(text, '\n', sizeof(text) - 1);
    memcpy(text, "READY=1", 7);
    for (unsigned i = 0; i < 2; i++) {
        _cleanup_close_ int fd = dial();

        say(fd, text);
        turn();
        assert_true(is_closed(fd));
    }
    _cleanup_free_ char *log = capture_end(&capture);
    assert_int_equal(world.heard, 0);
    assert_non_null(strstr(log, "longer than 4096 bytes"));
    assert_int_equal(count_lines(log), 1);
    text[READINESS_MESSAGE_MAX] = '\0';
    tell(text);
    assert_int_equal(world.heard, 1);
}

/* Who holds a connection and says nothing loses it where others wait; they get their turn. */
static void test_connections_are_few(void **state _unused_)
{
    int fds[READINESS_CONNECTIONS_MAX + 1];
    struct capture capture = capture_start();

    for (unsigned i = 0; i < ELEMENTSOF(fds); i++)
        fds[i] = dial();
    turn();
    assert_true(world.readiness.paused);
    say(fds[READINESS_CONNECTIONS_MAX], "READY=1");
    assert_int_equal(shutdown(fds[READINESS_CONNECTIONS_MAX], SHUT_WR), 0);
    readiness_tick(&world.readiness, READINESS_PATIENCE_FULL_SEC - 1);
    /* This one is slow, not silent. */
    say(fds[0], "STATUS=");
    turn();
    assert_int_equal(world.heard, 0);
    readiness_tick(&world.readiness, 1);
    turn();
    assert_int_equal(world.heard, 1);
    assert_false(world.readiness.paused);
    assert_false(is_closed(fds[0]));
    assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
    turn();
    assert_int_equal(world.heard, 2);
    free(capture_end(&capture));
    for (unsigned i = 0; i < ELEMENTSOF(fds); i++) {
        assert_true(is_closed(fds[i]));
        close(fds[i]);
    }
}

/* A guest that has little of its host's time needs many seconds for a message. */
static void test_a_slow_message(void **state _unused_)
{
    _cleanup_close_ int fd = dial();

    turn();
    for (const char *c = "READY=1"; *c; c++) {
        readiness_tick(&world.readiness, READINESS_PATIENCE_SEC - 1);
        assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
        turn();
    }
    readiness_tick(&world.readiness, READINESS_PATIENCE_SEC - 1);
    assert_int_equal(world.heard, 0);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn();
    assert_int_equal(world.heard, 1);
    assert_true(world.word.ready);
}

static void test_a_message_without_end(void **state _unused_)
{
    _cleanup_close_ int fd = dial();
    struct capture capture = capture_start();

    say(fd, "READY=1");
    turn();
    readiness_tick(&world.readiness, READINESS_PATIENCE_SEC - 1);
    turn();
    assert_false(is_closed(fd));
    assert_true(world.readiness.ticking);
    readiness_tick(&world.readiness, UINT64_MAX);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_true(is_closed(fd));
    assert_int_equal(world.heard, 0);
    assert_non_null(strstr(text, "does not end"));
}

/* A guest that talks without end is heard at its host's pace. */
static void test_the_pace(void **state _unused_)
{
    enum { ALL = READINESS_BUDGET_MAX + 3 * READINESS_BUDGET_STEP };
    static int fds[ALL];

    for (unsigned i = 0; i < ALL; i++) {
        fds[i] = dial();
        say(fds[i], "STATUS=x");
        close(fds[i]);
    }
    turn();
    assert_int_equal(world.heard, READINESS_BUDGET_MAX);
    assert_true(world.readiness.paused && world.readiness.ticking);
    readiness_tick(&world.readiness, 1);
    turn();
    assert_int_equal(world.heard, READINESS_BUDGET_MAX + READINESS_BUDGET_STEP);
    readiness_tick(&world.readiness, UINT64_MAX);
    turn();
    assert_int_equal(world.heard, ALL);
}

static void test_late(void **state _unused_)
{
    readiness_start(&world.readiness);
    assert_true(world.readiness.ticking);
    readiness_tick(&world.readiness, TIMEOUT - 1);
    assert_int_equal(world.late, 0);
    assert_int_equal(world.ticks, 1);
    tell("STATUS=still at it");
    readiness_tick(&world.readiness, 1);
    assert_int_equal(world.late, 1);
    readiness_tick(&world.readiness, 1000);
    assert_int_equal(world.late, 1);
}

/* Nobody waits any longer, and the timer rests when nothing is left for it to do. */
static void test_in_time(void **state _unused_)
{
    readiness_start(&world.readiness);
    tell("READY=1");
    readiness_done_waiting(&world.readiness);
    readiness_tick(&world.readiness, TIMEOUT + 1);
    assert_int_equal(world.late, 0);
    assert_false(world.readiness.ticking);
    tell("STATUS=later");
    assert_int_equal(world.heard, 2);
    assert_true(world.readiness.ticking);
    readiness_tick(&world.readiness, 1);
    assert_false(world.readiness.ticking);
    readiness_want_tick(&world.readiness);
    assert_true(world.readiness.ticking);
}

static void test_addresses(void **state _unused_)
{
    static const struct {
        int type;
        const char *prefix;
    } cases[] = {{SOCK_STREAM, "vsock-stream:2:"}, {SOCK_SEQPACKET, "vsock:2:"}};
    const struct sockaddr_vm any = {
        .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY};
    char address[READINESS_ADDRESS_SIZE];
    struct capture capture = capture_start();

    assert_true(readiness_address(world.readiness.listener.fd, address) < 0);
    _cleanup_close_ int silent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(readiness_address(silent, address) < 0);
    assert_true(readiness_address(-1, address) < 0);
    free(capture_end(&capture));
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_close_ int fd = socket(AF_VSOCK, cases[i].type | SOCK_CLOEXEC, 0);

        /* Where the kernel has such sockets. */
        if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0)
            continue;
        assert_int_equal(readiness_address(fd, address), 0);
        assert_true(strncmp(address, cases[i].prefix, strlen(cases[i].prefix)) == 0);
        assert_true(strtoul(address + strlen(cases[i].prefix), NULL, 10) >= 1024);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_peers),
        TEST(test_a_message),
        TEST(test_a_message_in_pieces),
        cmocka_unit_test_setup_teardown(test_packets, setup_packets, teardown),
        cmocka_unit_test_setup_teardown(test_a_message, setup_packets, teardown),
        TEST(test_nothing_said),
        TEST(test_strangers_are_sent_away),
        TEST(test_too_long),
        TEST(test_connections_are_few),
        TEST(test_a_slow_message),
        TEST(test_a_message_without_end),
        TEST(test_the_pace),
        TEST(test_late),
        TEST(test_in_time),
        TEST(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
