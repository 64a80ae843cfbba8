/**
 * Claim cpu-1: what is sensitive and does not trap goes wrong under trap-and-emulate, which says so, and is right under binary
 * translation and hardware assistance. Which of the list those are, and what each shows, is written out.
 */
import { describe, expect, it } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import { sensitiveImage } from "../../guest/sensitive-instructions/guests.js";
import { SENSITIVE_GUESTS } from "../../guest/sensitive-instructions/index.js";
import { makeHardwareComputer } from "../hardware-assisted/computer.js";
import { endingOf, type Guest, native, optionsOf, translated, trapped } from "../testing/code-guests.js";

const MEMORY = 64 * 2 ** 20;

const guestOf = (name: string): Guest => ({
  load: loadImage(sensitiveImage(name), { name, kind: "raw", rawMode: 32, append: "", memoryBytes: MEMORY }),
});

/** What goes wrong. */
const WRONG: Readonly<Record<string, RegExp>> = {
  sgdt: /^SGDT at 0x\w+ showed a GDT at 0xffc/,
  sidt: /^SIDT at 0x\w+ showed an IDT at 0xffc/,
  sldt: /^SLDT at 0x\w+ showed LDTR 0x0, and the guest's is 0x18$/,
  str: /^STR at 0x\w+ showed TR 0xfff8, and the guest's is 0x20$/,
  smsw: /^SMSW at 0x\w+ showed CR0 0x8001/,
  pushf: /^PUSHFD at 0x\w+ showed IF and IOPL 0x200, and the guest's is 0x0$/,
  popf: /^POPFD at 0x\w+ dropped IF=0$/,
  iret: /^IRETD at 0x\w+ dropped IF=0$/,
  lar: /^LAR at 0x\w+ showed access rights/,
  lsl: /^LSL at 0x\w+ found no segment 0x4, which the guest's local table has$/,
  verr: /^VERR at 0x\w+ found no segment 0x4/,
  verw: /^VERW at 0x\w+ found no segment 0x4/,
  "push-segment": /^PUSH at 0x\w+ showed CS 0x9, and the guest's is 0x8$/,
  "mov-from-segment": /^MOV at 0x\w+ showed SS 0x11, and the guest's is 0x10$/,
  "call-far": /^CALL FAR at 0x\w+ showed CS 0x9, and the guest's is 0x8$/,
  "jmp-far": /^JMP FAR at 0x\w+ raised #NP at the gate or task 0x28/,
};

describe.each(Object.keys(SENSITIVE_GUESTS))("%s", (name) => {
  const guest = guestOf(name);
  const truth = endingOf(native(guest), guest);

  it("ends natively without a fault", () => {
    expect(truth.outcome).toEqual({ kind: "exit", status: 0 });
    expect(truth.console).not.toContain("fa017");
  });

  it(WRONG[name] === undefined ? "is right under trap-and-emulate" : "goes wrong, and is named", () => {
    const computer = trapped(guest);
    const ending = endingOf(computer, guest);
    if (WRONG[name] === undefined) {
      expect(computer.misbehaviour).toBeUndefined();
      expect(ending).toEqual(truth);
    } else {
      expect(computer.misbehaviour).toMatch(WRONG[name]);
      expect(ending).not.toEqual(truth);
    }
  });

  it("is right translated, and with hardware assistance", () => {
    expect(endingOf(translated(guest), guest)).toEqual(truth);
    const hardware = makeHardwareComputer(optionsOf(guest), {
      hostOrder: 0,
      vpid: true,
      accessedDirty: true,
      populate: false,
    });
    expect(endingOf(hardware, guest)).toEqual(truth);
  });
});
