/*
 * void switch_stacks(uintptr_t *save, uintptr_t load): keeps what a C function must keep (AMD64 psABI), and
 * changes stacks.
 */
        .text
        .globl switch_stacks
switch_stacks:
        .irp register, rbp, rbx, r12, r13, r14, r15
        pushq   %\register
        .endr
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        .irp register, r15, r14, r13, r12, rbx, rbp
        popq    %\register
        .endr
        ret
