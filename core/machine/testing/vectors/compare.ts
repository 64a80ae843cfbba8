/** Runs vectors on anything that claims to be an x86, and says in words what differs. */
import { isExactMxcsr, MXCSR_FLAGS } from "../../cpu/mxcsr.js";
import { differences } from "./delta.js";
import { type Fault, formatFault, settle } from "./outcome.js";
import type { Vector } from "./reader.js";
import { MachineState, REGISTERS } from "./state.js";

/** What executes vectors: an engine in a machine set up as environment.ts says. */
export interface VectorTarget {
  /** Whether arithmetic under MXCSR's controls of reset sets its exception flags: processors do, fast engines may not. */
  readonly setsStickyFlags: boolean;
  /** Loads registers, selectors with their descriptors, and the three windows of memory. */
  setState(state: MachineState): void;
  /**
   * Executes from RIP until the first exception, and returns it; RIP stays what the exception pushes. There always is one:
   * breakpoints surround the code. Undefined when there was none within a hundred thousand instructions.
   */
  run(): Fault | undefined;
  /** Reads back everything that `setState` loaded. */
  getState(state: MachineState): void;
}

const actual = new MachineState();

/** Results that the manual gives a relative error only (Intel SDM vol. 2, RCPPS and RSQRTPS): 1.5 times 2 to the -12, either way. */
const APPROXIMATE = /^(RCP|RSQRT)[PS]S /;
const APPROXIMATE_ERROR = 2 * 1.5 * 2 ** -12;

const isNear = (one: number, other: number, error: number): boolean =>
  Object.is(one, other) ||
  (Number.isNaN(one) && Number.isNaN(other)) ||
  Math.abs(one - other) <= error * Math.abs(one);

/** Takes over lanes of the XMM registers that are near enough to what was recorded. */
function forgiveApproximations(expected: MachineState): void {
  const lanes = ({ registers }: MachineState) => new Float32Array(registers, REGISTERS.xmm, 64);
  const bits = ({ registers }: MachineState) => new Uint32Array(registers, REGISTERS.xmm, 64);
  for (let lane = 0; lane < 64; lane++)
    if (isNear(lanes(expected)[lane]!, lanes(actual)[lane]!, APPROXIMATE_ERROR))
      bits(actual)[lane] = bits(expected)[lane]!;
}

/** x87 functions whose last bits, and hence the direction of rounding (C1), differ between processors. */
const TRANSCENDENTAL = /^F(2XM1|YL2X|YL2XP1|PTAN|PATAN|SIN|COS|SINCOS)$/;
/** What double precision leaves of an operand of up to 2 to the 10. */
const TRANSCENDENTAL_ERROR = 2 ** -40;
const C1 = 1 << 9;
const PRECISION_EXCEPTION = 1 << 5;
const EXPONENT_BIAS = 0x3fff;
const EXPONENT_SPECIAL = 0x7fff;

/** An x87 register as the nearest double; infinities and NaNs as NaN of no use. */
function extendedValue({ view }: MachineState, at: number): number {
  const head = view.getUint16(at + 8, true);
  const exponent = head & EXPONENT_SPECIAL;
  if (exponent === EXPONENT_SPECIAL) return Number.NaN;
  const magnitude = Number(view.getBigUint64(at, true)) * 2 ** (exponent - EXPONENT_BIAS - 63);
  return head > EXPONENT_SPECIAL ? -magnitude : magnitude;
}

/** Takes over x87 registers that are near enough, and C1 and PE. */
function forgiveTranscendentals(expected: MachineState): void {
  for (let register = 0; register < 8; register++) {
    const at = REGISTERS.x87 + register * 16;
    const wanted = extendedValue(expected, at);
    if (Number.isNaN(wanted) || !isNear(wanted, extendedValue(actual, at), TRANSCENDENTAL_ERROR)) continue;
    new Uint8Array(actual.registers).set(new Uint8Array(expected.registers, at, 16), at);
  }
  const status = (state: MachineState) => state.view.getUint16(REGISTERS.x87Status, true);
  const free = C1 | PRECISION_EXCEPTION;
  actual.view.setUint16(REGISTERS.x87Status, (status(actual) & ~free) | (status(expected) & free), true);
}

const hexBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/**
 * Runs one vector. Returns "" when it comes out as recorded, else one line that says how it does not.
 *
 * @param undefinedFlags flags that the instruction leaves undefined in this case; they are not compared
 */
export function compareVector(target: VectorTarget, vector: Vector, undefinedFlags: number): string {
  const { initial, expected } = vector;
  target.setState(initial);
  const raw = target.run();
  const where = `line ${vector.line}, ${vector.title}`;
  const code = `${vector.mode}-bit code ${hexBytes(vector.bytes)}`;
  if (raw === undefined) return `${where}: no end; ${code}`;
  target.getState(actual);
  const fault = settle(actual, raw, initial, vector.mode, vector.bytes);

  actual.flags = (actual.flags & ~undefinedFlags) | (expected.flags & undefinedFlags);
  for (const { window, offset, length } of vector.ignored)
    actual.memory[window].set(expected.memory[window].subarray(offset, offset + length), offset);
  if (!target.setsStickyFlags && !isExactMxcsr(expected.mxcsr))
    actual.mxcsr = (actual.mxcsr & ~MXCSR_FLAGS) | (expected.mxcsr & MXCSR_FLAGS);
  if (APPROXIMATE.test(vector.title)) forgiveApproximations(expected);
  if (TRANSCENDENTAL.test(vector.title)) forgiveTranscendentals(expected);

  const wantedFault = vector.fault === undefined ? "none" : formatFault(vector.fault);
  const actualFault = fault === undefined ? "none" : formatFault(fault);
  const found = differences(expected, actual).map(({ name, from, to }) => `${name} ${to}, not ${from}`);
  if (wantedFault !== actualFault) found.unshift(`fault ${actualFault}, not ${wantedFault}`);
  return found.length === 0 ? "" : `${where}: ${found.join("; ")}; ${code}`;
}
