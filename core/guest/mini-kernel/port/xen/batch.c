/*
 * Requests to change tables, the space and the stack wait here, in their order, until they are sent: one kind of
 * request by its own hypercall, several by one multicall. Outside batches each is sent at once. The settings
 * `batch` and `multicall` say how many go together.
 */
#include "console.h"
#include "settings.h"
#include "xen.h"

#define OPERATIONS_MOST 8
#define CALLS_MOST 8
static struct mmu_update updates[XEN_BATCH_MOST];
static struct mmuext_op operations[OPERATIONS_MOST];
static struct multicall_entry calls[CALLS_MOST];
static unsigned update_count, operation_count, call_count, batch_depth;

void xen_batch_send(void) {
  unsigned count = call_count;
  update_count = operation_count = call_count = 0;
  if (count > 1 && settings.has_multicalls) {
    xen_call(MULTICALL, (word)calls, count, 0, 0);
    for (unsigned i = 0; i < count; i++)
      if ((intptr_t)calls[i].result < 0) panic("a hypercall of a batch failed");
    return;
  }
  for (unsigned i = 0; i < count; i++) {
    const word *arguments = calls[i].arguments;
    xen_call(calls[i].operation, arguments[0], arguments[1], arguments[2], arguments[3]);
  }
}

static void send_unless_batched(void) {
  if (batch_depth == 0) xen_batch_send();
}

void xen_batch_begin(void) { batch_depth++; }
void xen_batch_end(void) {
  if (--batch_depth == 0) xen_batch_send();
}

/* Room for one more call. */
static struct multicall_entry *new_call(enum hypercall operation) {
  struct multicall_entry *call = &calls[call_count++];
  call->operation = operation;
  return call;
}

/* One more item of a list: of the last call, where that has such items. */
static void add_item(enum hypercall operation, const void *item) {
  if (call_count > 0 && calls[call_count - 1].operation == operation) {
    calls[call_count - 1].arguments[1]++;
    return;
  }
  struct multicall_entry *call = new_call(operation);
  call->arguments[0] = (word)item;
  call->arguments[1] = 1;
  call->arguments[2] = 0;
  call->arguments[3] = DOMID_SELF;
}

void xen_add_update(uint64_t pointer, uint64_t value) {
  if (update_count >= settings.batch || call_count == CALLS_MOST) xen_batch_send();
  struct mmu_update *update = &updates[update_count++];
  *update = (struct mmu_update){pointer, value};
  add_item(MMU_UPDATE, update);
  send_unless_batched();
}

void xen_add_operation(enum mmuext_command command, word argument) {
  if (operation_count == OPERATIONS_MOST || call_count == CALLS_MOST) xen_batch_send();
  struct mmuext_op *operation = &operations[operation_count++];
  *operation = (struct mmuext_op){.command = command, .argument_1 = argument};
  add_item(MMUEXT_OP, operation);
  send_unless_batched();
}

void xen_set_kernel_stack(uintptr_t top) {
  if (call_count == CALLS_MOST) xen_batch_send();
  struct multicall_entry *call = new_call(STACK_SWITCH);
  call->arguments[0] = FLAT_KERNEL_SS;
  call->arguments[1] = top;
  send_unless_batched();
}

void xen_floating_point_trap(void) {
  if (call_count == CALLS_MOST) xen_batch_send();
  struct multicall_entry *call = new_call(FPU_TASKSWITCH);
  call->arguments[0] = true;
  send_unless_batched();
}
