/** FXSAVE, FXRSTOR, LDMXCSR and SSE arithmetic under controls of one's own. */
import { describe, expect, it } from "vitest";
import { mem, SIZES } from "../x86/assembler-operands.js";
import { REGISTERS } from "../x86/registers.js";
import { CR0, CR4 } from "./control-bits.js";
import { CR0_WORD, CR4_WORD, MODE_WORD, MXCSR_WORD } from "./places.js";
import { MODE, STATE } from "./state.js";
import { TestSystem } from "./testing/test-system.js";

const { rbx, xmm0, xmm1 } = REGISTERS;
const DATA = 0x5_0000;
const AREA_BYTES = 512;
const area = mem(rbx);
const MXCSR_AT = 24;

function ready(): TestSystem {
  const t = new TestSystem().long().gates();
  t.setControl(CR0_WORD, CR0.PE | CR0.ET | CR0.PG | CR0.NE);
  t.setControl(CR4_WORD, CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT);
  t.setRegister(3, DATA);
  t.memory.bytes.fill(0xaa, DATA - 16, DATA + AREA_BYTES + 16);
  return t.execute("fninit");
}

/** Something in every register that is saved. */
function filled(): TestSystem {
  const t = ready().execute("fldpi").execute("fldl2e").execute("fld1");
  for (let word = 0; word < 64; word++) t.words[STATE.xmm / 4 + word] = word * 0x0101_0101;
  return t;
}
const registers = (t: TestSystem): Int32Array => t.words.slice(STATE.xmm / 4, STATE.fastMsrs / 4);

describe("FXSAVE and FXRSTOR", () => {
  it.each(["fxsave", "fxsave64"])("%s and its inverse carry everything over", (save) => {
    const t = filled();
    const before = registers(t);
    t.execute(save, area);
    t.words.fill(-1, STATE.xmm / 4, STATE.mxcsr / 4);
    t.execute("fninit").execute("fldln2");
    t.execute(save.replace("save", "rstor"), area);
    expect(t.exception).toBeUndefined();
    expect(registers(t)).toEqual(before);
  });

  it("has its fields where the manual says", () => {
    const t = filled().execute("fxsave", area);
    // TOP is 5, so three registers from the eighth down are in use.
    expect([t.peek16(DATA), t.peek16(DATA + 2), t.peek16(DATA + 4)]).toEqual([0x37f, 0x2800, 0xe0]);
    expect([t.peek(DATA + MXCSR_AT), t.peek(DATA + MXCSR_AT + 4)]).toEqual([0x1f80, 0xffff]);
    // ST(0) is 1.
    expect([t.peek(DATA + 32), t.peek(DATA + 36), t.peek16(DATA + 40)]).toEqual([0, 0x8000_0000, 0x3fff]);
    expect(t.peek(DATA + 160 + 4 * 63)).toBe(63 * 0x0101_0101);
    expect(t.memory.bytes[DATA + 160 + 256]).toBe(0xaa);
  });

  it("is the same word by word", () => {
    const [whole, apart] = [filled(), filled()];
    apart.memory.hasSpans = false;
    for (const t of [whole, apart]) t.execute("fxsave", area);
    const image = (t: TestSystem): Uint8Array => t.memory.bytes.slice(DATA, DATA + AREA_BYTES);
    expect(image(apart)).toEqual(image(whole));
    const before = registers(apart);
    apart.words.fill(-1, STATE.xmm / 4, STATE.mxcsr / 4);
    apart.execute("fxrstor", area);
    expect(registers(apart)).toEqual(before);
  });

  it("has eight XMM registers outside 64-bit code", () => {
    const t = filled();
    const wide = t.words.slice(STATE.xmm / 4 + 32, STATE.xmm / 4 + 64);
    t.protectedMode().gates();
    t.setControl(CR4_WORD, CR4.OSFXSR);
    t.execute("fxsave", mem(REGISTERS.ebx));
    expect(t.exception).toBeUndefined();
    expect(t.memory.bytes[DATA + 160 + 127]).not.toBe(0xaa);
    expect(t.memory.bytes[DATA + 160 + 128]).toBe(0xaa);
    t.words.fill(7, STATE.xmm / 4, STATE.xmm / 4 + 32);
    t.execute("fxrstor", mem(REGISTERS.ebx));
    expect(t.words.slice(STATE.xmm / 4 + 32, STATE.xmm / 4 + 64)).toEqual(wide);
  });

  it("faults where it is not aligned, and where MXCSR has bits that do not exist", () => {
    const t = ready();
    t.setRegister(3, DATA + 8);
    expect(t.execute("fxsave", area).exception).toBe("GP 0");
    const other = filled();
    other.execute("fxsave", area);
    other.poke(DATA + MXCSR_AT, 0x1_1f80);
    other.words.fill(3, STATE.xmm / 4, STATE.xmm / 4 + 64);
    const before = registers(other);
    expect(other.execute("fxrstor", area).exception).toBe("GP 0");
    expect(registers(other)).toEqual(before);
  });

  it("writes nothing where part of the area is not there", () => {
    const t = ready();
    const edge = DATA + 0x1000;
    t.memory.absent.add(edge >> 12);
    t.setRegister(3, edge - 256);
    t.memory.bytes.fill(0xaa, edge - 256, edge);
    expect(t.execute("fxsave", area).exception).toBe("PF 2");
    expect(t.memory.bytes.subarray(edge - 256, edge).every((byte) => byte === 0xaa)).toBe(true);
  });
});

describe("MXCSR", () => {
  const load = (t: TestSystem, value: number): TestSystem => {
    t.poke(DATA, value);
    return t.execute("ldmxcsr", mem(SIZES.dword, rbx));
  };
  /** Lowest double of XMM0 after an operation with XMM1. */
  const operate = (t: TestSystem, name: string, left: number, right: number): number => {
    const view = new DataView(t.words.buffer, STATE.xmm, 32);
    view.setFloat64(0, left, true);
    view.setFloat64(16, right, true);
    t.execute(name, xmm0, xmm1);
    return view.getFloat64(0, true);
  };

  it("is part of the mode", () => {
    const t = load(ready(), 0x3f80);
    expect(t.words[MODE_WORD]! & MODE.exactSse).not.toBe(0);
    // Flags alone are not.
    expect(load(t, 0x1fbf).words[MODE_WORD]! & MODE.exactSse).toBe(0);
    expect(load(t, 0x2_0000).exception).toBe("GP 0");
    expect(t.words[MXCSR_WORD]).toBe(0x1fbf);
  });

  it("rounds, flushes, and notes what happened", () => {
    const third = 1 / 3;
    expect(operate(load(ready(), 0x1f80), "divsd", 1, 3)).toBe(third);
    const up = load(ready(), 0x5f80);
    expect(operate(up, "divsd", 1, 3)).toBe(third + 2 ** -54);
    expect(up.words[MXCSR_WORD]).toBe(0x5fa0);
    const flushing = load(ready(), 0x9f80);
    expect(operate(flushing, "mulsd", 2 ** -1000, 2 ** -50)).toBe(0);
    expect(flushing.words[MXCSR_WORD]).toBe(0x9fb0);
    expect(operate(load(ready(), 0x1fc0), "mulsd", 2 ** -1060, 2 ** 1000)).toBe(0);
  });

  it("lets exceptions trap: nothing is written then", () => {
    const t = load(ready(), 0x1f00);
    expect(operate(t, "sqrtsd", 5, -1)).toBe(5);
    expect(t.exception).toBe("XM");
    expect(t.words[MXCSR_WORD]! & 0x3f).toBe(1);
  });

  it("makes them #UD where the system does not want them", () => {
    const t = load(ready(), 0x1f00);
    t.setControl(CR4_WORD, CR4.PAE | CR4.OSFXSR);
    operate(t, "sqrtsd", 5, -1);
    expect(t.exception).toBe("UD");
  });
});
