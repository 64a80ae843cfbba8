/** Exchange and compare-and-exchange, of registers and memory. */
import { describe, expect, it } from "vitest";
import { EXCEPTION } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import {
  difference,
  EDGES,
  flag,
  pair,
  SIZES,
  sized,
  sum,
  unsigned,
  written,
  ZF,
} from "./testing/reference.js";
import { RAX, RBX, RCX, RDI, RDX } from "./values.js";

const cpu = new TestProcessor(64);
const PLACE = 0x4000;
const view = new DataView(cpu.memory.buffer, cpu.memory.byteOffset);
const put = (value: bigint): void => view.setBigUint64(PLACE, unsigned(8, value), true);
const memory = (): bigint => view.getBigUint64(PLACE, true);
/** In memory 4 bytes do not clear what follows. */
const stored = (size: number, before: bigint, value: bigint): bigint =>
  ((before >> BigInt(size * 8)) << BigInt(size * 8)) | unsigned(size, value);
const OLD = 0x1122_3344_5566_7788n;

describe.each(SIZES)("of %i bytes", (size) => {
  it("XCHG", () => {
    for (const value of EDGES) {
      const given = { registers: { [RAX]: OLD, [RBX]: value, [RDI]: PLACE } };
      const both = cpu.execute(sized(size, "86", pair(RBX, RAX)), given);
      expect(both.registers[RAX]).toBe(written(size, OLD, value));
      expect(both.registers[RBX]).toBe(written(size, value, OLD));
      put(OLD);
      const { registers } = cpu.execute(`f0${sized(size, "86", "1f")}`, given);
      expect(registers[RBX]).toBe(written(size, value, OLD));
      expect(memory()).toBe(stored(size, OLD, value));
    }
  });

  it("XADD", () => {
    for (const left of EDGES) {
      for (const right of EDGES) {
        const wanted = sum(size, unsigned(size, left), unsigned(size, right));
        const given = { registers: { [RAX]: left, [RBX]: right, [RDI]: PLACE } };
        const both = cpu.execute(sized(size, "0fc0", pair(RBX, RAX)), given);
        expect(both.registers[RAX]).toBe(written(size, left, wanted.value));
        expect(both.registers[RBX]).toBe(written(size, right, left));
        expect(both.flags).toBe(wanted.flags);
        put(left);
        const { registers, flags } = cpu.execute(`f0${sized(size, "0fc0", "1f")}`, given);
        expect(registers[RBX]).toBe(written(size, right, left));
        expect(memory()).toBe(stored(size, left, wanted.value));
        expect(flags).toBe(wanted.flags);
      }
      // With itself the sum remains.
      const { registers } = cpu.execute(sized(size, "0fc0", pair(RAX, RAX)), { registers: { [RAX]: left } });
      expect(registers[RAX]).toBe(written(size, left, left + left));
    }
  });

  it("CMPXCHG", () => {
    for (const accumulator of EDGES) {
      for (const destination of EDGES) {
        const [left, right] = [unsigned(size, accumulator), unsigned(size, destination)];
        const isEqual = left === right;
        const { flags: wanted } = difference(size, left, right);
        const given = { registers: { [RAX]: accumulator, [RBX]: OLD, [RCX]: destination, [RDI]: PLACE } };
        const both = cpu.execute(sized(size, "0fb0", pair(RBX, RCX)), given);
        // The register that does not change keeps its upper half.
        expect(both.registers[RCX]).toBe(isEqual ? written(size, destination, OLD) : destination);
        expect(both.registers[RAX]).toBe(isEqual ? accumulator : written(size, accumulator, destination));
        expect(both.flags).toBe(wanted);
        put(destination);
        const { registers, flags } = cpu.execute(`f0${sized(size, "0fb0", "1f")}`, given);
        expect(registers[RAX]).toBe(isEqual ? accumulator : written(size, accumulator, destination));
        expect(memory()).toBe(isEqual ? stored(size, destination, OLD) : destination);
        expect(flags).toBe(wanted);
      }
    }
  });
});

describe("CMPXCHG8B and CMPXCHG16B", () => {
  it("exchange pairs and set ZF alone", () => {
    for (const isEqual of [true, false]) {
      for (const [code, size] of [
        ["0fc70f", 4],
        ["480fc70f", 8],
      ] as const) {
        const half = (value: bigint) => unsigned(size, value);
        const [low, high] = [half(OLD), half(~OLD)];
        const at = (index: number) => PLACE + index * size;
        const read = (index: number): bigint =>
          size === 8 ? view.getBigUint64(at(index), true) : BigInt(view.getUint32(at(index), true));
        put(0n);
        for (const [index, value] of [low, high].entries())
          if (size === 8) view.setBigUint64(at(index), value, true);
          else view.setUint32(at(index), Number(value), true);
        const upper = size === 4 ? 0xdead_0000_0000n : 0n;
        const { registers, flags } = cpu.execute(code, {
          registers: {
            [RAX]: upper | low,
            [RDX]: upper | (isEqual ? high : high ^ 1n),
            [RBX]: 0x11,
            [RCX]: 0x22,
            [RDI]: PLACE,
          },
          flags: 0x895,
        });
        expect(flags).toBe(0x895 | flag(ZF, isEqual));
        expect([read(0), read(1)]).toEqual(isEqual ? [0x11n, 0x22n] : [low, high]);
        expect(registers[RAX]).toBe(isEqual ? upper | low : low);
        expect(registers[RDX]).toBe(isEqual ? upper | high : high);
      }
    }
  });

  it("CMPXCHG16B wants an aligned operand", () => {
    const { vector, offset } = cpu.execute("480fc70f", { registers: { [RDI]: PLACE + 8 } });
    expect(vector).toBe(EXCEPTION.GP);
    expect(offset).toBe(0);
  });
});
