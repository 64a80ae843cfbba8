/**
 * Guests of a few bytes, raw 32-bit code at 1 MiB, and a folder with scenarios that boot them: what tests of code guests'
 * endings run. The bytes are written out with their assembly: nothing else of the lab is needed to believe them.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadScenario, type Plan, planScenario } from "../../index.js";

const MARK_PORT = [0x66, 0xba, 0x40, 0x56]; // mov dx, 0x5640

/** mov eax, value; out dx, eax */
const mark = (value: number): number[] => [...MARK_PORT, 0xb8, value, 0, 0, 0, 0xef];
/** mov eax, status; out 0xf4, eax */
const exit = (status: number): number[] => [0xb8, status, 0, 0, 0, 0xe7, 0xf4];
/** mov dx, 0x3f8; mov al, c; out dx, al for each */
const print = (text: string): number[] => [
  ...[0x66, 0xba, 0xf8, 0x03],
  ...[...text].flatMap((letter) => [0xb0, letter.charCodeAt(0), 0xee]),
];
const NOP = 0x90;
const nops = (count: number): number[] => Array<number>(count).fill(NOP);

export const RAW_GUESTS = {
  /** Ends at once, all well. */
  good: [...print("hello\n"), ...exit(0)],
  /** Ends with status 3, having said why. */
  bad: [...print("oh no\n"), ...exit(3)],
  /** 100 instructions between its marks, and 7 more before the second's OUT has completed; then marks that count no more. */
  marked: [
    ...nops(20),
    ...mark(1),
    ...nops(100),
    ...mark(2),
    ...nops(9),
    ...mark(1),
    ...nops(9),
    ...mark(2),
    ...exit(0),
  ],
  /** jmp $ */
  endless: [...print("busy\n"), 0xeb, 0xfe],
  /** cli; hlt; jmp to the hlt */
  asleep: [0xfa, 0xf4, 0xeb, 0xfd],
  /** lidt [an empty table, which lies behind it]; ud2 */
  tripleFault: [0x0f, 0x01, 0x1d, 0x09, 0x00, 0x10, 0x00, 0x0f, 0x0b, 0, 0, 0, 0, 0, 0],
  /** The keyboard controller resets the machine: mov al, 0xfe; out 0x64, al; jmp $ */
  reset: [0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe],
  /** Prints for ever: mov dx, 0x3f8; mov al, 'x'; out dx, al; jmp to the out */
  flood: [0x66, 0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfd],
} as const;

export type RawGuest = keyof typeof RAW_GUESTS;

/** A folder with the guests as files, `good.bin` and so on. */
export class GuestFolder {
  readonly path = mkdtempSync(path.join(tmpdir(), "virtlab-guests-"));

  constructor() {
    for (const [name, bytes] of Object.entries(RAW_GUESTS)) this.write(`${name}.bin`, Uint8Array.from(bytes));
  }

  write(name: string, data: Uint8Array | string): string {
    const file = path.join(this.path, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, data);
    return file;
  }

  /** The plan of a scenario that lies in the folder. */
  plan(text: string, sets: readonly string[] = [], name = "test.yaml"): Plan {
    return planScenario(loadScenario({ text, path: path.join(this.path, name) }, { sets }));
  }

  end(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
