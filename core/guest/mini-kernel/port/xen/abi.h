/*
 * Xen's public interface for paravirtual guests, as far as this port uses it: numbers and structures of
 * xen/include/public (xen.h, arch-x86/xen.h, xen-x86_32.h, xen-x86_64.h, event_channel.h, physdev.h,
 * sched.h).
 */
#pragma once
#include "types.h"

typedef unsigned long word; /* as wide as the guest */

/* ---- Hypercalls: at hypercall_page + 32 × number. ---- */
#define HYPERCALL_BYTES 32
enum hypercall {
  SET_TRAP_TABLE = 0,
  MMU_UPDATE = 1,
  STACK_SWITCH = 3,
  SET_CALLBACKS = 4,
  FPU_TASKSWITCH = 5,
  MULTICALL = 13,
  UPDATE_VA_MAPPING = 14,
  SET_TIMER_OP = 15,
  XEN_VERSION = 17,
  CONSOLE_IO = 18,
  VM_ASSIST = 21,
  IRET = 23,
  MMUEXT_OP = 26,
  SCHED_OP = 29,
  EVENT_CHANNEL_OP = 32,
  PHYSDEV_OP = 33,
};
#define DOMID_SELF 0x7ff0

/* ---- Segments that Xen's own descriptor table has; set_gdt is not used. ---- */
#ifdef __x86_64__
#define FLAT_KERNEL_CS 0xe033
#define FLAT_KERNEL_SS 0xe02b
#define FLAT_USER_CS 0xe033
#define FLAT_USER_DS 0xe02b
#define MACHINE_TO_PHYSICAL 0xffff800000000000
#define TOP_SLOTS_XEN_FIRST 256 /* of a level 4 table those that are Xen's */
#define TOP_SLOTS_XEN_END 272
#else
#define FLAT_KERNEL_CS 0xe019
#define FLAT_KERNEL_SS 0xe021
#define FLAT_USER_CS 0xe02b
#define FLAT_USER_DS 0xe033
#define MACHINE_TO_PHYSICAL 0xf5800000
#endif

/* ---- Traps and callbacks. ---- */
struct trap_info {
  uint8_t vector;
  uint8_t flags; /* privilege level; TRAP_MASK_EVENTS */
  uint16_t cs;
  word address; /* 0 ends the table */
};
#define TRAP_MASK_EVENTS 4

/* ---- Memory management. ---- */
struct mmu_update {
  uint64_t pointer; /* machine address of the entry; the low bits say what to do, 0: a normal update */
  uint64_t value;
};
struct mmuext_op {
  unsigned command;
  word argument_1; /* a machine frame, or a linear address */
  word argument_2;
};
enum mmuext_command {
  PIN_L3_TABLE = 2,
  PIN_L4_TABLE = 3,
  UNPIN_TABLE = 4,
  NEW_BASEPTR = 5,
  TLB_FLUSH_LOCAL = 6,
  INVLPG_LOCAL = 7,
  NEW_USER_BASEPTR = 15,
};
#define UVMF_NONE 0
#define UVMF_INVLPG 2
/* Stores to lowest tables are emulated. */
#define VM_ASSIST_ENABLE 0
#define VM_ASSIST_WRITABLE_PAGETABLES 2

struct multicall_entry {
  word operation;
  word result;
  word arguments[6];
};

/* ---- Shared information, one page; and what the guest is started with. ---- */
struct vcpu_time_info {
  uint32_t version; /* odd while it changes */
  uint32_t padding;
  uint64_t tsc_timestamp;
  uint64_t system_time; /* nanoseconds at that time stamp */
  uint32_t tsc_to_system_mul;
  int8_t tsc_shift;
  int8_t padding_2[3];
};
struct vcpu_info {
  uint8_t upcall_pending;
  uint8_t upcall_mask;
  word pending_words; /* bit n: word n of event_pending has something */
  word cr2;
#ifdef __x86_64__
  word padding;
#else
  word padding[5];
#endif
  struct vcpu_time_info time;
};
#define VCPUS_MOST 32
#define WORD_BITS (8 * sizeof(word))
struct shared_info {
  struct vcpu_info vcpus[VCPUS_MOST];
  word event_pending[WORD_BITS];
  word event_mask[WORD_BITS];
  uint8_t others[PAGE_BYTES - VCPUS_MOST * sizeof(struct vcpu_info) -
                 2 * WORD_BITS * sizeof(word)]; /* wall clock, architecture */
};
_Static_assert(sizeof(struct shared_info) == PAGE_BYTES, "nothing else lies in the shared page");
_Static_assert(sizeof(struct vcpu_info) == 64, "Xen's vcpu_info has 64 bytes");

struct xen_start_info {
  char magic[32]; /* "xen-3.0-x86_32p" or "xen-3.0-x86_64" */
  word pages;
  word shared_info; /* machine address */
  uint32_t flags;
  word store_frame;
  uint32_t store_event;
  word console_frame;
  uint32_t console_event;
  word page_table; /* linear address of the top table */
  word page_table_frames;
  word frame_list; /* linear address of the list of machine frames */
  word module_start, module_bytes;
  char command_line[1024];
};

/* ---- Events, scheduling, devices. ---- */
#define EVTCHNOP_BIND_VIRQ 1
#define EVTCHNOP_BIND_PIRQ 2
#define EVTCHNOP_UNMASK 9
#define VIRQ_TIMER 0
struct bind_virq {
  uint32_t virq, vcpu, port;
};
struct bind_pirq {
  uint32_t pirq, flags, port;
};
#define SCHEDOP_BLOCK 1
#define SCHEDOP_SHUTDOWN 2
#define SHUTDOWN_POWEROFF 0
#define PHYSDEVOP_SET_IOPL 6
#define PHYSDEVOP_EOI 12
#define CONSOLEIO_WRITE 0
#define XENVER_VERSION 0
