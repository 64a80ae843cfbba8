/*
 * Ways into the 64-bit kernel under Xen and out. Xen makes the frames that the processor would have made,
 * with RCX and R11 below them; the way out is the hypercall iret, which wants a word of flags there, and
 * takes the event mask from the saved IF.
 */
#include "abi-entry.h"
#include "trap-stubs.h"
#include "vectors.h"

        .macro take_saved
        popq    %rcx
        popq    %r11
        .endm
        .macro leave flags
        restore_registers
        addq    $16, %rsp
        pushq   $\flags
        jmp     hypercall_page + HYPERCALL_BYTES * HYPERCALL_IRET
        .endm

        .text
        .balign XEN_STUB_BYTES
        .globl xen_stubs
xen_stubs:
        trap_stubs XEN_STUB_BYTES, take_saved

common:
        save_registers
        call    trap
        .globl xen_return_to_user
xen_return_to_user:
        leave   0

        .globl xen_system_call_entry
xen_system_call_entry:
        take_saved
        pushq   $0
        pushq   $VECTOR_SYSTEM_CALL
        save_registers
        call    system_call_trap
        jmp     xen_return_to_user

        .globl xen_event_entry
xen_event_entry:
        popq    %rcx
        popq    %r11
        pushq   $0
        pushq   $VECTOR_EVENT
        jmp     common

/* SYSCALL of a program: Xen has changed stacks and made a frame. */
        .globl xen_syscall_entry
xen_syscall_entry:
        take_saved
        pushq   $0
        pushq   $VECTOR_FAST_SYSTEM_CALL
        save_registers
        call    system_call_trap
        cmpq    $VECTOR_FAST_SYSTEM_CALL, FRAME_VECTOR(%rsp)
        jne     xen_return_to_user
        leave   IRET_IN_SYSCALL

/* Xen could not load the user's segments: none of ours are ever bad. */
        .globl xen_failsafe
xen_failsafe:
        ud2
