/*
 * Ways into the 64-bit kernel and out: a stub for each vector, which completes the frame to struct trap_frame
 * (trap.h); INT 0x80; SYSCALL, which leaves the user's stack pointer as it is, its return address in RCX and
 * its flags in R11. There is one processor, so what the entry needs is at fixed addresses and no SWAPGS is
 * needed.
 */
#include "selectors.h"
#include "trap-stubs.h"
#include "vectors.h"
#define FRAME_SP 160

        .text
        .balign TRAP_STUB_BYTES
        .globl native_stubs
native_stubs:
        trap_stubs TRAP_STUB_BYTES

common:
        save_registers
        call    trap
        .globl native_return_to_user
native_return_to_user:
        restore_registers
        addq    $16, %rsp
        iretq

        .globl native_system_call_entry
native_system_call_entry:
        pushq   $0
        pushq   $VECTOR_SYSTEM_CALL
        save_registers
        call    system_call_trap
        jmp     native_return_to_user

        .globl native_syscall_entry
native_syscall_entry:
        movq    %rsp, native_user_stack
        movq    native_kernel_stack, %rsp
        pushq   $USER_DATA
        pushq   native_user_stack
        pushq   %r11
        pushq   $USER_CODE
        pushq   %rcx
        pushq   $0
        pushq   $VECTOR_FAST_SYSTEM_CALL
        save_registers
        call    system_call_trap
        cmpq    $VECTOR_FAST_SYSTEM_CALL, FRAME_VECTOR(%rsp)
        jne     native_return_to_user
        restore_registers               /* RCX and R11 as SYSCALL left them */
        movq    FRAME_SP - FRAME_VECTOR(%rsp), %rsp
        sysretq
