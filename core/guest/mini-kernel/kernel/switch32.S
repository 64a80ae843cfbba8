/*
 * void switch_stacks(uintptr_t *save, uintptr_t load): keeps what a C function must keep (i386 psABI), and
 * changes stacks.
 */
        .text
        .globl switch_stacks
switch_stacks:
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        pushl   %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    %esp, (%eax)
        movl    %edx, %esp
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret
