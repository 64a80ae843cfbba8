/* The way into the kernel for a process that yields, and out of it into another: a frame as machine.h describes. */
        .text
        .globl yield_entry
yield_entry:
        pushl   $0
        pushl   $0x80
        pushal
        cld
        pushl   %esp
        call    schedule
        movl    %eax, %esp
        popal
        addl    $8, %esp
        iret
