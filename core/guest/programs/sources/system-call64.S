/*
 * The ways into a 64-bit kernel. The number of the call is in EAX, its argument in EDI, its result in EAX; the called
 * function keeps what C keeps, and the user expects no more.
 */
#define KERNEL_STACK %gs:0
#define USER_STACK %gs:8

        .text
        .globl int80_entry
int80_entry:
        cld
        movl    %eax, %eax
        call    *system_calls(, %rax, 8)
        iretq

/* The user left its stack pointer in RCX and its return address in RDX, where SYSEXIT takes them from. */
        .globl sysenter_entry
sysenter_entry:
        pushq   %rdx
        pushq   %rcx
        cld
        movl    %eax, %eax
        call    *system_calls(, %rax, 8)
        popq    %rcx
        popq    %rdx
        sysexitq

/* SYSCALL leaves the return address in RCX and the flags in R11, and the stack is still the user's. */
        .globl syscall_entry
syscall_entry:
        swapgs
        movq    %rsp, USER_STACK
        movq    KERNEL_STACK, %rsp
        pushq   %rcx
        pushq   %r11
        movl    %eax, %eax
        call    *system_calls(, %rax, 8)
        popq    %r11
        popq    %rcx
        movq    USER_STACK, %rsp
        swapgs
        sysretq
