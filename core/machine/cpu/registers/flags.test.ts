/** PUSHF, POPF, CLI, STI and the virtual interrupt flag (SDM vol. 2; vol. 3, 21.3, 21.4). */
import { describe, expect, it } from "vitest";
import { CR4 } from "../control-bits.js";
import { CR4_WORD, LIMIT, RSP, segmentWord } from "../places.js";
import { RFLAGS, SS, TR } from "../state.js";
import { PLACE, TestSystem } from "../testing/test-system.js";

const { IF, IOPL, TF, VIF, VIP, VM, AC, ID, NT, RF, CF, reserved1 } = RFLAGS;

/** POPFD of an image with certain flags before. */
function pop(t: TestSystem, before: number, image: number): TestSystem {
  t.setFlags(before);
  t.setRegister(RSP, PLACE.stack0 - 4);
  t.poke(PLACE.stack0 - 4, image);
  return t.execute("popfd");
}

describe("POPF", () => {
  it("at CPL 0 sets everything but RF, VM, VIF and VIP", () => {
    const t = pop(new TestSystem().protectedMode(), VIF, IF | IOPL | AC | ID | NT | CF | RF | VM | VIP);
    expect(t.flags).toBe(IF | IOPL | AC | ID | NT | CF | VIF | reserved1);
    expect(t.register(RSP)).toBe(PLACE.stack0);
  });

  it("at CPL 3 leaves IF and IOPL silently; with IOPL 3 it sets IF", () => {
    expect(pop(new TestSystem().protectedMode(3), IF, IOPL | CF).flags).toBe(IF | CF | reserved1);
    expect(pop(new TestSystem().protectedMode(3), 0, IF).flags).toBe(reserved1);
    expect(pop(new TestSystem().protectedMode(3), IOPL, IF).flags).toBe(IOPL | IF | reserved1);
  });

  it("in ring 1 is as silent: IF needs CPL ≤ IOPL", () => {
    expect(pop(new TestSystem().protectedMode(1), 0, IF | IOPL).flags).toBe(reserved1);
    expect(pop(new TestSystem().protectedMode(1), 0x1000, IF | IOPL).flags).toBe(0x1000 | IF | reserved1);
  });

  it("of 16 bits leaves what is above", () => {
    const t = new TestSystem().protectedMode();
    t.setFlags(ID);
    t.setRegister(RSP, PLACE.stack0 - 2);
    t.poke16(PLACE.stack0 - 2, CF);
    t.execute("popf");
    expect(t.flags).toBe(ID | CF | reserved1);
  });

  it("that sets TF is followed by no trap, that clears it is", () => {
    const set = pop(new TestSystem().protectedMode().gates(), 0, TF);
    expect(set.exception).toBeUndefined();
    const cleared = pop(new TestSystem().protectedMode().gates(), TF, 0);
    expect(cleared.exception).toBe("DB");
  });
});

describe("PUSHF", () => {
  it("tells IF and IOPL at any privilege, VM and RF never", () => {
    const t = new TestSystem().protectedMode(3);
    t.setFlags(IF | 0x1000);
    t.execute("pushfd");
    expect(t.stack(1)).toEqual([IF | 0x1000 | reserved1]);
  });

  it("in virtual-8086 mode needs IOPL 3, or VME, which shows VIF as IF", () => {
    const t = new TestSystem().virtual8086(0).gates();
    t.execute("pushf");
    expect(t.exception).toBe("GP 0");
    const extended = new TestSystem().virtual8086(0);
    extended.setControl(CR4_WORD, CR4.VME);
    extended.setFlags(VM | VIF);
    extended.execute("pushf");
    expect(extended.peek16(extended.base(SS) + 0x7ffe)).toBe(IF | IOPL | reserved1);
  });
});

describe("POPF under VME with IOPL below 3", () => {
  function popVirtual(before: number, image: number): TestSystem {
    const t = new TestSystem().virtual8086(0).gates();
    t.setControl(CR4_WORD, CR4.VME);
    t.setFlags(VM | before);
    t.poke16(t.base(SS) + 0x8000, image);
    return t.execute("popf");
  }

  it("sets VIF in IF's place", () => {
    expect(popVirtual(0, IF | CF).flags).toBe(VM | VIF | CF | reserved1);
    expect(popVirtual(VIF, 0).flags).toBe(VM | reserved1);
  });

  it("is #GP(0) with TF, or to enable with VIP pending", () => {
    expect(popVirtual(0, TF).exception).toBe("GP 0");
    expect(popVirtual(VIP, IF).exception).toBe("GP 0");
  });
});

describe("CLI and STI", () => {
  it("beyond IOPL are #GP(0)", () => {
    for (const name of ["cli", "sti"] as const) {
      const t = new TestSystem().protectedMode(3).gates();
      t.execute(name);
      expect(t.exception).toBe("GP 0");
    }
    const allowed = new TestSystem().protectedMode(3);
    allowed.setFlags(IOPL | IF);
    allowed.execute("cli");
    expect(allowed.flags).toBe(IOPL | reserved1);
  });

  it("under PVI at CPL 3 act on VIF; STI with VIP is #GP(0)", () => {
    const t = new TestSystem().protectedMode(3).gates();
    t.setControl(CR4_WORD, CR4.PVI);
    t.execute("sti");
    expect(t.flags).toBe(VIF | reserved1);
    t.execute("cli");
    expect(t.flags).toBe(reserved1);
    t.setFlags(VIP);
    t.execute("sti");
    expect(t.exception).toBe("GP 0");
  });
});

describe("INT n under VME", () => {
  it("goes to the program's own table where the TSS's map has 0", () => {
    const t = new TestSystem().virtual8086(0).gates();
    t.setControl(CR4_WORD, CR4.VME);
    t.words[segmentWord(TR) + LIMIT] = 0x200;
    t.poke16(PLACE.tss + 0x66, 0x88);
    t.poke(0x21 * 4, 0x3000_0042);
    t.setFlags(VM | VIF);
    t.execute("int", 0x21);
    expect([t.rip, t.cpl, t.flags]).toEqual([0x42, 3, VM | reserved1]);
    expect(t.peek16(t.base(SS) + 0x7ffe)).toBe(IF | IOPL | reserved1);
  });
});
