/* Ways into the 32-bit stand: a stub for each vector; and into the guest, by a frame (trap.h). */
#include "layout.h"
#include "trap-stubs.h"
#include "vectors.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl  stand_stubs, stand_stub_80, stand_stub_82, stand_enter
stand_stubs:
        trap_stubs TRAP_STUB_BYTES
stand_stub_80:
        pushl   $0
        pushl   $VECTOR_SYSTEM_CALL
        jmp     common
stand_stub_82:
        pushl   $0
        pushl   $VECTOR_HYPERCALL
common:
        save_registers STAND_DATA
        cld
        pushl   %esp
        call    stand_trap
        addl    $4, %esp
restore:
        restore_registers
        addl    $8, %esp
        iret
stand_enter:
        movl    4(%esp), %esp
        jmp     restore
