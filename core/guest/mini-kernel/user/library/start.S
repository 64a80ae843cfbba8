/*
 * Where a program begins: on the stack are whether fast system calls work (which is an enum way), the number
 * of its arguments and their addresses. And where handlers of signals return to: the kernel finds what it
 * saved above the stack pointer.
 */
#define CALL_SIGNAL_RETURN 19

        .text
        .globl start, signal_restorer
#ifdef __x86_64__
start:  movl    (%rsp), %eax
        movl    %eax, system_call_way
        movq    8(%rsp), %rdi
        leaq    16(%rsp), %rsi
        call    main
        movl    %eax, %edi
        call    exit
signal_restorer:
        movl    $CALL_SIGNAL_RETURN, %eax
        int     $0x80
#else
start:  movl    (%esp), %eax
        movl    %eax, system_call_way
        movl    4(%esp), %eax
        leal    8(%esp), %edx
        pushl   %edx
        pushl   %eax
        call    main
        pushl   %eax
        call    exit
signal_restorer:
        movl    $CALL_SIGNAL_RETURN, %eax
        int     $0x80
#endif
