/*
 * Ways into the 32-bit kernel under Xen and out. Xen makes the frames that the processor would have made, in
 * ring 1, with the event mask beside CS; the way out is the hypercall iret, which takes the mask from the
 * saved IF.
 */
#include "abi-entry.h"
#include "trap-stubs.h"
#include "vectors.h"
#define FRAME_CS 52

        .text
        .balign XEN_STUB_BYTES
        .globl xen_stubs
xen_stubs:
        trap_stubs XEN_STUB_BYTES

        .macro handle function
        save_registers KERNEL_DS_32
        movw    $0, FRAME_CS + 2(%esp)
        cld
        pushl   %esp
        call    \function
        addl    $4, %esp
        .endm

common:
        handle  trap
        .globl xen_return_to_user
xen_return_to_user:
        restore_registers
        addl    $8, %esp
        jmp     hypercall_page + HYPERCALL_BYTES * HYPERCALL_IRET

        .globl xen_system_call_entry
xen_system_call_entry:
        pushl   $0
        pushl   $VECTOR_SYSTEM_CALL
        handle  system_call_trap
        jmp     xen_return_to_user

/* Xen could not load the user's segments: none of ours are ever bad. */
        .globl xen_failsafe
xen_failsafe:
        ud2
