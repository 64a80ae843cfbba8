/** Decimal adjustment against the manual's pseudo-code, for every AL, AF and CF. */
import { describe, expect, it } from "vitest";
import { EXCEPTION } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import { AF, CF, flag, OF, PF, resultFlags, SF, ZF } from "./testing/reference.js";
import { RAX } from "./values.js";

const cpu = new TestProcessor(32);
const RESULT = SF | ZF | PF;

function eachByte(check: (al: number, flags: number) => void): void {
  for (let al = 0; al < 256; al++) for (const flags of [0, AF, CF, AF | CF]) check(al, flags);
}
const byteFlags = (value: number): number => resultFlags(1, BigInt(value));

describe("packed", () => {
  it.each([
    ["DAA", "27", 1],
    ["DAS", "2f", -1],
  ] as const)("%s", (_, code, sign) => {
    eachByte((old, before) => {
      let [al, carry] = [old, false];
      const lowOverflows = (old & 15) > 9 || (before & AF) !== 0;
      if (lowOverflows) {
        // Only DAS keeps the borrow of the lower digit.
        carry = sign < 0 && ((before & CF) !== 0 || al < 6);
        al += sign * 6;
      }
      if (old > 0x99 || (before & CF) !== 0) {
        al += sign * 0x60;
        carry = true;
      }
      al &= 0xff;
      const { registers, flags } = cpu.execute(code, { registers: { [RAX]: 0x7700 | old }, flags: before });
      expect(Number(registers[RAX]), `${old} ${before}`).toBe(0x7700 | al);
      expect(flags & ~OF, `${old} ${before}`).toBe(byteFlags(al) | flag(CF, carry) | flag(AF, lowOverflows));
    });
  });
});

describe("unpacked", () => {
  it.each([
    ["AAA", "37", 1],
    ["AAS", "3f", -1],
  ] as const)("%s", (_, code, sign) => {
    eachByte((al, before) => {
      const overflows = (al & 15) > 9 || (before & AF) !== 0;
      const ax = (0x3200 | al) + (overflows ? sign * 0x106 : 0);
      const { registers, flags } = cpu.execute(code, { registers: { [RAX]: 0x3200 | al }, flags: before });
      expect(Number(registers[RAX])).toBe(ax & 0xff0f);
      expect(flags & (AF | CF)).toBe(flag(AF | CF, overflows));
    });
  });

  it("AAM divides by any base but 0", () => {
    for (const base of [10, 7, 255]) {
      for (let al = 0; al < 256; al++) {
        const code = `d4${base.toString(16).padStart(2, "0")}`;
        const { registers, flags } = cpu.execute(code, { registers: { [RAX]: al } });
        expect(Number(registers[RAX])).toBe((Math.floor(al / base) << 8) | (al % base));
        expect(flags & RESULT).toBe(byteFlags(al % base));
      }
    }
    const { vector, registers } = cpu.execute("d400", { registers: { [RAX]: 0x123 } });
    expect(vector).toBe(EXCEPTION.DE);
    expect(registers[RAX]).toBe(0x123n);
  });

  it("AAD multiplies AH by any base", () => {
    for (const base of [10, 16, 255]) {
      for (let ax = 0; ax < 0x10000; ax += 251) {
        const code = `d5${base.toString(16).padStart(2, "0")}`;
        const { registers, flags } = cpu.execute(code, { registers: { [RAX]: ax } });
        const al = ((ax & 0xff) + (ax >> 8) * base) & 0xff;
        expect(Number(registers[RAX])).toBe(al);
        expect(flags & RESULT).toBe(byteFlags(al));
      }
    }
  });
});
