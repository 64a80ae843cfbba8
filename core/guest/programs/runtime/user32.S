/* User mode: down by IRET onto a stack of the caller's, back to the caller of enter_user by leave_user. */
#include "selectors.h"

        .bss
        .balign 4
left_at:
        .skip   4

        .text
        .globl enter_user
enter_user:                     /* (entry, stack top) */
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        pushl   %ebp
        movl    %esp, left_at
        movl    $USER_DATA, %ecx
        movw    %cx, %ds
        movw    %cx, %es
        pushfl
        popl    %ebx
        pushl   %ecx
        pushl   %edx
        pushl   %ebx
        pushl   $USER_CODE
        pushl   %eax
        iret

        .globl leave_user
leave_user:
        movl    $KERNEL_DATA, %ecx
        movw    %cx, %ds
        movw    %cx, %es
        movl    left_at, %esp
        popl    %ebp
        popl    %edi
        popl    %esi
        popl    %ebx
        ret
