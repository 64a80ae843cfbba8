/*
 * What a program may use on the bare machine alone: ports and system registers, address spaces, traps, user mode.
 * References are to Intel's Software Developer's Manual (SDM), volume 3A.
 */
#pragma once
#include "instructions.h"
#include "runtime.h"
#include "selectors.h"
#include "trap-stubs.h"

#define PAGE_BYTES 4096u
#define PAGE_SHIFT 12

/* ---- Instructions, besides those that all guests share. ---- */
static inline uintptr_t read_cr2(void) {
  uintptr_t value;
  __asm__ volatile("mov %%cr2, %0" : "=r"(value));
  return value;
}
static inline uintptr_t read_cr3(void) {
  uintptr_t value;
  __asm__ volatile("mov %%cr3, %0" : "=r"(value));
  return value;
}
static inline void write_cr3(uintptr_t value) { __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory"); }
static inline void invlpg(uintptr_t address) { __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory"); }

/* ---- Address spaces (paging.c). ---- */

/* Where programs map pages of their own: beyond all memory they may have, below the devices. */
#define WINDOW 0x40000000u

struct space {
  uint32_t root; /* what CR3 takes */
};

/* A space that maps all memory allocated so far at its own address, for kernel and user. Paging must not be off. */
void space_create(struct space *space);

/* The low half of the entry that maps the 4 KiB page of `address`; makes the tables that are missing. */
volatile uint32_t *space_entry(struct space *space, uintptr_t address);

/* Maps a 4 KiB page to a frame, writable and for the user. */
void space_map(struct space *space, uintptr_t address, uintptr_t frame);

/* What an entry that maps a frame writable for the user holds. */
static inline uint32_t present_entry(uintptr_t frame) { return (uint32_t)frame | 7; /* P, R/W, U/S (SDM 4.3) */ }

/* The space that paging_start has made and loaded. Fails if paging is off. */
struct space *kernel_space(void);

/* ---- Traps (traps.c). A trap handler may use general registers alone: the stubs save no others. ---- */
#define GENERAL_REGISTERS_ONLY __attribute__((target("general-regs-only")))

#define PAGE_FAULT_VECTOR 14

struct trap_frame {
#ifdef __x86_64__
  uint64_t r15, r14, r13, r12, r11, r10, r9, r8, di, si, bp, bx, dx, cx, ax;
#else
  uint32_t di, si, bp, unused_sp, bx, dx, cx, ax; /* as PUSHA leaves them */
#endif
  uintptr_t vector, error, ip, cs, flags; /* sp and ss follow where the processor pushed them */
};

/* Handles a vector below VECTORS from now on; without a handler a trap ends the machine with status 3. */
void trap_handle(unsigned vector, void (*handler)(struct trap_frame *));

/* Sends a vector to an entry of the program's own; `dpl` 3 lets INT n reach it from user mode. */
void trap_gate(unsigned vector, void (*entry)(void), unsigned dpl);

/* ---- User mode (user.S). ---- */

/* The stack that the processor takes on its way from ring 3 to ring 0. */
void set_kernel_stack(uintptr_t top);

/* Runs `entry` in ring 3 with interrupts as they are, on a stack with this top, until a handler calls leave_user. */
void enter_user(void (*entry)(void), uintptr_t stack_top);

/* Returns from the enter_user that is under way. */
_Noreturn void leave_user(void);
