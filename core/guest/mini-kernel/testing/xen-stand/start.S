/*
 * The entry of the stand, as that of the kernel (boot/start32.S, start64.S): Multiboot 1 or PVH, protected
 * mode, no paging. Maps the first GiB at 0 and machine memory at STAND_BASE, and calls
 * stand_main(information) there.
 */
#include "layout.h"
#include "paging-boot.S"
#include "selectors.h"
#define CR0_PAGING 0x80010000
#define EFER_LME_SCE 0x101
#define PRESENT_WRITABLE 0x3
#define LARGE_PRESENT_WRITABLE 0x83

#ifdef __x86_64__
        .section .notes, "a"
        .balign 4
        .long   4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .quad   start_physical
#else
        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 0, -0x1badb002
        .section .notes, "a"
        .balign 4
        .long   4, 4, 0
        .asciz  "lab"
        .long   0
#endif

        .text
        .code32
        .globl  start, start_far
start:
        cli
        cld
        movl    %ebx, %ebp
        movl    $boot_directory_physical, %edi
        map_first_gib LARGE_PRESENT_WRITABLE
        set_bits cr4, CR4_PAE
        movl    $boot_top_physical, %edi
        movl    %edi, %cr3
#ifdef __x86_64__
        movl    $boot_directory_physical + PRESENT_WRITABLE, boot_pointers_physical
        movl    $boot_pointers_physical + PRESENT_WRITABLE, (%edi)
        movl    $boot_pointers_physical + PRESENT_WRITABLE, 8 * 262(%edi) /* STAND_BASE */
        set_efer EFER_LME_SCE
#else
        movl    $boot_directory_physical + 1, (%edi)
        movl    $boot_pointers_physical + 1, 8 * 3(%edi)
        /* The last 32 entries of the last GiB are machine memory. */
        movl    $boot_directory_physical, %esi
        movl    $boot_pointers_physical + 8 * 480, %edi
        movl    $2 * 32, %ecx
        rep movsl
#endif
        set_bits cr0, CR0_PAGING
        lgdt    descriptors_pointer_physical
        ljmp    $KERNEL_CODE, $start_far_physical
#ifdef __x86_64__
        .code64
start_far:
        movabsq $1f, %rax
        jmp     *%rax
1:      xorl    %eax, %eax
        movl    %eax, %ss
        leaq    stand_stack_top(%rip), %rsp
        movl    %ebp, %edi
        call    stand_main
#else
start_far:
        movl    $KERNEL_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $1f, %eax
        jmp     *%eax
1:      movl    $stand_stack_top, %esp
        pushl   %ebp
        call    stand_main
#endif

        .data
        .balign 8
boot_descriptors:
#ifdef __x86_64__
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
#else
        .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
#endif
        .globl  boot_descriptors_pointer
boot_descriptors_pointer:
        .word   23
        .long   boot_descriptors_physical
        .long   0

        .bss
        .balign 4096
        .globl  boot_directory, boot_pointers, boot_top, stand_stack_top, boot_descriptors
boot_directory:
        .skip   4096
boot_pointers:
        .skip   4096
boot_top:
        .skip   4096
        .skip   8192
stand_stack_top:
