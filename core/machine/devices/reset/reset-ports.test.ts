/** Ports 0x92 and 0xCF9: resets are edges, A20 is a level. */
import { expect, it } from "vitest";
import { Bench } from "../testing/bench.js";

it("port 0x92 resets the CPU when bit 0 rises, and holds A20 open with bit 1", () => {
  const bench = new Bench();
  expect(bench.in(0x92)).toBe(0x00);
  for (const value of [0x03, 0x03, 0x02, 0x01]) bench.out(0x92, value);
  expect(bench.log).toEqual(["reset cpu @0", "reset cpu @0"]);
  expect(bench.in(0x92)).toBe(0x01);
  for (const command of [0xdd, 0xdf, 0xdd]) bench.out(0x64, command);
  bench.out(0x92, 0x02);
  expect(bench.log.slice(2)).toEqual(["a20 false @0", "a20 true @0", "a20 false @0", "a20 true @0"]);
});

it("port 0xCF9 resets the machine or the CPU when bit 2 rises", () => {
  const bench = new Bench();
  for (const value of [0x02, 0x06, 0x06, 0x00, 0x04]) bench.out(0xcf9, value);
  expect(bench.log).toEqual(["reset machine @0", "reset cpu @0"]);
  expect(bench.in(0xcf9)).toBe(0x04);
});

it("a reset opens A20 and forgets both registers", () => {
  const bench = new Bench();
  bench.out(0x92, 0x80);
  bench.out(0x64, 0xdd);
  bench.out(0xcf9, 0x02);
  bench.pc.reset();
  expect([bench.in(0x92), bench.in(0xcf9), bench.pc.a20.isOpen]).toEqual([0x00, 0x00, true]);
});
