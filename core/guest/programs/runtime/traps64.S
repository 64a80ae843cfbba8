/* A stub for each vector: completes the frame to struct trap_frame (machine.h), calls trap, and returns by IRETQ. */
#include "stubs.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl trap_stubs
trap_stubs:
        .set    vector, 0
        .rept   VECTORS
        .balign TRAP_STUB_BYTES
        .if !PUSHES_ERROR(vector)
        pushq   $0
        .endif
        pushq   $vector
        jmp     common
        .set    vector, vector + 1
        .endr

common:
        .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        pushq   %\register
        .endr
        cld
        movq    %rsp, %rdi
        call    trap
        .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
        popq    %\register
        .endr
        addq    $16, %rsp
        iretq
