/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control socket: what is asked, what is answered, and who cannot hold it up. */
#include "vmm/control.h"

#include <semaphore.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test.h"

#define UUID       "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define OTHER_UUID "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static struct machine machine;
static struct machine_device slots[3];
static struct virtio_device devices[3];
static struct options options;
static struct status status;
static struct event_loop loop;
static struct control control;
static struct thread_gate gate;
static struct sockaddr_un address;
static sem_t proceed;
static unsigned reconfigured;

static int reconfigure(struct virtio_device *device, const char *argument, char *reply, size_t size)
{
    if (strstr(argument, "hang"))
        (void)sem_wait(&proceed);
    reconfigured++;
    if (strstr(argument, "bad")) {
        reply_add(reply, size, "bad is no setting");
        return -EINVAL;
    }
    if (strcmp(argument, device->argument) != 0)
        reply_add(reply, size, "iops: 1 → 2");
    return 0;
}

static void describe(struct virtio_device *device, char *ret, size_t size)
{
    (void)snprintf(ret, size, "argument=%s", device->argument);
}

static const struct virtio_type live = {.reconfigure = reconfigure, .describe = describe};
static const struct virtio_type fixed = {0};

static void add(const char *option, const char *argument, const struct virtio_type *type)
{
    unsigned i = machine.n_devices++;
    char id[VIRTIO_ID_SIZE];

    (void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(argument, ","), argument);
    assert_int_equal(virtio_device_init(&devices[i], type, id, NULL, 0, 1, 64), 0);
    assert_int_equal(worker_start(&devices[i].worker, NULL, id, &gate), 0);
    devices[i].argument = argument;
    slots[i].device = &devices[i];
    for (const struct device_kind *kind = device_kinds; kind->option; kind++)
        if (strcmp(kind->option, option) == 0)
            options.devices[i].kind = kind;
    assert_non_null(options.devices[i].kind);
    options.devices[i].argument = argument;
    options.n_devices = machine.n_devices;
}

static int set_up(void **state)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)state;
    machine = (struct machine){.devices = slots};
    options = (struct options){.name = "web",
                               .uuid = UUID,
                               .vcpus = 1,
                               .memory_mib = 256,
                               .kvm = "fd:kvm",
                               .kernel = "fd:kernel",
                               .cmdline = "quiet",
                               .stop_timeout_sec = 30};
    memset(&status, 0, sizeof(status));
    (void)status_set(&status, STATUS_STATE, "Running");
    reconfigured = 0;
    assert_int_equal(sem_init(&proceed, 0, 0), 0);
    thread_gate_init(&gate, NULL, NULL);
    add("disk", "root,iops=1", &live);
    add("net", "eth0,mtu=1500", &fixed);
    assert_int_equal(thread_gate_wait(&gate, 2), 0);
    thread_gate_open(&gate);
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "volt-test-control-%d",
                   getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(event_loop_init(&loop), 0);
    assert_int_equal(control_init(&control, fd, &machine, &options, &status, &loop), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)sem_post(&proceed); /* of a test that failed */
    control_done(&control);
    for (unsigned i = 0; i < machine.n_devices; i++)
        virtio_device_done(&devices[i]);
    event_loop_done(&loop);
    thread_gate_done(&gate);
    return 0;
}

static int call(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Serves until there is an answer, or the line is dead: then "". */
static const char *hear(int fd)
{
    static char text[CONTROL_REPLY_SIZE + 1];
    ssize_t n;

    while ((n = recv(fd, text, sizeof(text) - 1, 0)) < 0 && errno == EAGAIN)
        assert_int_equal(event_loop_wait(&loop), 0);
    text[n > 0 ? n : 0] = '\0';
    (void)close(fd);
    return text;
}

static const char *ask(const char *request, size_t size)
{
    int fd = call();

    assert_int_equal(send(fd, request, size, 0), size);
    return hear(fd);
}

#define ASK(request) ask(request, sizeof(request))

#define SAME                                                                                       \
    "reload\0--uuid=" UUID                                                                         \
    "\0--name=web\0--vcpus=1\0--memory=256\0--kvm=fd:kvm\0--kernel=fd:kernel\0"                    \
    "--cmdline=quiet\0--stop-timeout=30\0--control=fd:control\0"

static void test_status(void **state _unused_)
{
    assert_string_equal(ASK("status"), "ok\n"
                                       "vm: name=web uuid=" UUID " vcpus=1 memory_mib=256\n"
                                       "status: Running\n"
                                       "disk root: argument=root,iops=1\n");
}

static void test_no_change(void **state _unused_)
{
    assert_string_equal(ASK(SAME "--disk=root,iops=1\0--net=eth0,mtu=1500"), "ok\n");
    assert_int_equal(reconfigured, 1);
    assert_string_equal(ASK(SAME "--debug\0--net=eth0,mtu=1500\0--disk=root,iops=1"), "ok\n");
}

static void test_changes(void **state _unused_)
{
    assert_string_equal(
        ASK("reload\0--name=web2\0--vcpus=2\0--memory=512\0--kernel=/boot/x\0--stop-timeout=60\0"
            "--initrd=fd:initrd\0--hugepages=no\0--readiness=guest,x=y\0--credential=a=b\0--net="
            "eth0,mtu=9000\0--disk="
            "root,iops=2\0--disk="
            "data"),
        "ok\n"
        "stop timeout: 30 s → 60 s\n"
        "name: 'web' → 'web2' takes effect at the next start\n"
        "vcpus: 1 → 2 takes effect at the next start\n"
        "memory in MiB: 256 → 512 takes effect at the next start\n"
        "hugepages: 'thp' → 'no' takes effect at the next start\n"
        "KVM device: 'fd:kvm' → '/dev/kvm' takes effect at the next start\n"
        "kernel: 'fd:kernel' → '/boot/x' takes effect at the next start\n"
        "cmdline: 'quiet' → '' takes effect at the next start\n"
        "readiness: 'vmm' → 'guest,x=y' takes effect at the next start\n"
        "credentials: what changed takes effect at the next start\n"
        "disk data: new, it takes effect at the next start\n"
        "disk root: iops: 1 → 2\n"
        "net eth0: mtu: 1500 → 9000 takes effect at the next start\n");
    assert_int_equal(options.stop_timeout_sec, 60);
    assert_int_equal(options.vcpus, 1);
    /* What was applied is no change any more; a device that is gone is told. */
    assert_string_equal(ASK("reload\0--uuid=" UUID
                            "\0--name=web\0--kvm=fd:kvm\0--kernel=fd:kernel\0"
                            "--cmdline=quiet\0--stop-timeout=60\0--net=eth0,mtu=1500"),
                        "ok\ndisk root: its removal takes effect at the next start\n");
}

static void test_refusals(void **state _unused_)
{
    struct capture capture = capture_start();
    static char big[CONTROL_REQUEST_SIZE];

    assert_string_equal(ASK(SAME "--disk=root,bad\0--net=eth0,mtu=1500"),
                        "refused\ndisk root: bad is no setting\n");
    assert_string_equal(ASK("reload\0--uuid=" OTHER_UUID "\0--kernel=fd:kernel"),
                        "refused\nthis is VM " UUID ", not " OTHER_UUID "\n");
    assert_string_equal(ASK("stop"), "refused\nthere is reload and status, no 'stop'\n");
    assert_string_equal(ASK(""), "refused\nthere is reload and status, no ''\n");
    assert_string_equal(ask("status", 6), "refused\nthe request has no end, or is too long\n");
    assert_string_equal(ask("reload\0--kernel=x", 17), "refused\nthe last argument has no end\n");
    memset(big, 'x', sizeof(big));
    assert_string_equal(ask(big, sizeof(big)), "refused\nthe request has no end, or is too long\n");
    memcpy(big, "reload", 7);
    for (size_t i = 7; i < 5000; i += 5)
        memcpy(big + i, "--a=", 5);
    const char *many = ask(big, 7 + 5 * 900);
    assert_memory_equal(many, "refused\nthere are more than ", 28);
    static const char *const wrong[] = {"--help",     "--version", "--he",       "--",
                                        "--unknown=", "--vcpus=0", "--kernel",   "x",
                                        "--help=x",   "--vcpus=x", "--cmdline=x"};
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        char request[64];
        int n = snprintf(request, sizeof(request), "reload%c%s", 0, wrong[i]);

        assert_memory_equal(ask(request, (size_t)n + 1), "refused\n", 8);
    }
    assert_int_equal(reconfigured, 1);
    assert_int_equal(options.stop_timeout_sec, 30);
    free(capture_end(&capture));
}

/* Neither who says nothing nor who does not listen keeps others out for long. */
static void test_slow_clients(void **state _unused_)
{
    control.patience_sec = 1;
    int silent = call(), gone = call(), later = call();

    (void)send(gone, "x", 2, 0);
    (void)close(gone);
    assert_int_equal(send(later, "status", 7, 0), 7);
    assert_memory_equal(hear(later), "ok\n", 3);
    assert_string_equal(hear(silent), "");
}

static void test_device_hangs(void **state _unused_)
{
    struct capture capture = capture_start();

    control.patience_sec = 1;
    assert_string_equal(ASK(SAME "--disk=root,hang\0--net=eth0,mtu=1500"),
                        "busy\n'root' does not answer\n");
    assert_string_equal(ASK("status"), "busy\n'root' still works on what it was asked before\n");
    (void)sem_post(&proceed);
    while (atomic_load(&control.inquiry.pending))
        ;
    /* The answer that came too late is nobody's. */
    assert_string_equal(ASK("status"), "ok\n"
                                       "vm: name=web uuid=" UUID " vcpus=1 memory_mib=256\n"
                                       "status: Running\n"
                                       "disk root: argument=root,iops=1\n");
    free(capture_end(&capture));
}

/* A client that leaves while a device works leaves nothing behind. */
static void test_client_leaves(void **state _unused_)
{
    int fd = call();

    assert_int_equal(send(fd, SAME "--disk=root,hang", sizeof(SAME "--disk=root,hang"), 0),
                     sizeof(SAME "--disk=root,hang"));
    while (!control.waiting)
        assert_int_equal(event_loop_wait(&loop), 0);
    (void)close(fd);
    while (control.waiting)
        assert_int_equal(event_loop_wait(&loop), 0);
    assert_int_equal(control.client.fd, -EBADF);
    (void)sem_post(&proceed);
    while (atomic_load(&control.inquiry.pending))
        ;
    assert_memory_equal(ASK("status"), "ok\n", 3);
}

static void test_no_socket(void **state _unused_)
{
    static struct control none;
    struct event_loop empty;

    assert_int_equal(event_loop_init(&empty), 0);
    assert_int_equal(control_init(&none, -EBADF, &machine, &options, &status, &empty), 0);
    control_done(&none);
    event_loop_done(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_clients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_device_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client_leaves, set_up, tear_down),
        cmocka_unit_test(test_no_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
