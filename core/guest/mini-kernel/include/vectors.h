/* Vectors of exceptions and interrupts (SDM 3A, 6.3.1), for C and assembly. */
#pragma once
#define VECTOR_DIVIDE_ERROR 0
#define VECTOR_NMI 2
#define VECTOR_BREAKPOINT 3
#define VECTOR_INVALID_OPCODE 6
#define VECTOR_NO_FLOATING_POINT 7 /* #NM */
#define VECTOR_PAGE_FAULT 14
#define VECTOR_X87 16
#define VECTOR_SIMD 19
#define VECTOR_IRQ 32 /* IRQ 0 of the 8259As; 16 of them */
#define VECTOR_APIC_TIMER 48
#define VECTOR_SELF 49
#define VECTOR_EVENT 50 /* Xen's event channels */
#define VECTOR_SPURIOUS 63
#define VECTOR_SYSTEM_CALL 0x80
/* In a frame of the fast system calls: their registers allow a return by SYSEXIT or SYSRET. */
#define VECTOR_FAST_SYSTEM_CALL 0x81

#define FLAGS_FIXED 0x2
#define FLAGS_INTERRUPT 0x200
#define FLAGS_DIRECTION 0x400
