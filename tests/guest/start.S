/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload's first instructions: 64-bit mode, identity-mapped, as the boot protocol promises. */
    .section .text.start, "ax"
    .globl _start
_start:
    mov $stack_top, %rsp
    call guest_main
1:  hlt
    jmp 1b

    .bss
    .align 16
    .skip 16384
stack_top:

    .section .note.GNU-stack, "", @progbits
