/*
 * The entry of the 32-bit image, for multiboot (EAX holds its magic number) and PVH: protected mode, flat
 * segments, no paging; EBX has the address of what the loader tells. Maps memory by pages of 2 MiB at 0 and
 * at KERNEL_BASE, turns PAE paging on (SDM 3A, 4.1.2), and calls native_start(magic, information) up there.
 */
#include "layout.h"
#include "selectors.h"
#define PHYSICAL(symbol) (symbol - KERNEL_BASE)
#define CR0_PAGING 0x80010000 /* PG and WP */
#define CR4_PAE 0x20
#define TABLE_PRESENT 0x1
#define LARGE_PRESENT_WRITABLE 0x83
#define LARGE_PAGE_BYTES 0x200000
#define ENTRIES 512
#define KERNEL_SLOT (KERNEL_BASE >> 30)

        .text
        .globl start
start:
        cli
        cld
        movl    %eax, %esi
        movl    %ebx, %ebp
        lgdt    PHYSICAL(boot_descriptors_pointer)
        ljmp    $KERNEL_CODE, $PHYSICAL(1f)
1:      movl    $KERNEL_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss

        movl    $PHYSICAL(boot_directory), %edi
        movl    $LARGE_PRESENT_WRITABLE, %eax
        movl    $ENTRIES, %ecx
2:      movl    %eax, (%edi)
        addl    $LARGE_PAGE_BYTES, %eax
        addl    $8, %edi
        decl    %ecx
        jnz     2b
        movl    $PHYSICAL(boot_directory) + TABLE_PRESENT, %eax
        movl    %eax, PHYSICAL(boot_top)
        movl    %eax, PHYSICAL(boot_top) + 8 * KERNEL_SLOT

        movl    %cr4, %eax
        orl     $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $PHYSICAL(boot_top), %eax
        movl    %eax, %cr3
        movl    %cr0, %eax
        orl     $CR0_PAGING, %eax
        movl    %eax, %cr0
        movl    $3f, %eax
        jmp     *%eax
3:      movl    $boot_stack_top, %esp
        pushl   %ebp
        pushl   %esi
        call    native_start

        .data
        .balign 8
boot_descriptors:
        .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
boot_descriptors_pointer:
        .word   . - boot_descriptors - 1
        .long   PHYSICAL(boot_descriptors)

        .bss
        .balign 4096
boot_directory:
        .skip   4096
boot_top:
        .skip   32
#define BOOT_STACK_BYTES 8192
        .balign 16
        .skip   BOOT_STACK_BYTES
        .globl  boot_stack_top
boot_stack_top:
