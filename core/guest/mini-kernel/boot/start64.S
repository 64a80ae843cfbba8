/*
 * The entry of the 64-bit image, for PVH: 32-bit protected mode, flat segments, no paging; EBX has the
 * address of hvm_start_info. Maps the first GiB by pages of 2 MiB at 0 and at KERNEL_BASE, enters 64-bit mode
 * (SDM 3A, 9.8.5), and calls native_start(magic, information) up there.
 */
#include "layout.h"
#include "paging-boot.S"
#include "selectors.h"
#define PHYSICAL(symbol) (symbol - KERNEL_BASE)
#define CR0_PAGING 0x80010000 /* PG and WP */
#define PRESENT_WRITABLE 0x3
#define LARGE_PRESENT_WRITABLE 0x83
#define KERNEL_TOP_SLOT 511
#define KERNEL_POINTER_SLOT 510

        .text
        .code32
        .globl start
start:
        cli
        cld
        movl    %eax, %esi
        movl    %ebx, %ebp
        movl    $PHYSICAL(boot_directory), %edi
        map_first_gib LARGE_PRESENT_WRITABLE
        movl    $PHYSICAL(boot_directory) + PRESENT_WRITABLE, %eax
        movl    %eax, PHYSICAL(boot_pointers)
        movl    %eax, PHYSICAL(boot_pointers) + 8 * KERNEL_POINTER_SLOT
        movl    $PHYSICAL(boot_pointers) + PRESENT_WRITABLE, %eax
        movl    %eax, PHYSICAL(boot_top)
        movl    %eax, PHYSICAL(boot_top) + 8 * KERNEL_TOP_SLOT

        set_bits cr4, CR4_PAE
        movl    $PHYSICAL(boot_top), %eax
        movl    %eax, %cr3
        set_efer EFER_LME
        set_bits cr0, CR0_PAGING
        lgdt    PHYSICAL(boot_descriptors_pointer)
        ljmp    $KERNEL_CODE, $PHYSICAL(2f)

        .code64
2:      xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movq    $boot_stack_top, %rsp
        movl    %esi, %edi
        movl    %ebp, %esi
        movq    $native_start, %rax
        call    *%rax

        .data
        .balign 8
boot_descriptors:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_descriptors_pointer:
        .word   . - boot_descriptors - 1
        .quad   PHYSICAL(boot_descriptors)

        .bss
        .balign 4096
boot_directory:
        .skip   4096
boot_pointers:
        .skip   4096
boot_top:
        .skip   4096
#define BOOT_STACK_BYTES 8192
        .skip   BOOT_STACK_BYTES
        .globl  boot_stack_top
boot_stack_top:
