/** Power-up, INIT, a start-up IPI, and starting an image (SDM vol. 3, table 10-1, 9.4). */
import { describe, expect, it } from "vitest";
import { longModeState, realModeState } from "../../guest/images/boot-state.js";
import {
  CR0_WORD,
  CR3_WORD,
  DR6_WORD,
  DR7_WORD,
  EFER_WORD,
  GDTR_LIMIT,
  MODE_WORD,
  RAX,
  RDX,
  RIGHTS,
  RSI,
  segmentWord,
} from "./places.js";
import { CODE_16, CODE_64, CS, DS, MODE, STATE } from "./state.js";
import { TestSystem } from "./testing/test-system.js";

describe("after power-up", () => {
  it("the first instruction is at F000:FFF0, FFFFFFF0H", () => {
    const t = new TestSystem();
    expect([t.rip, t.selector(CS), t.base(CS), t.cpl]).toEqual([0xfff0, 0xf000, 0xffff_0000, 0]);
    expect(t.words[MODE_WORD]! & MODE.codeSize).toBe(CODE_16);
  });

  it("registers have the manual's values", () => {
    const t = new TestSystem("haswell-2013");
    t.unit.reset();
    expect(t.words[CR0_WORD]! >>> 0).toBe(0x6000_0010);
    expect([
      t.flags,
      t.register(RDX),
      t.words[DR6_WORD]! >>> 0,
      t.words[DR7_WORD],
      t.words[GDTR_LIMIT],
    ]).toEqual([2, 0x3_06c3, 0xffff_0ff0, 0x400, 0xffff]);
    expect([t.words[STATE.mxcsr >> 2], t.words[STATE.x87Control >> 2]]).toEqual([0x1f80, 0x40]);
  });

  it("INIT leaves x87, SSE and MSRs alone", () => {
    const t = new TestSystem();
    t.words[STATE.mxcsr >> 2] = 0x1fa0;
    t.words[STATE.fastMsrs >> 2] = 5;
    t.unit.init();
    expect([t.words[STATE.mxcsr >> 2], t.words[STATE.fastMsrs >> 2], t.rip]).toEqual([0x1fa0, 5, 0xfff0]);
  });

  it("a start-up IPI begins at its vector's page", () => {
    const t = new TestSystem();
    t.unit.init();
    t.unit.startUp(0x12);
    expect([t.rip, t.selector(CS), t.base(CS)]).toEqual([0, 0x1200, 0x1_2000]);
  });
});

describe("starting an image", () => {
  it("in 64-bit mode", () => {
    const t = new TestSystem();
    t.unit.start(longModeState(-0x8000_0000, 0x1000, 0x5000, { rsi: 0x7000 }));
    expect([t.rip, t.register(RSI), t.register(RAX)]).toEqual([-0x8000_0000, 0x7000, 0]);
    expect(t.words[MODE_WORD]! & MODE.codeSize).toBe(CODE_64);
    expect([t.words[CR3_WORD], t.words[EFER_WORD]]).toEqual([0x5000, 0x500]);
    expect(t.host.asked.slice(-2)).toEqual(["changed", "root"]);
  });

  it("in real mode, where code may be written", () => {
    const t = new TestSystem();
    t.unit.start(realModeState(0x7c0, 0, {}));
    expect([t.base(CS), t.words[segmentWord(CS) + RIGHTS], t.words[segmentWord(DS) + RIGHTS]]).toEqual([
      0x7c00, 3, 3,
    ]);
  });
});
