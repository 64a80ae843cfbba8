/*
 * Where a 64-bit image starts. The container is an ELF of 32 bits, because multiboot 1 loaders take no other and enter in
 * 32-bit protected mode (see start32.S); this maps the first GiB by pages of 2 MiB, enters 64-bit mode
 * (SDM 3A, 9.8.5) and calls runtime_main.
 */
#include "paging-boot.S"
#include "segments.S"
#define CR4_OSFXSR_OSXMMEXCPT 0x600
#define CR0_PG 0x80000000
#define CR0_MP 0x2
#define ENTRY_PRESENT_WRITABLE_USER 0x7
#define ENTRY_LARGE 0x80

        .text
        .code32
        .globl start
start:
        cli
        cld
        movl    %eax, %esi
        movl    %ebx, %ebp
        movl    $bss_begin, %edi
        movl    $bss_end, %ecx
        subl    %edi, %ecx
        xorl    %eax, %eax
        rep stosb

        movl    $boot_directory_pointers + ENTRY_PRESENT_WRITABLE_USER, boot_level_4
        movl    $boot_directory + ENTRY_PRESENT_WRITABLE_USER, boot_directory_pointers
        movl    $boot_directory, %edi
        map_first_gib ENTRY_PRESENT_WRITABLE_USER + ENTRY_LARGE

        set_bits cr4, CR4_PAE + CR4_OSFXSR_OSXMMEXCPT
        movl    $boot_level_4, %eax
        movl    %eax, %cr3
        set_efer EFER_LME
        set_bits cr0, CR0_PG + CR0_MP
        lgdt    global_descriptors_pointer
        ljmp    $KERNEL_CODE, $2f

        .code64
2:      movw    $KERNEL_DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        movl    $boot_stack_top, %esp
        movl    %esi, %edi
        movl    %ebp, %esi
        call    runtime_main

        .bss
        .balign 4096
boot_level_4:
        .skip   4096
boot_directory_pointers:
        .skip   4096
boot_directory:
        .skip   4096
