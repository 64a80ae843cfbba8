/*
 * Event channels in place of interrupts: a bit for each in the shared page, a mask for each, and one mask for
 * the processor, which is the interrupt flag of this port. Physical IRQs and the virtual timer are bound to
 * channels.
 */
#include "console.h"
#include "xen.h"

#define CHANNELS_MOST 64
static void (*handlers[CHANNELS_MOST])(void);
static uint32_t irqs[CHANNELS_MOST]; /* and one; 0: no physical IRQ */

static volatile struct vcpu_info *vcpu(void) { return &xen_shared.vcpus[0]; }
static void barrier(void) { __asm__ volatile("" : : : "memory"); }

/* ---- The processor's mask. ---- */

void xen_interrupts_on(void) {
  vcpu()->upcall_mask = 0;
  barrier();
  /* What came in between is delivered on the way out of any hypercall. */
  if (vcpu()->upcall_pending) hypercall(XEN_VERSION, XENVER_VERSION, 0, 0, 0);
}

void xen_interrupts_off(void) {
  vcpu()->upcall_mask = 1;
  barrier();
}

uintptr_t xen_interrupts_save(void) {
  uintptr_t saved = vcpu()->upcall_mask;
  xen_interrupts_off();
  return saved;
}

void xen_interrupts_restore(uintptr_t saved) {
  if (saved == 0) xen_interrupts_on();
  else xen_interrupts_off();
}

void xen_interrupts_before_return(const struct trap_frame *frame) {
  (void)frame;
  xen_interrupts_off();
}

/* Unmasks, and waits unless something is pending. */
void xen_wait(void) { hypercall(SCHED_OP, SCHEDOP_BLOCK, 0, 0, 0); }

/* ---- Channels. ---- */

static word take_word(volatile word *from) { return __atomic_exchange_n(from, 0, __ATOMIC_SEQ_CST); }

static void handle(unsigned channel) {
  __atomic_fetch_and(&xen_shared.event_pending[channel / WORD_BITS], ~((word)1 << channel % WORD_BITS),
                     __ATOMIC_SEQ_CST);
  if (channel >= CHANNELS_MOST || handlers[channel] == 0) return;
  handlers[channel]();
  if (irqs[channel] == 0) return;
  const uint32_t irq = irqs[channel] - 1;
  hypercall(PHYSDEV_OP, PHYSDEVOP_EOI, (word)&irq, 0, 0);
}

/* The upcall: Xen has masked events, and says which words have bits. */
static void handle_events(void) {
  while (vcpu()->upcall_pending) {
    vcpu()->upcall_pending = 0;
    for (word words = take_word(&vcpu()->pending_words); words != 0; words &= words - 1) {
      unsigned index = (unsigned)__builtin_ctzl(words);
      word bits = xen_shared.event_pending[index] & ~xen_shared.event_mask[index];
      for (; bits != 0; bits &= bits - 1)
        handle(index * (unsigned)WORD_BITS + (unsigned)__builtin_ctzl(bits));
    }
  }
}

void xen_interrupts_start(void) { interrupt_handle(VECTOR_EVENT, handle_events); }

static void open_channel(uint32_t channel, void (*handler)(void)) {
  if (channel >= CHANNELS_MOST) panic("an event channel beyond those expected");
  handlers[channel] = handler;
  xen_call(EVENT_CHANNEL_OP, EVTCHNOP_UNMASK, (word)&channel, 0, 0);
}

void xen_virq_enable(unsigned virq, void (*handler)(void)) {
  struct bind_virq bind = {.virq = virq};
  xen_call(EVENT_CHANNEL_OP, EVTCHNOP_BIND_VIRQ, (word)&bind, 0, 0);
  open_channel(bind.port, handler);
}

void xen_irq_enable(unsigned irq, void (*handler)(void)) {
  struct bind_pirq bind = {.pirq = irq};
  xen_call(EVENT_CHANNEL_OP, EVTCHNOP_BIND_PIRQ, (word)&bind, 0, 0);
  irqs[bind.port] = irq + 1;
  open_channel(bind.port, handler);
}
