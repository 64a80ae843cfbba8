/*
 * Ways into the 32-bit kernel under Xen and out. Xen makes the frames that the processor would have made, in
 * ring 1, with the event mask beside CS; the way out is the hypercall iret, which takes the mask from the
 * saved IF.
 */
#include "abi-entry.h"
#include "vectors.h"
#define FRAME_CS 52

        .text
        .balign XEN_STUB_BYTES
        .globl xen_stubs
xen_stubs:
        .set    vector, 0
        .rept   VECTORS
        .balign XEN_STUB_BYTES
        .if !PUSHES_ERROR(vector)
        pushl   $0
        .endif
        pushl   $vector
        jmp     common
        .set    vector, vector + 1
        .endr

        .macro save_registers
        pushal
        pushl   %es
        pushl   %ds
        movl    $KERNEL_DS_32, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movw    $0, FRAME_CS + 2(%esp)
        cld
        .endm

common:
        save_registers
        pushl   %esp
        call    trap
        addl    $4, %esp
        .globl xen_return_to_user
xen_return_to_user:
        popl    %ds
        popl    %es
        popal
        addl    $8, %esp
        jmp     hypercall_page + HYPERCALL_BYTES * HYPERCALL_IRET

        .globl xen_system_call_entry
xen_system_call_entry:
        pushl   $0
        pushl   $VECTOR_SYSTEM_CALL
        save_registers
        pushl   %esp
        call    system_call_trap
        addl    $4, %esp
        jmp     xen_return_to_user

/* Xen could not load the user's segments: none of ours are ever bad. */
        .globl xen_failsafe
xen_failsafe:
        ud2
