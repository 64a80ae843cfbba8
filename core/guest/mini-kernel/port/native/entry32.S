/*
 * Ways into the 32-bit kernel and out: a stub for each vector, which completes the frame to struct trap_frame
 * (trap.h); INT 0x80; SYSENTER, for which the user's stack pointer is in ECX and its return address in EDX.
 */
#include "selectors.h"
#include "trap-stubs.h"
#include "vectors.h"
#define FRAME_DX 28
#define FRAME_CX 32
#define FRAME_VECTOR 40
#define FRAME_IP 48
#define FRAME_SP 60

        .text
        .balign TRAP_STUB_BYTES
        .globl native_stubs
native_stubs:
        trap_stubs TRAP_STUB_BYTES

        .macro handle function
        save_registers KERNEL_DATA
        cld
        pushl   %esp
        call    \function
        addl    $4, %esp
        .endm

common:
        handle  trap
        .globl native_return_to_user
native_return_to_user:
        restore_registers
        addl    $8, %esp
        iret

        .globl native_system_call_entry
native_system_call_entry:
        pushl   $0
        pushl   $VECTOR_SYSTEM_CALL
        handle  system_call_trap
        jmp     native_return_to_user

        .globl native_sysenter_entry
native_sysenter_entry:
        movl    (%esp), %esp
        pushl   $USER_DATA
        pushl   %ecx
        pushl   $FLAGS_INTERRUPT + FLAGS_FIXED
        pushl   $USER_CODE
        pushl   %edx
        pushl   $0
        pushl   $VECTOR_FAST_SYSTEM_CALL
        handle  system_call_trap
        cmpl    $VECTOR_FAST_SYSTEM_CALL, FRAME_VECTOR(%esp)
        jne     native_return_to_user
        movl    FRAME_SP(%esp), %ecx
        movl    FRAME_IP(%esp), %edx
        movl    %ecx, FRAME_CX(%esp)
        movl    %edx, FRAME_DX(%esp)
        restore_registers
        sti                             /* holds interrupts off until after the next instruction */
        sysexit
