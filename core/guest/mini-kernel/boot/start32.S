/*
 * The entry of the 32-bit image, for multiboot (EAX holds its magic number) and PVH: protected mode, flat
 * segments, no paging; EBX has the address of what the loader tells. Maps memory by pages of 2 MiB at 0 and
 * at KERNEL_BASE, turns PAE paging on (SDM 3A, 4.1.2), and calls native_start(magic, information) up there.
 */
#include "layout.h"
#include "paging-boot.S"
#include "selectors.h"
#define PHYSICAL(symbol) (symbol - KERNEL_BASE)
#define CR0_PAGING 0x80010000 /* PG and WP */
#define TABLE_PRESENT 0x1
#define LARGE_PRESENT_WRITABLE 0x83
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
        map_first_gib LARGE_PRESENT_WRITABLE
        movl    $PHYSICAL(boot_directory) + TABLE_PRESENT, %eax
        movl    %eax, PHYSICAL(boot_top)
        movl    %eax, PHYSICAL(boot_top) + 8 * KERNEL_SLOT

        set_bits cr4, CR4_PAE
        movl    $PHYSICAL(boot_top), %eax
        movl    %eax, %cr3
        set_bits cr0, CR0_PAGING
        movl    $2f, %eax
        jmp     *%eax
2:      movl    $boot_stack_top, %esp
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
