import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compareVector, type VectorTarget } from "./compare.js";
import { type Fault, formatFault, parseFault } from "./outcome.js";
import { readCases, readVectors } from "./reader.js";
import { MachineState } from "./state.js";

const DATA = new URL("data/", import.meta.url);
const LARGEST_FILE = 1_000_000;
const LARGEST_TOTAL = 1_500_000;

const files = readdirSync(DATA, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".txt"))
  .sort()
  .map((name) => ({ name, text: readFileSync(new URL(name, DATA), "utf8") }));

const file = (body: string): string =>
  `virtlab vectors 1\nmode 64\n: ADD r/m64, r64\n> 4801d8 cx=7\n${body}\n`;
const first = (text: string) => readVectors(text).next().value!;

/** A target that ends as told. */
function target(end: (state: MachineState) => Fault): VectorTarget {
  const state = new MachineState();
  return {
    setsStickyFlags: true,
    setState: (one) => state.copy(one),
    run: () => end(state),
    getState: (one) => one.copy(state),
  };
}

/** INT3 behind the three bytes of the code, with RIP after it. */
const BREAKPOINT: Fault = { vector: 3, errorCode: 0, address: 0n };
const wentOn = (state: MachineState): Fault => {
  state.rip += 4n;
  return BREAKPOINT;
};

test("files are small, and there are tens of thousands of vectors", () => {
  expect(Math.max(...files.map(({ text }) => text.length))).toBeLessThan(LARGEST_FILE);
  expect(files.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(LARGEST_TOTAL);
  expect(files.reduce((sum, { text }) => sum + [...readCases(text)].length, 0)).toBeGreaterThan(30_000);
});

test("a case is what is drawn, what is assigned, and what changed", () => {
  const { initial, expected, title, fault, bytes } = first(file(" ax=5 d800=0102|bx=c fl=206"));
  expect(title).toBe("ADD r/m64, r64");
  expect([...bytes]).toEqual([0x48, 0x01, 0xd8]);
  expect([initial.general[0], initial.general[1], expected.general[3]]).toEqual([5n, 7n, 12n]);
  expect(initial.memory.data[0x801]).toBe(2);
  expect(expected.rip - initial.rip).toBe(3n);
  expect(fault).toBeUndefined();
});

test("the initial state follows from code and number of the case alone", () => {
  const [one, two] = [...readVectors(file(" -\n -"))].map(({ initial }) => initial.general[2]);
  const [again] = [...readVectors(file(" -"))].map(({ initial }) => initial.general[2]);
  expect(first(file(" -")).initial.general[2]).toBe(again);
  expect(one).toBe(two); // the states are the reader's, and are reused
  const values = new Set<bigint>();
  for (const { initial } of readVectors(file(" -\n -\n -\n -"))) values.add(initial.general[2]!);
  expect(values.size).toBeGreaterThan(1);
});

test("faults keep RIP and have their parts", () => {
  const vector = first(file(" !14.6@402000"));
  expect(vector.fault).toEqual({ vector: 14, errorCode: 6, address: 0x402000n });
  expect(vector.expected.rip).toBe(vector.initial.rip);
  for (const text of ["0", "13.fff4", "14@0", "14.15@400100"])
    expect(formatFault(parseFault(text))).toBe(text);
});

test("a difference is told in one line", () => {
  const vector = first(file(" ax=5|ax=c"));
  const right = target((state) => {
    state.general[0] = 12n;
    return wentOn(state);
  });
  const wrong = target((state) => {
    state.general[0] = 13n;
    state.memory.data[0x10]! ^= 1;
    return wentOn(state);
  });
  expect(compareVector(right, vector, 0)).toBe("");
  expect(compareVector(wrong, vector, 0)).toMatch(
    /^line 5, ADD r\/m64, r64: ax d, not c; d10 .*; 64-bit code 48 01 d8$/,
  );
});

test("a fault in place of an end, undefined flags, and no end", () => {
  const vector = first(file(" fl=247|-"));
  expect(
    compareVector(
      target(() => ({ vector: 6, errorCode: 0, address: 0n })),
      vector,
      0,
    ),
  ).toMatch(/fault 6, not none/);
  const otherCarry = target((state) => {
    state.flags ^= 1;
    return wentOn(state);
  });
  expect(compareVector(otherCarry, vector, 0)).toMatch(/fl 246, not 247/);
  expect(compareVector(otherCarry, vector, 1)).toBe("");
  const endless = { ...target(wentOn), run: () => undefined };
  expect(compareVector(endless, vector, 0)).toMatch(/no end/);
});

test("approximations may differ in their last bits", () => {
  const text =
    "virtlab vectors 1\nmode 64\noperands single empty\n: RCPPS xmm1, xmm2/m128\n> 0f53c1\n x0=0|x0=3f800000\n";
  const lane = (bits: bigint) =>
    target((state) => {
      state.xmm[0] = bits;
      return wentOn(state);
    });
  expect(compareVector(lane(0x3f80_0800n), first(text), 0)).toBe("");
  expect(compareVector(lane(0x3f81_0000n), first(text), 0)).toMatch(/x0/);
});

test("lines that are none are refused", () => {
  expect(() => [...readCases("something else\n")]).toThrow(/format/);
  expect(() => [...readCases("virtlab vectors 1\n ax=1\n")]).toThrow(/below its code/);
  expect(() => [...readCases("virtlab vectors 1\nmodes 64\n")]).toThrow(/known kind/);
});
