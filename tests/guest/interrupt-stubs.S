/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handlers: 16 bytes for each interrupt, which put its number on the stack. */
    .section .text
    .globl interrupt_stubs
    .balign 16
interrupt_stubs:
    .set number, 0
    .rept 32
    .balign 16
    push $number
    jmp count
    .set number, number + 1
    .endr

count:
    push %rax
    mov 8(%rsp), %rax
    lock incl interrupts(, %rax, 4)
    mov $0xfee000b0, %eax /* end of interrupt */
    movl $0, (%rax)
    pop %rax
    add $8, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits
