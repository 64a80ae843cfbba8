/*
 * Where things lie in linear memory, for C, assembly and the linker.
 *
 *             32-bit PAE                      64-bit
 *   user      00400000 – bfffffff             00400000 – 7fffffffefff
 *   kernel    c0000000 + physical address     ffffffff80000000 + physical address
 *   devices   f0000000 – f00fffff             ffffffffc0000000 – ffffffffc00fffff
 *
 * Nothing lies above f5800000 in the 32-bit kernel: that is Xen's (public/arch-x86/xen-x86_32.h), or another
 * monitor's.
 */
#pragma once
#ifdef __x86_64__
#define KERNEL_BASE 0xffffffff80000000
#define DEVICE_BASE 0xffffffffc0000000
#define MEMORY_MAPPED_MOST 0x3ff00000 /* bytes of memory that the kernel's map has room for */
#define USER_TOP 0x7ffffffff000
#else
#define KERNEL_BASE 0xc0000000
#define DEVICE_BASE 0xf0000000
#define MEMORY_MAPPED_MOST 0x2ff00000
#define USER_TOP 0xc0000000
#endif
#define USER_BOTTOM 0x400000
#define MAPPING_BOTTOM 0x40000000 /* where mmap begins to look */
#define STACK_BYTES_MOST 0x40000  /* of a process in user mode */
#define KERNEL_PHYSICAL 0x100000  /* where the image is loaded */
#define KERNEL_STACK_BYTES 8192
