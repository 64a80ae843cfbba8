/*
 * The global descriptor table of both widths (SDM 3A, 3.4.5 and 7.2.3), in the order that SYSENTER, SYSEXIT, SYSCALL and
 * SYSRET take for granted; selectors.h names them. traps.c fills in the task state segment, which in 64-bit
 * mode takes two slots.
 */
#include "selectors.h"

/* base 0, limit 4 GiB in pages; access byte, then flags G, D/B, L in the high half of the limit's byte */
#define DESCRIPTOR(access, flags) .quad 0x000000000000ffff | ((access) << 40) | (0xf << 48) | ((flags) << 52)
#define CODE_RING_0 0x9b
#define DATA_RING_0 0x93
#define CODE_RING_3 0xfb
#define DATA_RING_3 0xf3
#define FLAGS_32 0xc
#define FLAGS_64 0xa
#ifdef __x86_64__
#define FLAGS_KERNEL FLAGS_64
#else
#define FLAGS_KERNEL FLAGS_32
#endif

        .data
        .balign 8
        .globl global_descriptors
global_descriptors:
        .quad 0
        DESCRIPTOR(CODE_RING_0, FLAGS_KERNEL)
        DESCRIPTOR(DATA_RING_0, FLAGS_32)
        DESCRIPTOR(CODE_RING_3, FLAGS_32)
        DESCRIPTOR(DATA_RING_3, FLAGS_32)
        DESCRIPTOR(CODE_RING_3, FLAGS_64)
        DESCRIPTOR(DATA_RING_3, FLAGS_32)
        .quad 0, 0
global_descriptors_pointer:
        .word . - global_descriptors - 1
        .long global_descriptors
        .long 0

#define BOOT_STACK_BYTES 16384
        .bss
        .balign 16
        .skip BOOT_STACK_BYTES
        .globl boot_stack_top
boot_stack_top:
