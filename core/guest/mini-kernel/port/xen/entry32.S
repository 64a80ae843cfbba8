/*
 * Ways into the 32-bit kernel under Xen and out. Xen makes the frames that the processor would have made, in
 * ring 1, with the event mask beside CS. The way out is IRET, once the mask is what the saved IF says; if an event
 * came meanwhile, it is the hypercall iret, which does the same and delivers the event.
 */
#include "abi-entry.h"
#include "trap-stubs.h"
#include "vectors.h"
#define FRAME_CS 52
/* A frame of the processor's in ring 1: EIP, CS, EFLAGS. */
#define FRAME_FLAGS 8
#define FRAME_BYTES 12
#define FLAGS_INTERRUPT 0x200

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
        testl   $FLAGS_INTERRUPT, FRAME_FLAGS(%esp)
        jz      1f
        movb    $0, %ss:xen_shared + UPCALL_MASK
/* From here on events come, and what is left to do, nothing but to return, is theirs to do. */
leaving:
        cmpb    $0, %ss:xen_shared + UPCALL_PENDING
        jne     2f
1:      iret
left:
2:      movb    $1, %ss:xen_shared + UPCALL_MASK
        jmp     hypercall_page + HYPERCALL_BYTES * HYPERCALL_IRET

/* An upcall; between the two labels above it is as if it had come to the code that is returned to. */
        .globl xen_event_entry
xen_event_entry:
        cmpl    $leaving, (%esp)
        jb      1f
        cmpl    $left, (%esp)
        jae     1f
        addl    $FRAME_BYTES, %esp
1:      pushl   $0
        pushl   $VECTOR_EVENT
        jmp     common

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
