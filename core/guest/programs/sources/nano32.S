/* What nano.c calls and faults into. A handler passes over the instruction that faulted, which has two bytes. */
#define FAULTING_BYTES 2

        .text
        .globl  nano_called
nano_called:
        ret

        .globl  nano_page_fault
nano_page_fault:
        addl    $4, %esp        /* the error code */
        .globl  nano_divide_error
nano_divide_error:
        incl    nano_faults
        addl    $FAULTING_BYTES, (%esp)
        iret
