/*
 * Where a 32-bit image starts: protected mode, flat segments, no paging; EAX holds the loader's magic number and EBX the
 * address of what it tells (Multiboot Specification 0.6.96, section 3.2). Loads segments of its own, clears .bss for
 * loaders that do not, allows SSE instructions where the processor has them, and calls runtime_main.
 */
#include "segments.S"
#define CR4_OSFXSR_OSXMMEXCPT 0x600
#define CPUID_EDX_SSE2_BIT 26

        .text
        .globl start
start:
        cli
        cld
        movl    %eax, %esi
        movl    %ebx, %ebp
        lgdt    global_descriptors_pointer
        ljmp    $KERNEL_CODE, $1f
1:      movw    $KERNEL_DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        movl    $boot_stack_top, %esp

        movl    $bss_begin, %edi
        movl    $bss_end, %ecx
        subl    %edi, %ecx
        xorl    %eax, %eax
        rep stosb

        movl    $1, %eax
        cpuid
        btl     $CPUID_EDX_SSE2_BIT, %edx
        jnc     2f
        movl    %cr4, %eax
        orl     $CR4_OSFXSR_OSXMMEXCPT, %eax
        movl    %eax, %cr4
2:
        pushl   %ebp
        pushl   %esi
        call    runtime_main
