/* Ways into the 64-bit stand: a stub for each vector, SYSCALL; and into the guest, by a frame (trap.h). */
#include "layout.h"
#include "vectors.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl  stand_stubs, stand_stub_80, stand_syscall, stand_enter
stand_stubs:
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
stand_stub_80:
        pushq   $0
        pushq   $VECTOR_SYSTEM_CALL
        jmp     common
stand_syscall:
        movq    %rsp, guest_stack(%rip)
        leaq    stand_stack_top(%rip), %rsp
        pushq   $0xe02b
        pushq   guest_stack(%rip)
        pushq   %r11
        pushq   $0xe033
        pushq   %rcx
        pushq   $0
        pushq   $VECTOR_HYPERCALL
common:
        .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        pushq   %\register
        .endr
        cld
        movq    %rsp, %rdi
        call    stand_trap
restore:
        .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
        popq    %\register
        .endr
        addq    $16, %rsp
        iretq
stand_enter:
        movq    %rdi, %rsp
        jmp     restore

        .bss
        .balign 8
guest_stack:
        .skip   8
