/** Shifts and rotates of every size and count, step by step: a shift by n is n shifts by one. */
import { describe, expect, it } from "vitest";
import { TestProcessor } from "./testing/processor.js";
import {
  bit,
  CF,
  EDGES,
  flag,
  OF,
  pair,
  type Result,
  resultFlags,
  SIZES,
  type Size,
  sized,
  unsigned,
  written,
} from "./testing/reference.js";
import { RAX, RBX, RCX } from "./values.js";

const cpu = new TestProcessor(64);
const ALL = 0x8d5;
const AF = 0x10;

interface Step {
  readonly value: bigint;
  readonly carry: boolean;
}
/** One place, by the value and CF before. */
type OnePlace = (size: Size, value: bigint, carry: boolean) => Step;

const top = (size: Size, value: bigint): boolean => bit(value, size * 8 - 1);
const atTop = (size: Size, isSet: boolean): bigint => (isSet ? 1n << BigInt(size * 8 - 1) : 0n);
const left =
  (comesIn: (size: Size, value: bigint, carry: boolean) => boolean): OnePlace =>
  (size, value, carry) => ({
    value: unsigned(size, value << 1n) | (comesIn(size, value, carry) ? 1n : 0n),
    carry: top(size, value),
  });
const right =
  (comesIn: (size: Size, value: bigint, carry: boolean) => boolean): OnePlace =>
  (size, value, carry) => ({
    value: (value >> 1n) | atTop(size, comesIn(size, value, carry)),
    carry: bit(value, 0),
  });

interface Operation {
  readonly name: string;
  /** ModRM.reg. */
  readonly code: number;
  readonly onePlace: OnePlace;
  /** OF of the result: after a step to the left, or to the right; never after SAR. */
  readonly way: "left" | "right" | "none";
  readonly setsResultFlags: boolean;
}
const OPERATIONS: readonly Operation[] = [
  { name: "ROL", code: 0, onePlace: left(top), way: "left", setsResultFlags: false },
  {
    name: "ROR",
    code: 1,
    onePlace: right((_, value) => bit(value, 0)),
    way: "right",
    setsResultFlags: false,
  },
  { name: "RCL", code: 2, onePlace: left((_s, _v, carry) => carry), way: "left", setsResultFlags: false },
  { name: "RCR", code: 3, onePlace: right((_s, _v, carry) => carry), way: "right", setsResultFlags: false },
  { name: "SHL", code: 4, onePlace: left(() => false), way: "left", setsResultFlags: true },
  { name: "SHR", code: 5, onePlace: right(() => false), way: "right", setsResultFlags: true },
  { name: "SAR", code: 7, onePlace: right(top), way: "none", setsResultFlags: true },
];

function shifted(size: Size, operation: Operation, given: bigint, count: number, before: number): Result {
  const places = count & (size === 8 ? 63 : 31);
  let [value, carry] = [unsigned(size, given), (before & CF) !== 0];
  if (places === 0) return { value, flags: before };
  for (let place = 0; place < places; place++) ({ value, carry } = operation.onePlace(size, value, carry));
  const changed = operation.way === "left" ? carry : bit(value, size * 8 - 2);
  const overflow = operation.way !== "none" && top(size, value) !== changed;
  const rest = operation.setsResultFlags ? resultFlags(size, value) : before & ~(CF | OF);
  return { value, flags: rest | flag(CF, carry) | flag(OF, overflow) };
}

describe.each(OPERATIONS)("$name", (operation) => {
  it.each(SIZES)("by CL, of %i bytes", (size) => {
    const code = sized(size, "d2", pair(operation.code, RAX));
    for (const value of EDGES) {
      for (let count = 0; count < 67; count += count === 35 ? 24 : 1) {
        for (const flags of [0, ALL]) {
          const wanted = shifted(size, operation, value, count, flags);
          const outcome = cpu.execute(code, { registers: { [RAX]: value, [RCX]: count }, flags });
          const where = `${code} ${value} by ${count}`;
          expect(outcome.registers[RAX], where).toBe(written(size, value, wanted.value));
          expect(outcome.flags, where).toBe(wanted.flags);
        }
      }
    }
  });

  it.each(SIZES)("by 1 and by an immediate, of %i bytes", (size) => {
    const forms = [1, 0, 1, 7, 8, 9, 31, 32, 33, 63].map((count, index) =>
      index === 0
        ? { code: sized(size, "d0", pair(operation.code, RAX)), count }
        : { code: sized(size, "c0", pair(operation.code, RAX) + count.toString(16).padStart(2, "0")), count },
    );
    for (const { code, count } of forms) {
      for (const value of EDGES) {
        const wanted = shifted(size, operation, value, count, ALL);
        const outcome = cpu.execute(code, { registers: { [RAX]: value }, flags: ALL });
        expect(outcome.registers[RAX], code).toBe(written(size, value, wanted.value));
        expect(outcome.flags, code).toBe(wanted.flags);
      }
    }
  });
});

describe.each([
  { name: "SHLD", opcode: "0fa5", isLeft: true },
  { name: "SHRD", opcode: "0fad", isLeft: false },
])("$name", ({ opcode, isLeft }) => {
  it.each([2, 4, 8] as const)("of %i bytes", (size) => {
    const code = sized(size, opcode, pair(RBX, RAX), false);
    const bits = BigInt(size * 8);
    for (const value of EDGES) {
      for (const source of EDGES) {
        for (let count = 0; count < 66; count += count < 3 ? 1 : 7) {
          const places = BigInt(count & (size === 8 ? 63 : 31));
          // Undefined above the operand's bits.
          if (places > bits) continue;
          const [first, second] = [unsigned(size, value), unsigned(size, source)];
          const joined = isLeft ? (first << bits) | second : (second << bits) | first;
          const result = unsigned(size, isLeft ? (joined << places) >> bits : joined >> places);
          const carry = isLeft ? bit(first, bits - places) : bit(first, places - 1n);
          const outcome = cpu.execute(code, {
            registers: { [RAX]: value, [RBX]: source, [RCX]: count },
            flags: ALL,
          });
          const where = `${code} ${value} ${source} by ${count}`;
          expect(outcome.registers[RAX], where).toBe(written(size, value, result));
          if (places === 0n) expect(outcome.flags, where).toBe(ALL);
          else expect(outcome.flags & ~(OF | AF), where).toBe(resultFlags(size, result) | flag(CF, carry));
          // OF: the sign changed.
          if (places === 1n)
            expect((outcome.flags & OF) !== 0, where).toBe(top(size, result) !== top(size, first));
        }
      }
    }
  });
});
