/** Debug console, exit port and diagnostic display. */
import { expect, it } from "vitest";
import { Bench } from "../testing/bench.js";

it("the console takes bytes and reads its own number", () => {
  const bench = new Bench();
  bench.outs(0xe9, 0x48, 0x69);
  expect(bench.in(0xe9)).toBe(0xe9);
  expect(bench.log).toEqual(["debug 72 @0", "debug 105 @0"]);
});

it("the exit's status is the value, doubled and odd, in every size", () => {
  const bench = new Bench();
  bench.out(0xf4, 0);
  bench.out(0xf4, 0x10, 4);
  bench.out(0xf4, 0xffff_ffff, 4);
  bench.out(0xf4, 0x1234, 2);
  expect(bench.log).toEqual(["exit 1 @0", "exit 33 @0", "exit 4294967295 @0", "exit 9321 @0"]);
  expect(bench.in(0xf4)).toBe(0);
});

it("the display shows the last code", () => {
  const bench = new Bench();
  bench.out(0x80, 0xa5);
  expect(bench.in(0x80)).toBe(0xa5);
  expect(bench.log).toEqual(["post 165 @0"]);
});
