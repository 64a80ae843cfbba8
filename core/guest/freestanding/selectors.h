/*
 * Selectors of a bare machine's global descriptor table, for C and assembly. The order is what SYSENTER,
 * SYSEXIT, SYSCALL and SYSRET take for granted (SDM 3A, 5.8.7 and 5.8.8).
 */
#pragma once
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE_32 0x1b
#define USER_DATA 0x23
#define USER_CODE_64 0x2b
#define TASK_STATE 0x38
#define DESCRIPTORS 9
#ifdef __x86_64__
#define USER_CODE USER_CODE_64
#else
#define USER_CODE USER_CODE_32
#endif
