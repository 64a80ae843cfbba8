/* User mode: down by IRETQ onto a stack of the caller's, back to the caller of enter_user by leave_user. */
#include "selectors.h"

        .bss
        .balign 8
left_at:
        .skip   8

        .text
        .globl enter_user
enter_user:                     /* (entry, stack top) */
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, left_at
        pushfq
        popq    %rax
        pushq   $USER_DATA
        pushq   %rsi
        pushq   %rax
        pushq   $USER_CODE
        pushq   %rdi
        iretq

        .globl leave_user
leave_user:
        movq    left_at, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret
