/** Seeds of guests (guests.ts) that found something, by what it was. Those that are mended stay here and must pass. */
export interface Finding {
  readonly seed: number;
  readonly found: string;
  /** Mended: the test runs it. */
  readonly isMended: boolean;
}

export const CORPUS: readonly Finding[] = [
  {
    seed: 11,
    found: "a WebAssembly trap, out of bounds, in the translation of a linear address (EngineMemory.find)",
    isMended: false,
  },
  { seed: 15, found: "runs for ever, whatever the budget", isMended: false },
];
