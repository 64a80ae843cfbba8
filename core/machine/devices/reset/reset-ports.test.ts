/** Ports 0x92 and 0xCF9: resets are edges, A20 is a level. */
import { expect, it } from "vitest";
import { Bench } from "../testing/bench.js";

it("port 0x92 resets the CPU when bit 0 rises, and moves A20", () => {
  const bench = new Bench();
  expect(bench.in(0x92)).toBe(0x02);
  for (const value of [0x03, 0x03, 0x02, 0x01]) bench.out(0x92, value);
  expect(bench.log).toEqual(["reset cpu @0", "a20 false @0", "reset cpu @0"]);
  expect(bench.in(0x92)).toBe(0x01);
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
  bench.out(0xcf9, 0x02);
  bench.pc.reset();
  expect([bench.in(0x92), bench.in(0xcf9), bench.pc.a20.isOpen]).toEqual([0x02, 0x00, true]);
});
