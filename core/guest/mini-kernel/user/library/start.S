/*
 * Where a program begins: on the stack are the number of its arguments and their addresses. And where handlers of signals return to: the kernel
 * finds what it saved above the stack pointer.
 */
#define CALL_SIGNAL_RETURN 19

        .text
        .globl start, signal_restorer
#ifdef __x86_64__
start:  movq    (%rsp), %rdi
        leaq    8(%rsp), %rsi
        call    main
        movl    %eax, %edi
        call    exit
signal_restorer:
        movl    $CALL_SIGNAL_RETURN, %eax
        int     $0x80
#else
start:  movl    (%esp), %eax
        leal    4(%esp), %edx
        pushl   %edx
        pushl   %eax
        call    main
        pushl   %eax
        call    exit
signal_restorer:
        movl    $CALL_SIGNAL_RETURN, %eax
        int     $0x80
#endif
