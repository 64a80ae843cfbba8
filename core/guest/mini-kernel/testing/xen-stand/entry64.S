/* Ways into the 64-bit stand: a stub for each vector, SYSCALL; and into the guest, by a frame (trap.h). */
#include "layout.h"
#include "trap-stubs.h"
#include "vectors.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl  stand_stubs, stand_stub_80, stand_syscall, stand_enter
stand_stubs:
        trap_stubs TRAP_STUB_BYTES
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
        save_registers
        call    stand_trap
restore:
        restore_registers
        addq    $16, %rsp
        iretq
stand_enter:
        movq    %rdi, %rsp
        jmp     restore

        .bss
        .balign 8
guest_stack:
        .skip   8
