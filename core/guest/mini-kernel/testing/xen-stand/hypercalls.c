/* Hypercalls, done as asked. */
#include "instructions.h"
#include "stand.h"

#define FAULT (-14)
#define UNKNOWN (-38)

void event_send(uint32_t channel) {
  shared.event_pending[channel / WORD_BITS] |= (word)1 << channel % WORD_BITS;
  if (shared.event_mask[channel / WORD_BITS] >> channel % WORD_BITS & 1) return;
  shared.vcpus[0].pending_words |= (word)1 << channel / WORD_BITS;
  shared.vcpus[0].upcall_pending = 1;
}

static intptr_t set_traps(const struct trap_info *traps) {
  for (; traps->address != 0; traps++) guest.traps[traps->vector] = *traps;
  return 0;
}

static intptr_t mmu_update(const struct mmu_update *updates, uintptr_t count) {
  for (uintptr_t i = 0; i < count; i++) table_update(updates[i].pointer, updates[i].value);
  return 0;
}

static void flush(void) {
  uintptr_t cr3;
  __asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(cr3) : : "memory");
}

static intptr_t mmuext(const struct mmuext_op *operations, uintptr_t count) {
  for (uintptr_t i = 0; i < count; i++) {
    uint64_t address = (uint64_t)operations[i].argument_1 << PAGE_SHIFT;
    switch (operations[i].command) {
      case PIN_L3_TABLE:
      case PIN_L4_TABLE: table_pin(operations[i].argument_1, LEVELS); break;
      case UNPIN_TABLE: table_unpin(operations[i].argument_1); break;
      case NEW_BASEPTR:
        guest.kernel_space = address;
        space_load(address);
        break;
      case NEW_USER_BASEPTR: guest.user_space = address; break;
      case TLB_FLUSH_LOCAL: flush(); break;
      case INVLPG_LOCAL: __asm__ volatile("invlpg (%0)" : : "r"(operations[i].argument_1) : "memory"); break;
      default: return UNKNOWN;
    }
  }
  return 0;
}

static intptr_t event_channel(uintptr_t command, void *argument) {
  switch (command) {
    case EVTCHNOP_BIND_VIRQ: {
      struct bind_virq *bind = argument;
      bind->port = guest.timer_channel = ++guest.channels;
      return bind->virq == VIRQ_TIMER ? 0 : UNKNOWN;
    }
    case EVTCHNOP_BIND_PIRQ: {
      struct bind_pirq *bind = argument;
      bind->port = guest.irq_channels[bind->pirq] = ++guest.channels;
      return 0;
    }
    case EVTCHNOP_UNMASK: {
      uint32_t channel = *(uint32_t *)argument;
      shared.event_mask[channel / WORD_BITS] &= ~((word)1 << channel % WORD_BITS);
      if (shared.event_pending[channel / WORD_BITS] >> channel % WORD_BITS & 1) event_send(channel);
      return 0;
    }
    default: return UNKNOWN;
  }
}

static intptr_t sched(uintptr_t command) {
  if (command == SCHEDOP_SHUTDOWN) stand_end("the guest shut down", 0);
  if (command != SCHEDOP_BLOCK) return UNKNOWN;
  shared.vcpus[0].upcall_mask = 0;
  while (!shared.vcpus[0].upcall_pending) wait_for_interrupt();
  return 0;
}

static intptr_t multicall(struct trap_frame *frame, struct multicall_entry *calls, uintptr_t count) {
  for (uintptr_t i = 0; i < count; i++)
    calls[i].result = (word)hypercall_do(frame, calls[i].operation, (const uintptr_t *)calls[i].arguments);
  return 0;
}

intptr_t hypercall_do(struct trap_frame *frame, uintptr_t number, const uintptr_t *arguments) {
  const uintptr_t a = arguments[0], b = arguments[1], c = arguments[2];
  switch (number) {
    case SET_TRAP_TABLE: return set_traps((const struct trap_info *)a);
    case MMU_UPDATE: return mmu_update((const struct mmu_update *)a, b);
    case FPU_TASKSWITCH: floating_point_trap(a != 0); return 0;
    case STACK_SWITCH: guest.kernel_stack = b; return 0;
#ifdef __x86_64__
    case SET_CALLBACKS: guest.event_callback = a, guest.syscall_callback = c; return 0;
    case UPDATE_VA_MAPPING: table_map(a, b); return 0;
    case SET_TIMER_OP: guest.timer = a; return 0;
#else
    case SET_CALLBACKS: guest.event_callback = b; return c == FLAT_KERNEL_CS ? 0 : FAULT;
    case UPDATE_VA_MAPPING: table_map(a, (uint64_t)c << 32 | b); return 0;
    case SET_TIMER_OP: guest.timer = (uint64_t)b << 32 | a; return 0;
#endif
    case MULTICALL: return multicall(frame, (struct multicall_entry *)a, b);
    case XEN_VERSION: return 4 << 16;
    case CONSOLE_IO: stand_print((const char *)c, b); return 0;
    case IRET: guest_return(frame); return (intptr_t)frame->ax;
    case MMUEXT_OP: return mmuext((const struct mmuext_op *)a, b);
    case SCHED_OP: return sched(a);
    case EVENT_CHANNEL_OP: return event_channel(a, (void *)b);
    case PHYSDEV_OP: return a == PHYSDEVOP_SET_IOPL || a == PHYSDEVOP_EOI ? 0 : UNKNOWN;
    default: return UNKNOWN;
  }
}
