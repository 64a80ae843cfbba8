/* The way into the kernel for a process that yields, and out of it into another: a frame as machine.h describes. */
        .text
        .globl yield_entry
yield_entry:
        pushq   $0
        pushq   $0x80
        .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        pushq   %\register
        .endr
        cld
        movq    %rsp, %rdi
        call    schedule
        movq    %rax, %rsp
        .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
        popq    %\register
        .endr
        addq    $16, %rsp
        iretq
