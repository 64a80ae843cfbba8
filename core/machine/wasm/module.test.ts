/** Does the builder write what WebAssembly reads? Small modules compiled by the engine and called. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  anyTrue,
  bitsLessThan,
  type Code,
  call,
  float,
  floatAdd,
  get,
  giveBack,
  ifElse,
  ifThen,
  ifUnlikely,
  int,
  lessThan,
  load,
  loadFloat,
  loadFloatBits,
  loadVector,
  lowBitsOfFloat,
  select,
  set,
  setEach,
  signed,
  splat,
  store,
  storeFloat,
  unsigned,
  vectorEq,
  whileLoop,
} from "./code.js";
import { ModuleBuilder } from "./module.js";

const IF = 0x04;
/** Declaration of one run of locals, which begins the body of "next": one run, of one f64. */
const LOCALS = [1, 1, 0x7c];

/** Bytes from the declaration of locals in a module's last function to the module's end. */
function bodySize(bytes: Uint8Array): number {
  const at = bytes.findLastIndex((_, index) => LOCALS.every((byte, i) => bytes[index + i] === byte));
  return bytes.length - at;
}

function memoryOf(pages: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

/** The value of an expression. */
function evaluate(expression: Code, memory = memoryOf(1)): number {
  const module = new ModuleBuilder();
  module.define([], true, () => expression, "value");
  return module.instantiate({ memory })["value"]!();
}

describe("numbers in code", () => {
  it("LEB128 as the specification's examples have it", () => {
    expect(unsigned(624485)).toEqual([0xe5, 0x8e, 0x26]);
    expect(signed(-123456)).toEqual([0xc0, 0xbb, 0x78]);
    expect(signed(64)).toEqual([0xc0, 0x00]);
  });

  it("every int32 constant survives", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(evaluate(int(value))).toBe(value);
      }),
      { seed: 1, numRuns: 60 },
    );
  });
});

describe("control", () => {
  it("a loop sums", () => {
    const module = new ModuleBuilder();
    module.define(
      ["i32"],
      true,
      (builder, bound) => {
        const at = builder.local();
        const sum = builder.local();
        return [
          whileLoop(lessThan(get(at), get(bound)), [
            set(sum, add(get(sum), get(at))),
            set(at, add(get(at), int(1))),
          ]),
          get(sum),
        ];
      },
      "sum",
    );
    expect(module.instantiate({ memory: memoryOf(1) })["sum"]!(100)).toBe(4950);
  });

  it("branches, early returns and selects", () => {
    expect(evaluate([ifThen(int(1), giveBack(int(7))), int(8)])).toBe(7);
    expect(evaluate([ifElse(int(0), giveBack(int(1)), giveBack(int(2))), int(3)])).toBe(2);
    expect(evaluate(select(int(0), int(5), int(6)))).toBe(6);
  });
});

describe("memory", () => {
  it("words, floats and vectors", () => {
    const memory = memoryOf(1);
    const words = new Int32Array(memory.buffer);
    words.set([1, 2, 3, 4], 4);
    expect(evaluate(load(int(16), 8), memory)).toBe(3);
    expect(evaluate([store(int(0), int(-9), 64), load(int(64))], memory)).toBe(-9);
    evaluate([storeFloat(int(0), floatAdd(float(0.5), float(41)), 128), int(0)], memory);
    expect(new Float64Array(memory.buffer)[16]).toBe(41.5);
    expect(evaluate(anyTrue(vectorEq(loadVector(int(16)), splat(int(4)))), memory)).toBe(1);
    expect(evaluate(anyTrue(vectorEq(loadVector(int(16)), splat(int(5)))), memory)).toBe(0);
  });

  it("bits of non-negative floats order as the floats do", () => {
    const number = fc.double({ min: 0, max: 2 ** 52, noNaN: true });
    const property = fc.property(number, number, (left, right) => {
      const memory = memoryOf(1);
      new Float64Array(memory.buffer).set([left, right]);
      expect(evaluate(bitsLessThan(loadFloatBits(int(0)), loadFloatBits(int(8))), memory)).toBe(
        left < right ? 1 : 0,
      );
    });
    fc.assert(property, { seed: 2, numRuns: 60 });
  });

  it("several values of a call, and an unlikely branch with its hint", () => {
    const module = new ModuleBuilder();
    const pair = module.define(["i32"], ["i32", "f64"], (_builder, value) => [get(value), float(0.5)]);
    module.define(
      ["i32"],
      true,
      (builder, value) => {
        const half = builder.local("f64");
        return [
          setEach([value, half], call(pair, add(get(value), int(1)))),
          ifUnlikely(lessThan(get(value), int(0)), giveBack(int(-7))),
          get(value),
        ];
      },
      "next",
    );
    const memory = memoryOf(1);
    const { next } = module.instantiate({ memory });
    expect([next!(41), next!(-5)]).toEqual([42, -7]);
    const bytes = module.encode(1);
    const [section] = WebAssembly.Module.customSections(
      new WebAssembly.Module(bytes),
      "metadata.code.branch_hint",
    );
    // One function, the second; one branch, whose place is that of an `if` in its body; one byte: unlikely.
    const [functions, index, branches, place, length, hint] = new Uint8Array(section!);
    expect([functions, index, branches, length, hint]).toEqual([1, 1, 1, 1, 0]);
    // The body is the module's last: its size, then what the place counts from.
    const body = bytes.length - bodySize(bytes);
    expect(bytes[body + place!]).toBe(IF);
  });

  it("the integer in a float", () => {
    const memory = memoryOf(1);
    new Float64Array(memory.buffer)[0] = 2 ** 40 + 77;
    expect(evaluate(lowBitsOfFloat(loadFloatBits(int(0))), memory)).toBe(77);
    expect(evaluate([loadFloat(int(0)), 0x1a, int(1)], memory)).toBe(1);
  });
});
