/* Of Xen's interface (abi.h) what assembly uses. */
#pragma once
#define HYPERCALL_BYTES 32
#define HYPERCALL_IRET 23
#define IRET_IN_SYSCALL 0x100 /* VGCF_in_syscall: RCX and R11 need not be kept */
#define KERNEL_DS_32 0xe021   /* FLAT_KERNEL_SS of 32-bit guests */
/* In the shared page: the first vcpu_info. */
#define UPCALL_PENDING 0
#define UPCALL_MASK 1
#ifdef __x86_64__
#define XEN_STUB_BYTES 32
#else
#define XEN_STUB_BYTES 16
#endif
