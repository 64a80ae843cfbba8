/** INVLPG and INVPCID (SDM vol. 2). */
import { describe, expect, it } from "vitest";
import { mem, SIZES } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";
import { CR4 } from "../control-bits.js";
import { BASE, CR4_WORD, RAX, RBX, segmentWord } from "../places.js";
import { DS } from "../state.js";
import { TestSystem } from "../testing/test-system.js";

const { eax, rax, rbx } = REGISTERS;
const AT = 0x7000;

describe("INVLPG", () => {
  it("invalidates the linear address, without looking at limits", () => {
    const t = new TestSystem().protectedMode();
    t.words[segmentWord(DS) + BASE] = 0x1000;
    t.setRegister(RAX, 0xffff_f000);
    t.execute("invlpg", mem(eax));
    expect(t.host.asked).toEqual(["page 0:0"]);
  });

  it("in 64-bit mode takes the whole address, and none that is not canonical", () => {
    const t = new TestSystem().long();
    t.setRegister(RBX, -0x1000);
    t.execute("invlpg", mem(rbx));
    t.setRegister(RBX, 0x8000_0000_0000);
    t.execute("invlpg", mem(rbx));
    expect(t.host.asked).toEqual([`page -1:${0xffff_f000}`]);
  });

  it("at CPL 3 is #GP(0)", () => {
    expect(new TestSystem().long(3).gates().execute("invlpg", mem(rbx)).exception).toBe("GP 0");
  });
});

describe("INVPCID", () => {
  function invalidate(
    type: number,
    pcid: number,
    highs: { pcid?: number; address?: number } = {},
  ): TestSystem {
    const t = new TestSystem().long().gates();
    t.words[CR4_WORD] = CR4.PAE | CR4.PCIDE;
    t.poke(AT, pcid);
    t.poke(AT + 4, highs.pcid ?? 0);
    t.poke(AT + 8, 0x5000);
    t.poke(AT + 12, highs.address ?? 0);
    t.setRegister(RAX, type);
    return t.execute("invpcid", rax, mem(SIZES.xmmword, AT));
  }

  it.each([
    [0, "page 0:20480 of 7"],
    [1, "PCID 7"],
    [2, "all"],
    [3, "all but global"],
  ])("type %i: %s", (type, expected) => {
    expect(invalidate(type, 7).host.asked).toEqual([expected]);
  });

  it.each([
    ["an unknown type", 4, 7, {}],
    ["reserved bits in the descriptor", 2, 0x1007, {}],
    ["reserved bits in its upper half", 2, 7, { pcid: 1 }],
    ["an address that is not canonical", 0, 7, { address: 0x8000 }],
  ])("%s: #GP(0)", (_what, type, pcid, highs) => {
    expect(invalidate(type, pcid, highs).exception).toBe("GP 0");
  });

  it("does not exist before Haswell: #UD", () => {
    const t = new TestSystem("nehalem-2008").long().gates();
    expect(t.execute("invpcid", rax, mem(SIZES.xmmword, AT)).exception).toBe("UD");
  });
});
