/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* KVM exits, from a kvm_run page that no KVM wrote. */
#include "vmm/vcpu-loop.h"

#include <linux/kvm.h>

#include "test.h"

struct page {
    struct kvm_run run;
    uint8_t data[4096];
};

struct access {
    unsigned reads, writes;
    uint64_t offset, value;
    unsigned length;
};

static void access_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    struct access *access = context;

    access->offset = offset;
    access->length = length;
    bus_put(ret_data, length, 0xc0 + access->reads++);
}

static void access_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct access *access = context;

    access->offset = offset;
    access->length = length;
    access->value = access->value << 8 | bus_get(data, length);
    access->writes++;
}

static struct page page;
static struct access port, mmio;
static struct bus ports, mmios;
static struct vcpu vcpu = {.index = 3, .run = &page.run};
static const struct vcpu_loop loop = {.vcpu = &vcpu, .ports = &ports, .mmio = &mmios};

/* KVM, for what the loop asks of it: each KVM_RUN ends as the script says, and looks at the loop
 * from inside. */
static const int *script;
static struct vcpu_loop *scripted;
static unsigned clock_controls, alive_inside;

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd _unused_, unsigned long request, ...)
{
    if (request == KVM_KVMCLOCK_CTRL) {
        clock_controls++;
        errno = EINVAL; /* a guest without kvmclock */
        return -1;
    }
    assert_int_equal(request, KVM_RUN);
    for (unsigned i = 0; i < 3; i++)
        alive_inside += vcpu_loop_is_alive(scripted); /* how long ever it stays there */
    int reason = *script++;
    errno = reason < 0 ? -reason : 0;
    page.run.exit_reason = (uint32_t)reason;
    return reason < 0 ? -1 : 0;
}

static int setup(void **state _unused_)
{
    static const struct bus_ops ops = {.read = access_read, .write = access_write};

    page = (struct page){0};
    port = mmio = (struct access){0};
    ports = mmios = (struct bus){0};
    return bus_add(&ports, 0x600, 8, &ops, &port) < 0
               ? -1
               : bus_add(&mmios, 0xd0000000, 4096, &ops, &mmio);
}

static int handle(int reason, enum vcpu_end *ret_end)
{
    return vcpu_loop_handle_exit(&loop, reason, ret_end);
}

static void test_port(void **state _unused_)
{
    enum vcpu_end end;

    page.run.io.port = 0x602;
    page.run.io.size = 2;
    page.run.io.count = 1;
    page.run.io.data_offset = offsetof(struct page, data);
    page.run.io.direction = KVM_EXIT_IO_OUT;
    memcpy(page.data, "\x34\x12", 2);
    assert_int_equal(handle(KVM_EXIT_IO, &end), 0);
    assert_int_equal(port.offset, 2);
    assert_int_equal(port.value, 0x1234);
    page.run.io.direction = KVM_EXIT_IO_IN;
    assert_int_equal(handle(KVM_EXIT_IO, &end), 0);
    assert_int_equal(page.data[0], 0xc0);
    page.run.io.port = 0x80;
    assert_int_equal(handle(KVM_EXIT_IO, &end), 0);
    assert_int_equal(page.data[0], 0xff);
    assert_int_equal(page.data[2], 0);
}

static void test_string(void **state _unused_)
{
    enum vcpu_end end;

    page.run.io.port = 0x600;
    page.run.io.size = 1;
    page.run.io.count = 4;
    page.run.io.data_offset = offsetof(struct page, data);
    page.run.io.direction = KVM_EXIT_IO_OUT;
    memcpy(page.data, "\1\2\3\4", 4);
    assert_int_equal(handle(KVM_EXIT_IO, &end), 0);
    assert_int_equal(port.writes, 4);
    assert_int_equal(port.value, 0x01020304);
    page.run.io.direction = KVM_EXIT_IO_IN;
    assert_int_equal(handle(KVM_EXIT_IO, &end), 0);
    assert_memory_equal(page.data, "\xc0\xc1\xc2\xc3", 5);
}

static void test_mmio(void **state _unused_)
{
    enum vcpu_end end;

    page.run.mmio.phys_addr = 0xd0000010;
    page.run.mmio.len = 8;
    page.run.mmio.is_write = 1;
    memset(page.run.mmio.data, 0x11, 8);
    assert_int_equal(handle(KVM_EXIT_MMIO, &end), 0);
    assert_true(mmio.value == UINT64_C(0x1111111111111111));
    assert_int_equal(mmio.length, 8);
    page.run.mmio.is_write = 0;
    page.run.mmio.len = 4;
    assert_int_equal(handle(KVM_EXIT_MMIO, &end), 0);
    assert_memory_equal(page.run.mmio.data, "\xc0\0\0\0\x11", 5);
    page.run.mmio.phys_addr = UINT64_MAX - 3;
    assert_int_equal(handle(KVM_EXIT_MMIO, &end), 0);
    assert_memory_equal(page.run.mmio.data, "\xff\xff\xff\xff", 4);
}

static void test_goes_on(void **state _unused_)
{
    enum vcpu_end end;

    assert_int_equal(handle(-EINTR, &end), 0);
    assert_int_equal(handle(-EAGAIN, &end), 0);
}

static void test_ends(void **state _unused_)
{
    static const struct {
        int reason;
        enum vcpu_end end;
        const char *text;
    } cases[] = {
        {KVM_EXIT_SHUTDOWN, VCPU_END_TRIPLE_FAULT, ""},
        {KVM_EXIT_INTERNAL_ERROR, VCPU_END_KVM_ERROR,
         "KVM cannot go on with vCPU 3: internal error 1, an instruction that it cannot emulate\n"},
        {KVM_EXIT_FAIL_ENTRY, VCPU_END_KVM_ERROR, "KVM cannot enter vCPU 3: hardware reason 0x1\n"},
        {KVM_EXIT_HLT, VCPU_END_KVM_ERROR,
         "vCPU 3 left the guest for a reason that is not expected: 5\n"},
        {KVM_EXIT_UNKNOWN, VCPU_END_KVM_ERROR,
         "vCPU 3 left the guest for a reason that is not expected: 0\n"},
        {9999, VCPU_END_KVM_ERROR,
         "vCPU 3 left the guest for a reason that is not expected: 9999\n"},
        {-EFAULT, VCPU_END_KVM_ERROR, "KVM cannot run vCPU 3: Bad address\n"},
        {-ENOMEM, VCPU_END_KVM_ERROR, "KVM cannot run vCPU 3: Cannot allocate memory\n"},
    };

    page.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct capture capture = capture_start();
        enum vcpu_end end =
            cases[i].end == VCPU_END_KVM_ERROR ? VCPU_END_TRIPLE_FAULT : VCPU_END_KVM_ERROR;
        int r = handle(cases[i].reason, &end);
        _cleanup_free_ char *text = capture_end(&capture);

        assert_int_equal(r, 1);
        assert_int_equal(end, cases[i].end);
        assert_string_equal(text, cases[i].text);
    }
}

static jmp_buf out;

static void ended(void *context _unused_, enum vcpu_end end)
{
    assert_int_equal(end, VCPU_END_TRIPLE_FAULT);
    longjmp(out, 1);
}

/* Alive while it is with KVM, and when it has moved; not when it sits here. */
static void test_alive(void **state _unused_)
{
    static const int ends[] = {-EINTR, -EAGAIN, -EINTR, KVM_EXIT_SHUTDOWN};
    static struct vcpu_loop running;

    running = (struct vcpu_loop){.vcpu = &vcpu, .ports = &ports, .mmio = &mmios, .ended = ended};
    script = ends;
    scripted = &running;
    clock_controls = alive_inside = 0;
    assert_true(vcpu_loop_is_alive(&running)); /* the first time nobody can know */
    assert_false(vcpu_loop_is_alive(&running));
    if (setjmp(out) == 0)
        vcpu_loop_run(&running);
    assert_int_equal(alive_inside, 4 * 3);
    assert_true(vcpu_loop_is_alive(&running));
    assert_false(vcpu_loop_is_alive(&running));
    assert_false(vcpu_loop_is_alive(&running));
    /* A stop of the process is told to the guest, another way out is not. */
    assert_int_equal(clock_controls, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_port, setup), cmocka_unit_test_setup(test_string, setup),
        cmocka_unit_test_setup(test_mmio, setup), cmocka_unit_test_setup(test_goes_on, setup),
        cmocka_unit_test_setup(test_ends, setup), cmocka_unit_test_setup(test_alive, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
