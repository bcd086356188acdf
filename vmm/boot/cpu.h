/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vCPU state at the first instruction: CPUID, MSRs, and long mode for the boot processor. */
#pragma once

#include "vmm/cleanup.h"

struct guest_memory;
struct vcpu;
struct vm;

/* The CPUID table of vCPU INDEX of N: what the host's KVM offers, with our topology. 0 or -errno;
 * logs. */
int cpu_set_cpuid(const struct vm *vm, const struct vcpu *vcpu, unsigned n_vcpus);

/* MSRs that firmware would have set: MTRRs to write-back, quick string instructions. */
int cpu_set_msrs(const struct vcpu *vcpu);

/* Identity page tables for 4 GiB and a GDT, in MEMORY; 64-bit mode at ENTRY, RSI = zero page. */
int cpu_set_boot_state(const struct vcpu *vcpu, const struct guest_memory *memory, uint64_t entry);
