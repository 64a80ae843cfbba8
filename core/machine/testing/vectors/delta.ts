/**
 * Assignments to a state as text, "ax=ff d800=00ff": what a vector sets before it runs, and what the CPU changed.
 *
 *      ax cx dx bx sp bp si di r8..r15      general registers           es cs ss ds fs gs    selectors
 *      ip  fl  mx                           RIP, RFLAGS, MXCSR          fsb gsb              bases in 64-bit code
 *      cw sw tw                             x87 control, status, tags   t0..t7               x87 physical registers
 *      x0..x15                              XMM                         c800 d800 s800       bytes in a window, from an offset
 *
 * Numbers are hexadecimal; memory is bytes in the order of their addresses.
 */
import { invariant } from "../../../util/errors.js";
import { type MachineState, REGISTERS } from "./state.js";

interface Field {
  readonly offset: number;
  /** Bytes: 1, 2, 4, 8, 10 or 16. */
  readonly size: number;
}

const GENERAL_NAMES = "ax cx dx bx sp bp si di r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const SEGMENT_NAMES = "es cs ss ds fs gs".split(" ");

const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ...GENERAL_NAMES.map((name, index) => [name, { offset: index * 8, size: 8 }] as const),
  ["ip", { offset: REGISTERS.rip, size: 8 }],
  ["fl", { offset: REGISTERS.flags, size: 4 }],
  ["mx", { offset: REGISTERS.mxcsr, size: 4 }],
  ["fsb", { offset: REGISTERS.fsBase, size: 8 }],
  ["gsb", { offset: REGISTERS.gsBase, size: 8 }],
  ...SEGMENT_NAMES.map(
    (name, index) => [name, { offset: REGISTERS.selectors + index * 2, size: 2 }] as const,
  ),
  ["cw", { offset: REGISTERS.x87Control, size: 2 }],
  ["sw", { offset: REGISTERS.x87Status, size: 2 }],
  ["tw", { offset: REGISTERS.x87Tags, size: 1 }],
  ...Array.from(
    { length: 8 },
    (_, index) => [`t${index}`, { offset: REGISTERS.x87 + index * 16, size: 10 }] as const,
  ),
  ...Array.from(
    { length: 16 },
    (_, index) => [`x${index}`, { offset: REGISTERS.xmm + index * 16, size: 16 }] as const,
  ),
]);

const WINDOW_NAMES = { c: "code", d: "data", s: "stack" } as const;
const WINDOWS = Object.entries(WINDOW_NAMES) as [keyof typeof WINDOW_NAMES, "code" | "data" | "stack"][];

/** The bytes that "00ff" stands for. */
export function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.substring(index * 2, index * 2 + 2), 16);
  return bytes;
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function readField(state: MachineState, { offset, size }: Field): bigint {
  let value = 0n;
  for (let byte = size - 1; byte >= 0; byte--)
    value = (value << 8n) | BigInt(state.view.getUint8(offset + byte));
  return value;
}

function writeField(state: MachineState, { offset, size }: Field, value: string): void {
  if (size <= 4) {
    const number = Number.parseInt(value, 16);
    for (let byte = 0; byte < size; byte++) state.view.setUint8(offset + byte, number >>> (8 * byte));
    return;
  }
  let rest = BigInt(`0x${value}`);
  for (let byte = 0; byte < size; byte++) {
    state.view.setUint8(offset + byte, Number(rest & 0xffn));
    rest >>= 8n;
  }
}

/** A place in a window, "d800". */
export function parsePlace(text: string): { window: "code" | "data" | "stack"; offset: number } {
  const window = WINDOW_NAMES[text[0] as keyof typeof WINDOW_NAMES];
  const offset = Number.parseInt(text.substring(1), 16);
  invariant(window !== undefined && offset >= 0, "a place in a window of memory", () => text);
  return { window, offset };
}

/** Carries out assignments separated by blanks. */
export function assign(state: MachineState, text: string): void {
  for (const assignment of text.split(" ")) {
    if (assignment === "") continue;
    const equals = assignment.indexOf("=");
    const name = assignment.substring(0, equals);
    const value = assignment.substring(equals + 1);
    const field = FIELDS.get(name);
    if (field !== undefined) writeField(state, field, value);
    else {
      const { window, offset } = parsePlace(name);
      state.memory[window].set(bytesOf(value), offset);
    }
  }
}

/** Whether a field's bytes are the same in both. */
function sameField(one: MachineState, other: MachineState, { offset, size }: Field): boolean {
  for (let byte = offset; byte < offset + size; byte++)
    if (one.view.getUint8(byte) !== other.view.getUint8(byte)) return false;
  return true;
}

/** Equal bytes between two changed ones that are cheaper to repeat than to begin anew. */
const GAP = 3;

function* memoryRuns(from: Uint8Array, to: Uint8Array): Generator<[start: number, end: number]> {
  const fromWords = new Int32Array(from.buffer);
  const toWords = new Int32Array(to.buffer);
  let start = -1;
  let end = -1;
  for (let word = 0; word < toWords.length; word++) {
    if (fromWords[word] === toWords[word]) continue;
    for (let index = word * 4; index < word * 4 + 4; index++) {
      if (from[index] === to[index]) continue;
      if (start >= 0 && index - end > GAP) {
        yield [start, end];
        start = -1;
      }
      if (start < 0) start = index;
      end = index + 1;
    }
  }
  if (start >= 0) yield [start, end];
}

/** One place where two states differ. */
export interface Difference {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** All places where `to` differs from `from`, in a fixed order: registers as in the table above, then memory. */
export function differences(from: MachineState, to: MachineState): Difference[] {
  const found: Difference[] = [];
  for (const [name, field] of FIELDS) {
    if (sameField(from, to, field)) continue;
    found.push({ name, from: readField(from, field).toString(16), to: readField(to, field).toString(16) });
  }
  for (const [letter, window] of WINDOWS)
    for (const [start, end] of memoryRuns(from.memory[window], to.memory[window]))
      found.push({
        name: letter + start.toString(16),
        from: hexOf(from.memory[window].subarray(start, end)),
        to: hexOf(to.memory[window].subarray(start, end)),
      });
  return found;
}

/** The assignments that make `to` of `from`. @public scripts/vectors imports it at run time. */
export function formatDifferences(found: readonly Difference[]): string {
  return found.map(({ name, to }) => `${name}=${to}`).join(" ");
}
