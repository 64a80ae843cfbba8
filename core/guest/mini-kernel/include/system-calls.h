/* Numbers of system calls, for the kernel and the user's library. At most three arguments each. */
#pragma once
enum system_call {
  CALL_NULL,     /* () → 0 */
  CALL_EXIT,     /* (status) */
  CALL_FORK,     /* () → 0 in the child, its number in the parent */
  CALL_EXECUTE,  /* (path, arguments) */
  CALL_WAIT,     /* (status*) → number of a child that ended */
  CALL_PROCESS,  /* () → own number */
  CALL_OPEN,     /* (path, flags) → descriptor */
  CALL_CLOSE,    /* (descriptor) */
  CALL_READ,     /* (descriptor, to, bytes) → bytes */
  CALL_WRITE,    /* (descriptor, from, bytes) → bytes */
  CALL_SEEK,     /* (descriptor, position) */
  CALL_STAT,     /* (path, information*) */
  CALL_REMOVE,   /* (path) */
  CALL_PIPE,     /* (descriptors*) */
  CALL_MAP,      /* (address or 0, bytes, protection) → address */
  CALL_MAP_FILE, /* (descriptor, bytes, protection) → address */
  CALL_UNMAP,    /* (address, bytes) */
  CALL_PROTECT,  /* (address, bytes, protection) */
  CALL_SIGNAL,   /* (number, handler, restorer) → earlier handler */
  CALL_SIGNAL_RETURN,
  CALL_KILL,      /* (process, number) */
  CALL_YIELD,     /* () */
  CALL_SLEEP,     /* (ticks) */
  CALL_TIME,      /* (uint64_t *microseconds) */
  CALL_TICKS,     /* () → ticks of the clock */
  CALL_MARK,      /* (value): to the mark port */
  CALL_BENCHMARK, /* (operation, count, result*): kernel-benchmark.h */
  CALL_FREE,      /* () → free page frames */
  CALLS
};
