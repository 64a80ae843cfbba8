/* A stub for each vector: completes the frame to struct trap_frame (machine.h), calls trap, and returns by IRET. */
#include "stubs.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl trap_stubs
trap_stubs:
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

common:
        pushal
        cld
        pushl   %esp
        call    trap
        addl    $4, %esp
        popal
        addl    $8, %esp
        iret
