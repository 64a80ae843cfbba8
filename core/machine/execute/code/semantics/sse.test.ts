/**
 * MMX, SSE and SSE2 where rules are easily got wrong: NaNs, zeros, what does not fit, immediates, and when an instruction
 * may not be executed. Vectors recorded from a processor (machine/testing/vectors) have each row.
 */
import { describe, expect, it } from "vitest";
import { CR0 } from "../../../cpu/control-bits.js";
import { FLOATING_POINT } from "../../../cpu/floating-point.js";
import { EXCEPTION, MODE, STATE } from "../../../cpu/state.js";
import { Assembler } from "../../../x86/assemble.js";
import { mem, SIZES } from "../../../x86/assembler-operands.js";
import { REGISTERS } from "../../../x86/registers.js";
import { ROWS } from "../../../x86/table.js";
import { SSE_SEMANTICS } from "./sse.js";
import { TestProcessor } from "./testing/processor.js";

const { rax, rcx, rdx, rbx, eax, xmm0, xmm1, mm0, mm1 } = REGISTERS;
const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const FLAT = MODE.flatData | MODE.flatCode | MODE.protected;

const hex = (write: (assembler: Assembler) => void): string => {
  const assembler = new Assembler({ bits: 64 });
  write(assembler);
  return Buffer.from(assembler.assemble().bytes).toString("hex");
};

const cpu = new TestProcessor(64);

/** An instruction on XMM0 and XMM1, whose low halves are given; the low half of XMM0. */
function apply(name: string, left: bigint, right: bigint, immediate?: number): bigint {
  const code = hex((a) => {
    a.emit("movq", xmm0, rax).emit("movq", xmm1, rcx);
    if (immediate === undefined) a.emit(name, xmm0, xmm1);
    else a.emit(name, xmm0, xmm1, immediate);
    a.emit("movq", rdx, xmm0);
  });
  return cpu.execute(code, { registers: { [RAX]: left, [RCX]: right } }).registers[RDX]!;
}
const view = new DataView(new ArrayBuffer(8));
function double(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}
function single(value: number): bigint {
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}

describe("SSE_SEMANTICS", () => {
  it("has, with what TypeScript executes, every row of MMX, SSE, SSE2 and FXSR", () => {
    const features = ["MMX", "SSE", "SSE2", "FXSR"];
    const elsewhere = /FENCE|^PREFETCH|^PAUSE$/;
    const missing = ROWS.filter(
      ({ mnemonic, feature }) =>
        features.includes(feature) &&
        !elsewhere.test(mnemonic) &&
        SSE_SEMANTICS[mnemonic] === undefined &&
        FLOATING_POINT[mnemonic] === undefined,
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});

describe("NaNs", () => {
  const one = double(1);
  const quiet = 0x7ff8_0000_0000_1234n;
  const signaling = 0xfff0_0000_0000_5678n;
  const quieted = 0xfff8_0000_0000_5678n;
  const indefinite = 0xfff8_0000_0000_0000n;

  it.each([
    ["the first operand's", quiet, quieted, quiet],
    ["the first, made quiet", signaling, quiet, quieted],
    ["the second's", one, quiet, quiet],
    ["the second, made quiet", one, signaling, quieted],
    ["the default", double(Infinity), double(-Infinity), indefinite],
  ])("come out as %s", (_, left, right, expected) => {
    expect(apply("addsd", left, right)).toBe(expected);
    expect(apply("addpd", left, right)).toBe(expected);
  });

  it("of negative roots are the default, of others quiet", () => {
    expect(apply("sqrtsd", 0n, double(-1))).toBe(indefinite);
    expect(apply("sqrtsd", 0n, signaling)).toBe(quieted);
    expect(apply("sqrtss", 0n, 0x7f80_0001n)).toBe(0x7fc0_0001n);
  });

  it("keep the upper payload between formats", () => {
    expect(apply("cvtss2sd", 0n, 0xff80_0001n)).toBe(0xfff8_0000_2000_0000n);
    expect(apply("cvtsd2ss", 0n, 0x7ff0_0000_4000_0001n)).toBe(0x7fc0_0002n);
    expect(apply("cvtpd2ps", 0n, 0x7ff0_0000_4000_0001n)).toBe(0x7fc0_0002n);
  });
});

describe("comparisons", () => {
  const nan = 0x7ff8_0000_0000_0000n;

  it("minimum and maximum are the second operand of zeros and NaNs", () => {
    for (const name of ["minsd", "maxsd", "minpd", "maxpd"]) {
      expect(apply(name, double(0), double(-0))).toBe(double(-0));
      expect(apply(name, double(-0), double(0))).toBe(double(0));
      expect(apply(name, nan, double(2))).toBe(double(2));
      expect(apply(name, double(2), 0x7ff0_0000_0000_0001n)).toBe(0x7ff0_0000_0000_0001n);
    }
    expect(apply("minsd", double(-3), double(2))).toBe(double(-3));
    expect(apply("maxsd", double(-3), double(2))).toBe(double(2));
  });

  it("have eight predicates", () => {
    const all = 0xffff_ffff_ffff_ffffn;
    const holds = (left: number, right: number): number[] =>
      Array.from({ length: 8 }, (_, number) =>
        apply("cmpsd", double(left), double(right), number) === all ? 1 : 0,
      );
    // EQ LT LE UNORD NEQ NLT NLE ORD
    expect(holds(1, 2)).toEqual([0, 1, 1, 0, 1, 0, 0, 1]);
    expect(holds(2, 2)).toEqual([1, 0, 1, 0, 0, 1, 0, 1]);
    expect(holds(3, 2)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(holds(Number.NaN, 2)).toEqual([0, 0, 0, 1, 1, 1, 1, 0]);
  });

  it.each([
    [1, 2, 0x01],
    [2, 2, 0x40],
    [3, 2, 0x00],
    [Number.NaN, 2, 0x45],
  ])("of %d with %d set the flags", (left, right, expected) => {
    const code = hex((a) => a.emit("movq", xmm0, rax).emit("movq", xmm1, rcx).emit("ucomisd", xmm0, xmm1));
    const registers = { [RAX]: double(left), [RCX]: double(right) };
    expect(cpu.execute(code, { registers, flags: 0x8d5 }).flags).toBe(expected);
  });
});

describe("conversions to integers", () => {
  const convert = (name: string, value: number): bigint =>
    cpu.execute(
      hex((a) => a.emit("movq", xmm0, rcx).emit(name, eax, xmm0)),
      { registers: { [RCX]: double(value) } },
    ).registers[RAX]!;

  it.each([
    [2.5, 2n, 2n],
    [-1.5, 0xffff_fffen, 0xffff_ffffn],
    [2147483647.5, 0x8000_0000n, 0x7fff_ffffn],
    [2147483648, 0x8000_0000n, 0x8000_0000n],
    [-2147483648.5, 0x8000_0000n, 0x8000_0000n],
    [Number.NaN, 0x8000_0000n, 0x8000_0000n],
  ])("of %d round, truncate, or are indefinite", (value, rounded, truncated) => {
    expect(convert("cvtsd2si", value)).toBe(rounded);
    expect(convert("cvttsd2si", value)).toBe(truncated);
  });

  it("leave zeros above two of them", () => {
    expect(apply("cvttpd2dq", 0n, double(-7))).toBe(0xffff_fff9n);
  });
});

describe("reciprocals", () => {
  it.each([
    ["rcpss", 1, 1],
    ["rcpss", -0, -Infinity],
    ["rcpss", 2 ** -130, Infinity],
    ["rcpss", 2 ** 127, 0],
    ["rsqrtss", 4, 0.5],
    ["rsqrtss", -0, -Infinity],
    ["rsqrtss", Infinity, 0],
  ])("%s of %d is %d", (name, operand, expected) => {
    expect(apply(name, 0n, single(operand))).toBe(single(expected));
  });

  it("have twelve bits of fraction", () => {
    expect(apply("rcpss", 0n, single(3))).toBe((single(1 / 3) + 0x400n) & ~0x7ffn);
    expect(apply("rsqrtss", 0n, single(-1))).toBe(0xffc0_0000n);
  });
});

describe("shifts and shuffles", () => {
  it("counts beyond the lanes leave zeros, or the sign", () => {
    const value = 0x8001_7fff_0001_8000n;
    for (const count of [16n, 255n, 2n ** 32n, 2n ** 63n]) {
      expect(apply("psllw", value, count)).toBe(0n);
      expect(apply("psrlw", value, count)).toBe(0n);
      expect(apply("psraw", value, count)).toBe(0xffff_0000_0000_ffffn);
    }
    expect(apply("psrlq", value, 63n)).toBe(1n);
  });

  it.each([0x1b, 0xe4, 0x4e, 0x93, 0xff])("immediate %d orders words", (immediate) => {
    const words = [0x1111n, 0x2222n, 0x3333n, 0x4444n];
    const source = words.reduce((all, word, index) => all | (word << BigInt(16 * index)), 0n);
    const expected = [0, 1, 2, 3].reduce(
      (all, index) => all | (words[(immediate >> (2 * index)) & 3]! << BigInt(16 * index)),
      0n,
    );
    expect(apply("pshuflw", 0n, source, immediate)).toBe(expected);
    const mmx = hex((a) =>
      a.emit("movq", mm0, rax).emit("pshufw", mm1, mm0, immediate).emit("movq", rdx, mm1).emit("emms"),
    );
    expect(cpu.execute(mmx, { registers: { [RAX]: source } }).registers[RDX]).toBe(expected);
  });

  it("bytes beyond the register are zeros", () => {
    expect(apply("punpcklbw", 0x0403_0201n, 0x1413_1211n)).toBe(0x1404_1303_1202_1101n);
    const shift = (name: string, count: number): bigint =>
      cpu.execute(
        hex((a) => a.emit("movq", xmm0, rax).emit(name, xmm0, count).emit("movq", rdx, xmm0)),
        { registers: { [RAX]: 0x0807_0605_0403_0201n } },
      ).registers[RDX]!;
    expect(shift("psrldq", 3)).toBe(0x08_0706_0504n);
    expect(shift("pslldq", 5)).toBe(0x0302_0100_0000_0000n);
    expect([shift("psrldq", 16), shift("pslldq", 255)]).toEqual([0n, 0n]);
  });
});

describe("availability", () => {
  const add = hex((a) => a.emit("addps", xmm0, xmm1));
  const mmx = hex((a) => a.emit("paddb", mm0, mm1));
  const vectorOf = (mode: number, code: string, cr0 = 0): number | undefined => {
    const other = new TestProcessor(64, FLAT | mode);
    other.setState(STATE.cr0, cr0);
    return other.execute(code).vector;
  };

  it("needs CR4.OSFXSR for SSE, and CR0.TS and EM clear", () => {
    expect(vectorOf(MODE.noSse, add)).toBe(EXCEPTION.UD);
    expect(vectorOf(MODE.noSse, mmx)).toBeUndefined();
    expect(vectorOf(MODE.noFpu, add)).toBe(EXCEPTION.NM);
    expect(vectorOf(MODE.noFpu, mmx, CR0.TS)).toBe(EXCEPTION.NM);
    expect(vectorOf(MODE.noFpu | MODE.noSse, mmx, CR0.EM | CR0.TS)).toBe(EXCEPTION.UD);
  });

  it("MMX waits for x87 exceptions", () => {
    const other = new TestProcessor(64);
    other.setState(STATE.cr0, CR0.NE);
    other.setState(STATE.x87Status, 0x8081);
    expect(other.execute(mmx).vector).toBe(EXCEPTION.MF);
  });

  it("leaves arithmetic to TypeScript while MXCSR is not as after reset, and nothing else", () => {
    const other = new TestProcessor(64, FLAT | MODE.exactSse);
    expect(other.execute(add).system).toBe("ADDPS");
    expect(other.execute(hex((a) => a.emit("paddd", xmm0, xmm1))).system).toBeUndefined();
  });

  it("wants 16 bytes aligned, except where the name says otherwise", () => {
    const at = (name: string): number | undefined =>
      cpu.execute(
        hex((a) => a.emit(name, xmm0, mem(SIZES.xmmword, rbx))),
        { registers: { [RBX]: 0x1008 } },
      ).vector;
    expect([at("movaps"), at("addps"), at("pand")]).toEqual([EXCEPTION.GP, EXCEPTION.GP, EXCEPTION.GP]);
    expect([at("movups"), at("movdqu")]).toEqual([undefined, undefined]);
  });

  it("LDMXCSR takes what exists, and leaves changes of the mode to TypeScript", () => {
    const load = (value: number): ReturnType<TestProcessor["execute"]> => {
      new DataView(cpu.memory.buffer, cpu.memory.byteOffset).setUint32(0x1000, value, true);
      return cpu.execute(
        hex((a) => a.emit("ldmxcsr", mem(SIZES.dword, rbx))),
        { registers: { [RBX]: 0x1000 } },
      );
    };
    expect(load(0x1fbf)).toMatchObject({ vector: undefined, system: undefined });
    expect(load(0x1_1f80).vector).toBe(EXCEPTION.GP);
    expect(load(0x3f80).system).toBe("LDMXCSR");
  });
});
