/* Ways into the 32-bit stand: a stub for each vector; and into the guest, by a frame (trap.h). */
#include "layout.h"
#include "vectors.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl  stand_stubs, stand_stub_80, stand_stub_82, stand_enter
stand_stubs:
        .set    vector, 0
        .rept   VECTORS
        .balign TRAP_STUB_BYTES
        .if !PUSHES_ERROR(vector)
        pushl   $0
        .endif
        pushl   $vector
        jmp     common
        .set    vector, vector + 1
        .endr
stand_stub_80:
        pushl   $0
        pushl   $VECTOR_SYSTEM_CALL
        jmp     common
stand_stub_82:
        pushl   $0
        pushl   $VECTOR_HYPERCALL
common:
        pushal
        pushl   %es
        pushl   %ds
        movl    $STAND_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        cld
        pushl   %esp
        call    stand_trap
        addl    $4, %esp
restore:
        popl    %ds
        popl    %es
        popal
        addl    $8, %esp
        iret
stand_enter:
        movl    4(%esp), %esp
        jmp     restore
