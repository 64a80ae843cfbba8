/** Seeds of guests (guests.ts) that found something, by what it was. Those that are mended stay here and must pass. */
export interface Finding {
  readonly seed: number;
  readonly found: string;
  /** Mended: the test runs it. */
  readonly isMended: boolean;
}

const TABLES = "page tables whose frames lie outside RAM: the walk read beyond the machine's memory";
const SLEEP = "halted for ever while deadlines went by: the budget was never looked at";

export const CORPUS: readonly Finding[] = [
  { seed: 11, found: TABLES, isMended: true },
  { seed: 15, found: SLEEP, isMended: true },
  { seed: 18, found: TABLES, isMended: true },
  { seed: 26, found: SLEEP, isMended: true },
  { seed: 44, found: SLEEP, isMended: true },
];
