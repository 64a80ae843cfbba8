/* A stub for each vector: completes the frame to struct trap_frame (machine.h), calls trap, and returns by IRET. */
#include "trap-stubs.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl trap_stubs
trap_stubs:
        trap_stubs TRAP_STUB_BYTES

common:
        pushal
        cld
        pushl   %esp
        call    trap
        addl    $4, %esp
        popal
        addl    $8, %esp
        iret
