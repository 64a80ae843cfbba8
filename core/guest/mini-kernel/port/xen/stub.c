/* Where Xen's entry and its hypercall page will be; until then a kernel that Xen starts stays here. */
#include "port.h"

_Noreturn void xen_start(void);
_Noreturn void xen_start(void) {
  for (;;) continue;
}
char hypercall_page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
