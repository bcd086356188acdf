# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For what boots the lab with a clock that counts instructions: one each nanosecond, on one CPU. Then times are the
# same from run to run, however busy this machine is, and a CPU time in ms is one in millions of instructions.

# count_instructions [NPT] : adds to $options of tests/lab/run. NPT: 1 for nested pages, as hardware has them; no guest is
# lost by it where there is one CPU. 0 (the default) for shadow pages, as tests have them.
count_instructions() {
    export VOLT_LAB_ACCEL=tcg,thread=single
    # What tests/lab/run gives the emulator, too; see there.
    options+=(--cpu 'qemu64,+svm,+npt,+ssse3,+sse4.1,+sse4.2,+rdrand,+smep,+smap,+fsgsbase,-cx16' --cpus 1
        --append "kvm_amd.npt=${1:-0}" --qemu '-icount shift=0,sleep=off')
}
