/*
 * Where the stand lies: it maps machine memory from address 0 on where Xen's guests have nothing. The guest's
 * machine frames begin behind it, so that machine frames and pseudo-physical ones differ.
 */
#pragma once
#ifdef __x86_64__
#define STAND_BASE 0xffff830000000000
#else
#define STAND_BASE 0xfc000000
#endif
#define STAND_PHYSICAL 0x100000
#define TRANSLATION_PHYSICAL 0x400000 /* the table MACHINE_TO_PHYSICAL, up to 2 MiB */
#define GUEST_FIRST_FRAME 0x1000      /* 16 MiB */
#define GUEST_FRAMES 0x2400           /* 36 MiB */
#define MACHINE_FRAMES 0x4000         /* 64 MiB */

/* Selectors as Xen has them, and the stand's own. */
#define STAND_CODE 0xe008
#define STAND_DATA 0xe010
#define STAND_TASK 0xe040
#define DESCRIPTOR_TABLE_BYTES 0xe050

#define VECTOR_HYPERCALL 0x82 /* of 32-bit guests; that of SYSCALL in the stand's own frames */
