/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CPUID table: the host's offer, with one socket of N single-threaded cores. */
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/boot/cpu.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"
#include "vmm/log.h"

enum {
    CPUID_ENTRIES_MAX = 256,
    TOPOLOGY_LEAVES = 2,
    TOPOLOGY_LEVELS = 3, /* threads, cores, and the end */
};

#define ECX1_X2APIC       (1u << 21)
#define ECX1_TSC_DEADLINE (1u << 24)
#define ECX1_HYPERVISOR   (1u << 31)
#define EDX1_HTT          (1u << 28)

#define TOPOLOGY_LEVEL_THREAD 1u
#define TOPOLOGY_LEVEL_CORE   2u

/* Bits that hold an APIC ID below N. */
static unsigned id_bits(unsigned n)
{
    return n <= 1 ? 0 : 32u - (unsigned)__builtin_clz(n - 1);
}

/* Extended topology (Intel SDM 2A, CPUID leaves 0BH and 1FH): one level of it. */
static struct kvm_cpuid_entry2 topology_level(uint32_t leaf, unsigned level, unsigned index,
                                              unsigned n)
{
    struct kvm_cpuid_entry2 entry = {
        .function = leaf,
        .index = level,
        .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
        .ecx = level,
        .edx = index,
    };

    if (level == 0) {
        entry.ebx = 1;
        entry.ecx |= TOPOLOGY_LEVEL_THREAD << 8;
    } else if (level == 1) {
        entry.eax = id_bits(n);
        entry.ebx = n;
        entry.ecx |= TOPOLOGY_LEVEL_CORE << 8;
    }
    return entry;
}

/*
 * Puts our topology in place of the host's, of which recent KVMs give the first level alone. Leaves
 * that the guest cannot reach by leaf 0's maximum are left out.
 */
static void replace_topology(struct kvm_cpuid2 *table, unsigned index, unsigned n)
{
    static const uint32_t leaves[TOPOLOGY_LEAVES] = {0xb, 0x1f};
    uint32_t max = 0, kept = 0;

    for (uint32_t i = 0; i < table->nent; i++) {
        const struct kvm_cpuid_entry2 *entry = &table->entries[i];

        if (entry->function == 0)
            max = entry->eax;
        if (entry->function != leaves[0] && entry->function != leaves[1])
            table->entries[kept++] = *entry;
    }
    table->nent = kept;
    for (unsigned leaf = 0; leaf < TOPOLOGY_LEAVES; leaf++)
        for (unsigned level = 0; level < TOPOLOGY_LEVELS && leaves[leaf] <= max; level++)
            table->entries[table->nent++] = topology_level(leaves[leaf], level, index, n);
}

static void set_entry(struct kvm_cpuid_entry2 *entry, const struct vm *vm, unsigned index,
                      unsigned n, bool amd)
{
    unsigned bits = id_bits(n), logical = bits < 8 ? 1u << bits : 255;

    switch (entry->function) {
    case 0x1:
        entry->ebx = (entry->ebx & 0xffff) | logical << 16 | index << 24;
        entry->ecx |= ECX1_HYPERVISOR | ECX1_X2APIC;
        if (vm->tsc_deadline_timer)
            entry->ecx |= ECX1_TSC_DEADLINE;
        entry->edx = n > 1 ? entry->edx | EDX1_HTT : entry->edx & ~EDX1_HTT;
        break;
    case 0x4: /* caches: the last level is shared by all cores, the others by none */
        if ((entry->eax & 0x1f) == 0)
            break;
        entry->eax &= 0x3fff;
        entry->eax |= ((1u << bits) - 1) << 26;
        if ((entry->eax >> 5 & 7) >= 3)
            entry->eax |= ((1u << bits) - 1) << 14;
        break;
    case 0xa: /* no performance counters: they are an interface to the host's */
        entry->eax = entry->ebx = entry->ecx = entry->edx = 0;
        break;
    case 0x80000008: /* AMD: cores, and how many ID bits they take */
        if (amd)
            entry->ecx = (entry->ecx & ~0xf0ffu) | bits << 12 | (n - 1);
        break;
    case 0x8000001e: /* AMD: extended APIC ID, one thread a core, one node */
        entry->eax = index;
        entry->ebx = index & 0xff;
        entry->ecx = 0;
        break;
    default:
        break;
    }
}

/* "AuthenticAMD" and its licensee "HygonGenuine", by the first register of the name. */
static bool is_amd(const struct kvm_cpuid2 *table)
{
    for (uint32_t i = 0; i < table->nent; i++)
        if (table->entries[i].function == 0)
            return table->entries[i].ebx == 0x68747541 || table->entries[i].ebx == 0x6f677948;
    return false;
}

int cpu_set_cpuid(const struct vm *vm, const struct vcpu *vcpu, unsigned n_vcpus)
{
    _cleanup_free_ struct kvm_cpuid2 *table =
        calloc(1, sizeof(*table) + CPUID_ENTRIES_MAX * sizeof(struct kvm_cpuid_entry2));
    if (!table)
        return -ENOMEM;

    table->nent = CPUID_ENTRIES_MAX - TOPOLOGY_LEAVES * TOPOLOGY_LEVELS;
    if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, table) < 0)
        return log_errno(-errno, "Cannot read the CPUID table that KVM supports: %m");
    bool amd = is_amd(table);
    for (unsigned i = 0; i < table->nent; i++)
        set_entry(&table->entries[i], vm, vcpu->index, n_vcpus, amd);
    replace_topology(table, vcpu->index, n_vcpus);
    if (ioctl(vcpu->fd, KVM_SET_CPUID2, table) < 0)
        return log_errno(-errno, "Cannot set the CPUID table of vCPU %u: %m", vcpu->index);
    return 0;
}
