/** What devices have in common: how they answer the bus, drive lines, and are saved. */

/** Bytes of one access as a device sees it. The bus splits what is wider. */
export type AccessSize = 1 | 2 | 4;

/** What answers I/O ports. `port` is the absolute number; values are unsigned, those written already cut to size. */
export interface PortDevice {
  readPort(port: number, size: AccessSize): number;
  writePort(port: number, size: AccessSize, value: number): void;
}

/** What answers physical addresses. `offset` counts from the start of the range it was given. Values are unsigned. */
export interface MemoryDevice {
  readMemory(offset: number, size: AccessSize): number;
  writeMemory(offset: number, size: AccessSize, value: number): void;
}

/** A wire that a device drives: told the level after every change, and harmless to be told again. */
export type Line = (high: boolean) => void;

/** State that a machine saves to step back. What `save` returns is plain data and shares nothing that changes. */
export interface Stateful<State> {
  save(): State;
  restore(state: State): void;
  /** As the RESET# line: the state after power-on, at the present time. */
  reset(): void;
}

/** Guest-physical memory as a bus master sees it. What is outside RAM reads as ones and is not written. */
export interface GuestMemory {
  read(address: number, bytes: Uint8Array): void;
  write(address: number, bytes: Uint8Array): void;
}

/** All ones in an access of this size: what a bus that nobody drives reads as. */
export function allOnes(size: AccessSize): number {
  return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
}
