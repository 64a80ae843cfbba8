/** Two units as people are shown them: what stays as it is, what becomes a sequence, and where the monitor is called. */
import { expect, it } from "vitest";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { WIDTH_32 } from "./code-width.js";
import { listUnit } from "./listing.js";
import { translateUnit } from "./translate.js";
import { Sequences } from "./unit-code.js";

const { eax, ebx, al, dx } = REGISTERS;
const GUEST = 0x10_0000;

it("lists each of the guest's instructions beside its translation", () => {
  const code = new Assembler({ bits: 32, origin: GUEST });
  code.emit("mov", eax, ebx).emit("cli").emit("in", al, imm(0x80, 1)).emit("in", al, dx).emit("ret");
  const { bytes } = code.assemble();
  const unit = translateUnit(GUEST, {
    address: 0xffc1_2000,
    sequences: new Sequences(WIDTH_32),
    fetch: (at) => bytes.subarray(at - GUEST),
    find: () => undefined,
    isStore: () => false,
    returnsInCache: false,
  });
  const listed = listUnit(unit);
  expect(listed.map(({ text, how }) => [text, how])).toEqual([
    ["mov eax, ebx", "identical"],
    ["cli", "translated"],
    ["in al, 0x80", "translated"],
    ["in al, dx", "translated"],
    ["ret", "translated"],
  ]);
  expect(listed[1]!.translation.map(({ text }) => text)).toEqual(["mov dword ptr gs:[0], 0xfffffe00"]);
  const calls = listed.flatMap(({ translation }) => translation.flatMap((each) => each.calls ?? []));
  expect(calls).toEqual(["done within the cache", "the monitor does it", "a target that is not remembered"]);
});
