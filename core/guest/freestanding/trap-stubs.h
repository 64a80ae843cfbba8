/*
 * A stub for each vector: it completes what the processor pushed, with 0 where there is no error code and with the vector,
 * and jumps to the file's `common`, which saves the registers. C takes the numbers, assembly the macros too.
 */
#pragma once
#define VECTORS 64 /* with a stub; the manual's 32 exceptions, then 32 for interrupts */
#define TRAP_STUB_BYTES 16
/* Vectors for which the processor pushes an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC (SDM 3A, 6.13). */
#define PUSHES_ERROR(vector) (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)

#ifdef __ASSEMBLER__
        /* `first`: a macro with what each stub begins with, if anything. */
        .macro trap_stubs bytes, first
        .set    vector, 0
        .rept   VECTORS
        .balign \bytes
        \first
        .if !PUSHES_ERROR(vector)
        push    $0
        .endif
        push    $vector
        jmp     common
        .set    vector, vector + 1
        .endr
        .endm

#ifdef __x86_64__
#define FRAME_VECTOR 120 /* in what save_registers leaves on the stack, which is a function's first argument */
        .macro save_registers
        .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        pushq   %\register
        .endr
        cld
        movq    %rsp, %rdi
        .endm
        .macro restore_registers
        .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
        popq    %\register
        .endr
        .endm
#else
        /* `data`: the selector of the kernel's data segment. */
        .macro save_registers data
        pushal
        pushl   %es
        pushl   %ds
        movl    $\data, %eax
        movl    %eax, %ds
        movl    %eax, %es
        .endm
        .macro restore_registers
        popl    %ds
        popl    %es
        popal
        .endm
#endif
#endif
