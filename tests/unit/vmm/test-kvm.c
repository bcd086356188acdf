/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only a real KVM can show. Without /dev/kvm this exits 77: not run, which is not passed. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/eventfd.h>

#include "elf-image.h"
#include "test.h"
#include "vmm/bus/msix.h"
#include "vmm/bus/platform.h"
#include "vmm/kvm/ioeventfd.h"
#include "vmm/machine.h"

static int kvm_fd = -EBADF;

static void test_no_kvm(void **state _unused_)
{
    _cleanup_close_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct vm vm;

    assert_int_equal(vm_init(&vm, fd), -ENOTTY);
    assert_int_equal(vm_init(&vm, -1), -EBADF);
}

static void test_memory(void **state _unused_)
{
    struct guest_memory memory;
    struct vm vm;

    assert_int_equal(vm_init(&vm, kvm_fd), 0);
    assert_true(vm.max_vcpus >= 1);
    assert_int_equal(guest_memory_init(&memory, 4 * GIB), 0);
    assert_int_equal(vm_set_memory(&vm, &memory), 0);
    vm_done(&vm);
    vm_done(&vm);
    guest_memory_done(&memory);
}

/* A count that waits behind the mask is KVM's the moment that the mask goes. */
static void test_msix(void **state _unused_)
{
    static struct msix msix;
    struct irq_router router;
    struct vm vm;
    uint64_t one = 1, pending;
    const uint64_t address = 0xfee00000;
    const uint32_t unmasked[] = {0x41, 0}, masked[] = {0x41, 1};

    assert_int_equal(vm_init(&vm, kvm_fd), 0);
    assert_int_equal(vm_make_interrupt_controllers(&vm), 0);
    assert_int_equal(irq_router_init(&router, vm.fd), 0);
    assert_int_equal(msix_init(&msix, 2, &router), 0);
    int fd = msix_eventfd(&msix, 1);
    msix_set_control(&msix, 1 << 15);
    msix_table_write(&msix, 16, &address, 8);
    assert_int_equal(write(fd, &one, 8), 8);
    msix_pending_read(&msix, 0, &pending, 8);
    assert_int_equal(pending, 2);

    msix_table_write(&msix, 24, unmasked, 8);
    assert_true(msix.lines[1].armed);
    msix_pending_read(&msix, 0, &pending, 8);
    assert_int_equal(pending, 0);
    msix_table_write(&msix, 24, masked, 8);
    assert_false(msix.lines[1].armed);
    /* KVM takes the count when it delivers, on a thread of its own. */
    assert_int_equal(eventfd_count(fd), 0);
    assert_int_equal(write(fd, &one, 8), 8);
    msix_pending_read(&msix, 0, &pending, 8);
    assert_int_equal(pending, 2);

    msix_done(&msix);
    irq_router_done(&router);
    vm_done(&vm);
}

static void test_ioeventfd(void **state _unused_)
{
    _cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct vm vm;

    assert_int_equal(vm_init(&vm, kvm_fd), 0);
    assert_int_equal(ioeventfd_deassign(&vm, 0xd0000000, fd), -ENOENT);
    assert_int_equal(ioeventfd_assign(&vm, 0xd0000000, fd), 0);
    assert_int_equal(ioeventfd_assign(&vm, 0xd0000000, fd), -EEXIST);
    assert_int_equal(ioeventfd_assign(&vm, 0xd0000004, fd), 0);
    assert_int_equal(ioeventfd_deassign(&vm, 0xd0000000, fd), 0);
    assert_int_equal(ioeventfd_deassign(&vm, 0xd0000004, fd), 0);
    vm_done(&vm);
}

static int make_machine(struct machine *machine, const struct elf_image *image, unsigned n_vcpus,
                        uint64_t memory_size)
{
    _cleanup_close_ int kernel = file_of(image, sizeof(*image));
    const struct machine_settings settings = {
        .kvm_fd = kvm_fd,
        .n_vcpus = n_vcpus,
        .memory_size = memory_size,
        .kernel_fd = kernel,
        .initrd_fd = -EBADF,
        .cmdline = "quiet",
    };

    memset(machine, 0, sizeof(*machine));
    return machine_init(machine, &settings);
}

/* A machine can be taken apart at whatever point its building stopped. */
static void test_half_built(void **state _unused_)
{
    static struct machine machine;
    struct elf_image *image = elf_image_new();

    assert_int_equal(make_machine(&machine, image, 1, 4096), -EINVAL);
    machine_done(&machine);
    assert_int_equal(make_machine(&machine, image, 100000, 64 * MIB), -EINVAL);
    machine_done(&machine);
    image->header.e_entry = 0;
    assert_int_equal(make_machine(&machine, image, 1, 64 * MIB), -ENOEXEC);
    machine_done(&machine);
    free(image);

    struct machine_settings settings = {.kvm_fd = -1, .n_vcpus = 1};
    memset(&machine, 0, sizeof(machine));
    assert_int_equal(machine_init(&machine, &settings), -EBADF);
    machine_done(&machine);
}

static void test_threads_abandoned(void **state _unused_)
{
    static struct machine machine;
    struct elf_image *image = elf_image_new();

    assert_int_equal(make_machine(&machine, image, 2, 64 * MIB), 0);
    assert_int_equal(machine_make_threads(&machine, NULL, NULL), 0);
    machine_done(&machine);
    free(image);
}

static int refuse(const struct filter *filter _unused_, void *context _unused_)
{
    return -EPERM;
}

static void test_lock_fails(void **state _unused_)
{
    static struct machine machine;
    struct elf_image *image = elf_image_new();

    assert_int_equal(make_machine(&machine, image, 1, 64 * MIB), 0);
    assert_int_equal(machine_make_threads(&machine, refuse, NULL), -EPERM);
    machine_done(&machine);
    free(image);
}

/* The boot processor's first instruction, in long mode: mov $5<<2|1<<5, %al; mov $0x600, %dx; out
 * %al, %dx */
static void test_first_exit(void **state _unused_)
{
    static const uint8_t code[] = {0xb0, 0x34, 0x66, 0xba, 0x00, 0x06, 0xee, 0xf4};
    static struct machine machine;
    struct elf_image *image = elf_image_new();
    enum vcpu_end end;

    memcpy(image->code + 0x10, code, sizeof(code));
    assert_int_equal(make_machine(&machine, image, 1, 64 * MIB), 0);
    struct machine_vcpu *v = &machine.vcpus[0];
    int reason = vcpu_run(&v->vcpu);
    assert_int_equal(reason, KVM_EXIT_IO);
    assert_int_equal(vcpu_loop_handle_exit(&v->loop, reason, &end), 0);
    assert_int_equal(atomic_load(&machine.how), MACHINE_POWERED_OFF);
    assert_int_equal(eventfd_count(machine.ended), 1);
    machine_done(&machine);
    free(image);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_kvm),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_msix),       cmocka_unit_test(test_ioeventfd),
        cmocka_unit_test(test_half_built), cmocka_unit_test(test_threads_abandoned),
        cmocka_unit_test(test_lock_fails), cmocka_unit_test(test_first_exit),
    };

    kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm_fd < 0) {
        fprintf(stderr, "not run: cannot open /dev/kvm: %m\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
