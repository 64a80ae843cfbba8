/*
 * The ways into a 32-bit kernel. The number of the call is in EAX, its argument in EBX, its result in EAX; the called
 * function keeps what C keeps.
 */
#include "selectors.h"

        .text
        .globl int80_entry
int80_entry:
        pushl   %ds
        pushl   %es
        pushl   %edx
        pushl   %ecx
        movl    $KERNEL_DATA, %edx
        movw    %dx, %ds
        movw    %dx, %es
        movl    %eax, %edx
        movl    %ebx, %eax
        cld
        call    *system_calls(, %edx, 4)
        popl    %ecx
        popl    %edx
        popl    %es
        popl    %ds
        iret

/* The user left its stack pointer in ECX and its return address in EDX, where SYSEXIT takes them from. */
        .globl sysenter_entry
sysenter_entry:
        pushl   %edx
        pushl   %ecx
        movl    %eax, %edx
        movl    %ebx, %eax
        cld
        call    *system_calls(, %edx, 4)
        popl    %ecx
        popl    %edx
        sysexit
