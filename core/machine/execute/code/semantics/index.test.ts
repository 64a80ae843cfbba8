/** Every row of the table is executed somewhere, and every name here is one of the table's. */
import { describe, expect, it } from "vitest";
import { EXCEPTION } from "../../../cpu/state.js";
import { ROWS } from "../../../x86/table.js";
import { SEMANTICS } from "./index.js";
import { TestProcessor } from "./testing/processor.js";

describe("SEMANTICS", () => {
  it("names instructions of the table", () => {
    const mnemonics = new Set(ROWS.map(({ mnemonic }) => mnemonic));
    expect(Object.keys(SEMANTICS).filter((mnemonic) => !mnemonics.has(mnemonic))).toEqual([]);
  });

  it("has every unprivileged integer instruction that the system does not execute", () => {
    const elsewhere = /^(sse|x87|system|segment-load|far-transfer|port|time-stamp|random)/;
    const missing = ROWS.filter(
      ({ mnemonic, privilege, costClass, forms }) =>
        SEMANTICS[mnemonic] === undefined &&
        privilege === 3 &&
        !elsewhere.test(costClass) &&
        !forms.some(({ file }) => file === "mm" || file === "xmm"),
    );
    expect([...new Set(missing.map(({ mnemonic }) => mnemonic))]).toEqual([]);
  });
});

describe("hints", () => {
  const cpu = new TestProcessor(64);
  it.each([
    ["NOP", "90"],
    ["NOP with an operand nowhere", "0f1f8000000070"],
    ["PAUSE", "f390"],
    ["ENDBR64", "f30f1efa"],
    ["PREFETCHT0 of nowhere", "0f188800000070"],
    ["MFENCE", "0faef0"],
  ])("%s changes nothing", (_, code) => {
    const { vector, registers, offset } = cpu.execute(code, { registers: { 0: 5 } });
    expect([vector, registers[0], offset]).toEqual([undefined, 5n, code.length / 2]);
  });

  it.each([
    ["UD0", "0fffc0"],
    ["UD1", "0fb9c0"],
    ["UD2", "0f0b"],
  ])("%s raises #UD", (_, code) => {
    const { vector, offset } = cpu.execute(code);
    expect([vector, offset]).toEqual([EXCEPTION.UD, 0]);
  });
});
