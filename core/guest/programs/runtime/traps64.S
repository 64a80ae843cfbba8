/* A stub for each vector: completes the frame to struct trap_frame (machine.h), calls trap, and returns by IRETQ. */
#include "trap-stubs.h"

        .text
        .balign TRAP_STUB_BYTES
        .globl trap_stubs
trap_stubs:
        trap_stubs TRAP_STUB_BYTES

common:
        save_registers
        call    trap
        restore_registers
        addq    $16, %rsp
        iretq
