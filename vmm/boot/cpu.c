/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers at entry, as the 64-bit boot protocol wants them (Documentation/arch/x86/boot.rst). */
#include "vmm/boot/cpu.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/log.h"

enum {
    SELECTOR_CODE = 0x10,
    SELECTOR_DATA = 0x18,
    GDT_ENTRIES = 4,
};

#define CR0_PE      (1u << 0)
#define CR0_ET      (1u << 4)
#define CR0_PG      (1u << 31)
#define CR4_PAE     (1u << 5)
#define EFER_LME    (1u << 8)
#define EFER_LMA    (1u << 10)
#define PTE_PRESENT UINT64_C(0x1)
#define PTE_WRITE   UINT64_C(0x2)
#define PTE_LARGE   UINT64_C(0x80)

#define MSR_IA32_MISC_ENABLE    0x1a0
#define MSR_MISC_FAST_STRING    UINT64_C(0x1)
#define MSR_MTRR_DEF_TYPE       0x2ff
#define MTRR_ENABLED_WRITE_BACK UINT64_C(0x806)

static int write_page_tables(const struct guest_memory *memory)
{
    uint64_t *table = guest_memory_at(memory, LAYOUT_PAGE_TABLES, 6 * 4096);

    if (!table)
        return -EFAULT;
    uint64_t *pml4 = table, *pdpt = table + 512, *pd = table + 1024;
    pml4[0] = (LAYOUT_PAGE_TABLES + 4096) | PTE_PRESENT | PTE_WRITE;
    for (uint64_t i = 0; i < 4; i++)
        pdpt[i] = (LAYOUT_PAGE_TABLES + (2 + i) * 4096) | PTE_PRESENT | PTE_WRITE;
    for (uint64_t i = 0; i < 4 * 512; i++)
        pd[i] = (i << 21) | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
    return 0;
}

static int write_gdt(const struct guest_memory *memory)
{
    static const uint64_t gdt[GDT_ENTRIES] = {
        [SELECTOR_CODE / 8] = UINT64_C(0x00af9b000000ffff), /* 64-bit code, present, accessed */
        [SELECTOR_DATA / 8] = UINT64_C(0x00cf93000000ffff), /* flat data */
    };

    return guest_memory_write(memory, LAYOUT_GDT, gdt, sizeof(gdt));
}

static void set_long_mode(struct kvm_sregs *sregs)
{
    struct kvm_segment code = {
        .limit = 0xffffffff,
        .selector = SELECTOR_CODE,
        .type = 0xb,
        .present = 1,
        .s = 1,
        .l = 1,
        .g = 1,
    };
    struct kvm_segment data = code;

    data.selector = SELECTOR_DATA;
    data.type = 0x3;
    data.l = 0;
    data.db = 1;
    sregs->cs = code;
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
    sregs->gdt.base = LAYOUT_GDT;
    sregs->gdt.limit = GDT_ENTRIES * 8 - 1;
    sregs->idt.base = 0;
    sregs->idt.limit = 0;
    sregs->cr3 = LAYOUT_PAGE_TABLES;
    sregs->cr4 = CR4_PAE;
    sregs->cr0 = CR0_PE | CR0_ET | CR0_PG;
    sregs->efer |= EFER_LME | EFER_LMA;
}

int cpu_set_msrs(const struct vcpu *vcpu)
{
    static const struct kvm_msr_entry entries[] = {
        {.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED_WRITE_BACK},
        {.index = MSR_IA32_MISC_ENABLE, .data = MSR_MISC_FAST_STRING},
    };
    union {
        struct kvm_msrs list;
        uint8_t room[sizeof(struct kvm_msrs) + sizeof(entries)];
    } msrs = {.list.nmsrs = ELEMENTSOF(entries)};

    memcpy(msrs.room + sizeof(msrs.list), entries, sizeof(entries));
    int n = ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);

    if (n < 0)
        return log_errno(-errno, "Cannot set the MSRs of vCPU %u: %m", vcpu->index);
    if (n < 1) /* AMD has no MISC_ENABLE to speak of; the MTRRs matter */
        return log_errno(-EIO, "KVM refuses the MTRRs of vCPU %u", vcpu->index);
    return 0;
}

int cpu_set_boot_state(const struct vcpu *vcpu, const struct guest_memory *memory, uint64_t entry)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs = {
        .rip = entry,
        .rsi = LAYOUT_ZERO_PAGE,
        .rsp = LAYOUT_STACK,
        .rflags = 0x2,
    };

    int r = write_page_tables(memory);
    if (r >= 0)
        r = write_gdt(memory);
    if (r < 0)
        return log_errno(r, "Cannot write the boot page tables: %s", strerror(-r));

    if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
        return log_errno(-errno, "Cannot read the system registers: %m");
    set_long_mode(&sregs);
    if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
        return log_errno(-errno, "Cannot set the system registers: %m");
    if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
        return log_errno(-errno, "Cannot set the registers: %m");
    return 0;
}
