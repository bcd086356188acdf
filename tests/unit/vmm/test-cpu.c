/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUID tables and the boot processor's registers, as a KVM that is an ioctl(2) of ours gets them.
 */
#include "vmm/boot/cpu.h"

#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "test.h"
#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

enum { KVM_FD = 1000000, VCPU_FD, ENTRIES = 12 };

static struct {
    bool amd;
    unsigned n_entries, n_msrs, msrs_accepted;
    struct kvm_cpuid_entry2 entries[300];
    struct kvm_sregs sregs;
    struct kvm_regs regs;
} fake;

/* A host with eight cores, two threads each, that wants its topology known. */
static int supported(struct kvm_cpuid2 *table)
{
    const struct kvm_cpuid_entry2 entries[ENTRIES] = {
        {.function = 0, .eax = 0x1f, .ebx = fake.amd ? 0x68747541 : 0x756e6547},
        {.function = 1, .ebx = 0x0c100800, .edx = 1u << 28},
        {.function = 4, .index = 0, .eax = 0x1c004121},
        {.function = 4, .index = 3, .eax = 0x1c03c163},
        {.function = 4, .index = 4, .eax = 0},
        {.function = 0xa, .eax = 0x07300404, .edx = 0x603},
        {.function = 0xb, .index = 0, .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 12},
        {.function = 0xb, .index = 1, .eax = 4, .ebx = 16, .ecx = 0x201, .edx = 12},
        {.function = 0x1f, .index = 0, .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 12},
        {.function = 0x80000008, .eax = 0x3030, .ecx = 0x400f},
        {.function = 0x8000001e, .eax = 12, .ebx = 0x106, .ecx = 3},
        {.function = 0x40000000, .ebx = 0x4b4d564b},
    };

    assert_true(table->nent >= ENTRIES);
    table->nent = ENTRIES;
    memcpy(table->entries, entries, sizeof(entries));
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;

    va_start(ap, request);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    assert_int_equal(fd, request == KVM_GET_SUPPORTED_CPUID ? KVM_FD : VCPU_FD);
    switch (request) {
    case KVM_GET_SUPPORTED_CPUID:
        return supported(argument);
    case KVM_SET_CPUID2:
        fake.n_entries = ((struct kvm_cpuid2 *)argument)->nent;
        assert_true(fake.n_entries <= 256);
        memcpy(fake.entries, ((struct kvm_cpuid2 *)argument)->entries,
               fake.n_entries * sizeof(fake.entries[0]));
        return 0;
    case KVM_SET_MSRS:
        fake.n_msrs = ((struct kvm_msrs *)argument)->nmsrs;
        return (int)fake.msrs_accepted;
    case KVM_GET_SREGS:
        memset(argument, 0, sizeof(struct kvm_sregs));
        return 0;
    case KVM_SET_SREGS:
        memcpy(&fake.sregs, argument, sizeof(fake.sregs));
        return 0;
    case KVM_SET_REGS:
        memcpy(&fake.regs, argument, sizeof(fake.regs));
        return 0;
    default:
        errno = ENOTTY;
        return -1;
    }
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
    for (unsigned i = 0; i < fake.n_entries; i++)
        if (fake.entries[i].function == function && fake.entries[i].index == index)
            return &fake.entries[i];
    fail_msg("no CPUID leaf %#x.%u", function, index);
    return NULL;
}

static void set_cpuid(unsigned index, unsigned n, bool amd)
{
    const struct vm vm = {.kvm_fd = KVM_FD, .tsc_deadline_timer = true};
    const struct vcpu vcpu = {.index = index, .fd = VCPU_FD};

    memset(&fake, 0, sizeof(fake));
    fake.amd = amd;
    assert_int_equal(cpu_set_cpuid(&vm, &vcpu, n), 0);
}

/* One socket of N cores with one thread each, and each vCPU's own APIC ID everywhere. */
static void test_topology(void **state _unused_)
{
    static const struct {
        unsigned n, bits, logical;
    } cases[] = {{1, 0, 1}, {2, 1, 2},     {3, 2, 4},     {4, 2, 4},
                 {5, 3, 8}, {128, 7, 128}, {129, 8, 255}, {254, 8, 255}};

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        unsigned n = cases[i].n;

        for (unsigned index = 0; index<n; index += n> 1 ? n - 1 : 1) {
            set_cpuid(index, n, false);
            const struct kvm_cpuid_entry2 *one = leaf(1, 0);
            assert_int_equal(one->ebx >> 24, index);
            assert_int_equal(one->ebx >> 16 & 0xff, cases[i].logical);
            assert_int_equal(one->edx >> 28 & 1, n > 1);
            assert_int_equal(one->ecx >> 31, 1); /* a hypervisor is here */
            assert_int_equal(one->ecx >> 24 & 1, 1);
            for (unsigned k = 0; k < 2; k++) {
                uint32_t function = k ? 0x1f : 0xb;

                assert_int_equal(leaf(function, 0)->eax, 0);
                assert_int_equal(leaf(function, 0)->ebx, 1);
                assert_int_equal(leaf(function, 0)->ecx, 0x100);
                assert_int_equal(leaf(function, 1)->eax, cases[i].bits);
                assert_int_equal(leaf(function, 1)->ebx, n);
                assert_int_equal(leaf(function, 1)->ecx, 0x201);
                assert_int_equal(leaf(function, 1)->edx, index);
                assert_int_equal(leaf(function, 2)->ecx, 2); /* the end */
            }
        }
    }
}

static void test_caches(void **state _unused_)
{
    set_cpuid(0, 4, false);
    assert_int_equal(leaf(4, 0)->eax >> 14 & 0xfff, 0); /* the first level is each core's own */
    assert_int_equal(leaf(4, 0)->eax >> 26, 3);
    assert_int_equal(leaf(4, 3)->eax >> 14 & 0xfff, 3); /* the third is shared */
    assert_int_equal(leaf(4, 3)->eax & 0x3fff, 0x0163);
    assert_int_equal(leaf(4, 4)->eax, 0);
}

static void test_amd(void **state _unused_)
{
    set_cpuid(2, 3, true);
    assert_int_equal(leaf(0x80000008, 0)->ecx, 0x2002);
    assert_int_equal(leaf(0x8000001e, 0)->eax, 2);
    assert_int_equal(leaf(0x8000001e, 0)->ebx, 2);
    set_cpuid(2, 3, false);
    assert_int_equal(leaf(0x80000008, 0)->ecx, 0x400f); /* not AMD's: left alone */
}

static void test_hidden(void **state _unused_)
{
    set_cpuid(0, 1, false);
    assert_int_equal(leaf(0xa, 0)->eax | leaf(0xa, 0)->edx, 0); /* no performance counters */
    assert_int_equal(leaf(0x40000000, 0)->ebx, 0x4b4d564b);     /* KVM stays recognisable */
}

static void test_msrs(void **state _unused_)
{
    const struct vcpu vcpu = {.fd = VCPU_FD};

    fake.msrs_accepted = 2;
    assert_int_equal(cpu_set_msrs(&vcpu), 0);
    fake.msrs_accepted = 1;
    assert_int_equal(cpu_set_msrs(&vcpu), 0);
    fake.msrs_accepted = 0;
    assert_int_equal(cpu_set_msrs(&vcpu), -EIO);
}

/* Walks the page tables as the processor does: every address below 4 GiB is itself. */
static void test_boot_state(void **state _unused_)
{
    const struct vcpu vcpu = {.fd = VCPU_FD};
    struct guest_memory memory;

    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_int_equal(cpu_set_boot_state(&vcpu, &memory, 0x1000200), 0);
    assert_int_equal(fake.regs.rip, 0x1000200);
    assert_int_equal(fake.regs.rsi, LAYOUT_ZERO_PAGE);
    assert_int_equal(fake.regs.rflags, 2);
    assert_int_equal(fake.sregs.efer, 1 << 8 | 1 << 10);
    assert_int_equal(fake.sregs.cr0 & 1, 1);
    assert_int_equal(fake.sregs.cr0 >> 31, 1);
    assert_int_equal(fake.sregs.cs.selector, 0x10); /* __BOOT_CS */
    assert_int_equal(fake.sregs.ds.selector, 0x18); /* __BOOT_DS */
    assert_int_equal(fake.sregs.cs.l, 1);
    for (uint64_t address = 0; address < 4 * GIB; address += 2 * MIB) {
        uint64_t entry = fake.sregs.cr3;

        for (int shift = 39; shift >= 21; shift -= 9) {
            uint64_t at = (entry & ~UINT64_C(0xfff)) + (address >> shift & 511) * 8;

            assert_int_equal(guest_memory_read(&memory, at, &entry, 8), 0);
            assert_int_equal(entry & 3, 3);
        }
        assert_int_equal(entry & 0x80, 0x80);
        assert_true((entry & ~UINT64_C(0xfff)) == address);
    }
    const uint64_t *gdt = guest_memory_at(&memory, fake.sregs.gdt.base, 32);
    assert_non_null(gdt);
    assert_int_equal(fake.sregs.gdt.limit, 31);
    assert_int_equal(gdt[2] >> 53 & 1, 1); /* 64-bit code */
    guest_memory_done(&memory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topology), cmocka_unit_test(test_caches),
        cmocka_unit_test(test_amd),      cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_msrs),     cmocka_unit_test(test_boot_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
