/** An interrupt or exception being delivered: what it is, and what it pushes. One object for each CPU, filled anew each time. */
export interface Event {
  vector: number;
  /** EVENT_KIND (raise.ts). */
  kind: number;
  /** INT n, INT3, INTO: the gate's DPL is checked. */
  isSoftware: boolean;
  hasErrorCode: boolean;
  errorCode: number;
  /** RFLAGS to push; RF as the event wants it. */
  flags: number;
  /** RIP to push. */
  returnLow: number;
  returnHigh: number;
}

export const newEvent = (): Event => ({
  vector: 0,
  kind: 0,
  isSoftware: false,
  hasErrorCode: false,
  errorCode: 0,
  flags: 0,
  returnLow: 0,
  returnHigh: 0,
});

/** In the error code of a fault about a gate: the index is the IDT's. */
export const IDT = 2;
/** The fault happened while something external to the program was delivered (SDM vol. 3, 6.13). */
export const EXT = 1;
