/*
 * What the kernel is ported by: everything that differs between a bare machine and a paravirtual one goes
 * through this table, as Linux's pv_ops do. Chosen once, at the entry through which the kernel was started.
 * Operations are grouped as processor, memory management, interrupts and time.
 */
#pragma once
#include "memory.h"
#include "trap.h"

/* An entry of a page table, of any level (SDM 3A, 4.4 and 4.5). */
typedef uint64_t entry_t;
#define ENTRY_PRESENT 0x1
#define ENTRY_WRITABLE 0x2
#define ENTRY_USER 0x4
#define ENTRY_CACHE_DISABLE 0x10
#define ENTRY_ACCESSED 0x20
#define ENTRY_DIRTY 0x40
#define ENTRY_LARGE 0x80
#define ENTRY_GLOBAL 0x100
#define ENTRY_SHARED 0x200 /* for software: of a shared area, copied on fork as it is */
#define ENTRY_HIDDEN 0x400 /* for software: a page that nobody may touch now; not present, yet in use */
#define ENTRY_USED (ENTRY_PRESENT | ENTRY_HIDDEN)
#define ENTRY_ADDRESS 0x000ffffffffff000ull

#ifdef __x86_64__
#define LEVELS 4
#else
#define LEVELS 3
#endif
#define TABLE_ENTRIES 512

struct space;

struct port {
  bool has_devices;    /* memory of devices may be mapped, and the local APIC is there */
  bool has_fast_calls; /* SYSENTER or SYSCALL lead into the kernel */

  /* ---- Processor. ---- */
  /* Descriptor tables, traps, ways in: once, before anything else may fault. */
  void (*processor_start)(void);
  /* The kernel stack that a trap from user mode begins on. */
  void (*set_kernel_stack)(uintptr_t top);
  /* Where a new process's kernel stack leads: pops the trap frame on it and returns to user mode. */
  void (*return_to_user)(void);
  uint16_t user_code, user_data;
  /* Address that the last page fault was about. */
  uintptr_t (*fault_address)(void);
  /* Calls the monitor for nothing; 0: there is none but by VMCALL or VMMCALL, which a kernel may try. */
  void (*null_hypercall)(void);
  /* Allows programs x87 and SSE; has their next use trap (#NM); and, when it has trapped, no longer. */
  void (*floating_point_start)(void);
  void (*floating_point_trap)(void);
  void (*floating_point_allow)(void);

  /* ---- Memory management. ---- */
  entry_t (*make_entry)(frame_number frame, unsigned flags);
  frame_number (*entry_frame)(entry_t entry);
  /* The kernel's map, for good: replaces the one that the machine was started with. */
  void (*memory_start)(struct space *kernel);
  /* The kernel's part of a new top table; and all of a space before its tables go. */
  void (*space_made)(struct space *space);
  void (*space_dropped)(struct space *space);
  /* Writes an entry of a table in use. The translations that it had are flushed separately. */
  void (*set_entry)(entry_t *entry, entry_t value, unsigned level);
  /* Writes the lowest entry for an address of the space that is in use, and flushes the translation it had. */
  void (*set_page)(uintptr_t address, entry_t *entry, entry_t value);
  /*
   * Between these two, entries may be written late, all together; so may the kernel stack and the space be
   * changed.
   */
  void (*batch_begin)(void);
  void (*batch_end)(void);
  void (*flush_page)(uintptr_t address);
  void (*flush_all)(void);
  void (*activate)(struct space *space);
  uint64_t (*machine_address)(const void *memory); /* as devices see it */

  /* ---- Interrupts. ---- */
  void (*interrupts_on)(void);
  void (*interrupts_off)(void);
  /* Off, returning what was; and back to that. */
  uintptr_t (*interrupts_save)(void);
  void (*interrupts_restore)(uintptr_t saved);
  /* A trap has turned interrupts off. */
  void (*interrupts_taken)(void);
  /* Just before a return to the code of a frame, whose interrupt flag the return restores. */
  void (*interrupts_before_return)(const struct trap_frame *frame);
  /* Interrupts on, and waits for one: none is missed in between. */
  void (*wait)(void);
  void (*interrupts_start)(void);
  /* Allows an IRQ of the 8259As' numbering, whose handler is called for each. */
  void (*irq_enable)(unsigned irq, void (*handler)(void));

  /* ---- Time. ---- */
  /* Begins ticks, so many a second. */
  void (*timer_start)(unsigned hertz, void (*tick)(void));
  /* Since the start. */
  uint64_t (*microseconds)(void);

  /* ---- Console and end. ---- */
  void (*console_start)(void);
  void (*console_write)(const char *bytes, size_t count);
  void (*end)(void); /* nothing runs any more */
};

/*
 * `careful_port` is the native one without PUSHF and POPF and without trust in IRET's way with the interrupt
 * flag: where the kernel is deprivileged, these neither trap nor do their work (Robin and Irvine, USENIX
 * Security 2000).
 */
extern const struct port native_port, xen_port;
extern struct port careful_port;
void careful_port_start(void);
extern const struct port *port;

/* What the loader told, the same for all entries. */
struct boot_information {
  uint64_t memory_bytes; /* from address 0 on */
  const char *command_line;
  frame_number first_frame; /* free from here on */
};

_Noreturn void kernel_main(const struct port *chosen, const struct boot_information *boot);
