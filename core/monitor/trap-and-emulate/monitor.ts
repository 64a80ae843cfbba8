/**
 * Trap and emulate: nothing of the guest's code is changed, so what is sensitive and does not trap goes wrong. The first
 * instruction that did is kept, in words.
 */
import { CYCLES } from "../../events/categories.js";
import { type Gva, PAGE_BYTES } from "../../machine/address.js";
import { instructionCosts } from "../../machine/cpu/instruction-costs.js";
import { RIP } from "../../machine/cpu/places.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { DeprivilegedMonitor } from "../deprivileged/monitor.js";
import type { ShadowedPagingOptions } from "../memory/shadow/shadowed-paging.js";
import type { MonitorParts } from "../virtual-computer.js";
import { misbehaviourOf, type View } from "./misbehaviour.js";

/** Instructions that the machine need not ask about, and is made to. */
export const ASKED: readonly string[] = ["PUSHF", "POPF"];
/** Of those that only show something, and are judged when they are decoded. */
const SHOWING: ReadonlySet<string> = new Set(["PUSH", "MOV"]);

export class TrapAndEmulateMonitor extends DeprivilegedMonitor {
  misbehaviour: string | undefined;
  private readonly costOf: (instruction: Instruction) => number;
  private readonly view: View;

  constructor(parts: MonitorParts, options: Omit<ShadowedPagingOptions, "reserved">) {
    super(parts, options);
    const { engine, machine } = parts.hardware;
    ({ costOf: this.costOf } = instructionCosts(machine.options.profile));
    const monitor = this;
    this.view = {
      get core() {
        return monitor.core;
      },
      state: this.state,
      read: (linear) => this.readGuest(linear),
      realDescriptor: (offset) => this.gdt.tableFor(true).word(offset),
    };
    engine.handlers.onBlock = (instructions) => {
      if (this.misbehaviour !== undefined) return;
      for (const instruction of instructions)
        if (SHOWING.has(instruction.row.mnemonic)) this.judge(instruction);
    };
  }

  override instruction(instruction: Instruction): boolean {
    if (this.state.isExposed) return false;
    if (super.instruction(instruction)) return true;
    if (ASKED.includes(instruction.row.mnemonic)) this.chargeAsked(instruction);
    this.judge(instruction);
    return false;
  }

  private judge(instruction: Instruction): void {
    if (this.misbehaviour !== undefined || this.state.isExposed) return;
    if (!this.state.isKernel) return;
    const what = misbehaviourOf(this.view, instruction);
    if (what === undefined) return;
    const where = (this.core.words[RIP]! >>> 0).toString(16);
    this.misbehaviour = `${instruction.row.name.toUpperCase()} at 0x${where} ${what}`;
  }

  /** What code would have charged for it. */
  private chargeAsked(instruction: Instruction): void {
    const category = this.core.cpl === 3 ? CYCLES.guest_user : CYCLES.guest_kernel;
    this.parts.hardware.engine.charge(category, this.costOf(instruction));
  }

  private readGuest(linear: Gva): number {
    const gfn = this.paging.translate(linear);
    if (gfn < 0) return 0;
    const bytes = new Uint8Array(4);
    this.ram.read(gfn * PAGE_BYTES + (linear & (PAGE_BYTES - 1)), bytes);
    return new DataView(bytes.buffer).getInt32(0, true);
  }
}
