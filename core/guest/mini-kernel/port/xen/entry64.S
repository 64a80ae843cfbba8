/*
 * Ways into the 64-bit kernel under Xen and out. Xen makes the frames that the processor would have made,
 * with RCX and R11 below them; the way out is the hypercall iret, which wants a word of flags there, and
 * takes the event mask from the saved IF.
 */
#include "abi-entry.h"
#include "vectors.h"
#define FRAME_VECTOR 120

        .text
        .balign XEN_STUB_BYTES
        .globl xen_stubs
xen_stubs:
        .set    vector, 0
        .rept   VECTORS
        .balign XEN_STUB_BYTES
        popq    %rcx
        popq    %r11
        .if !PUSHES_ERROR(vector)
        pushq   $0
        .endif
        pushq   $vector
        jmp     common
        .set    vector, vector + 1
        .endr

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
        addq    $16, %rsp
        .endm

common:
        save_registers
        call    trap
        .globl xen_return_to_user
xen_return_to_user:
        restore_registers
        pushq   $0
        jmp     hypercall_page + HYPERCALL_BYTES * HYPERCALL_IRET

        .globl xen_system_call_entry
xen_system_call_entry:
        popq    %rcx
        popq    %r11
        pushq   $0
        pushq   $VECTOR_SYSTEM_CALL
        save_registers
        call    system_call_trap
        jmp     xen_return_to_user

/* SYSCALL of a program: Xen has changed stacks and made a frame. */
        .globl xen_syscall_entry
xen_syscall_entry:
        popq    %rcx
        popq    %r11
        pushq   $0
        pushq   $VECTOR_FAST_SYSTEM_CALL
        save_registers
        call    system_call_trap
        cmpq    $VECTOR_FAST_SYSTEM_CALL, FRAME_VECTOR(%rsp)
        jne     xen_return_to_user
        restore_registers
        pushq   $IRET_IN_SYSCALL
        jmp     hypercall_page + HYPERCALL_BYTES * HYPERCALL_IRET

/* Xen could not load the user's segments: none of ours are ever bad. */
        .globl xen_failsafe
xen_failsafe:
        ud2
