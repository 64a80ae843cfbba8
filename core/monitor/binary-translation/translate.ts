/**
 * Translates one piece of a guest kernel: from an address to the next control transfer, at most twelve instructions, into code
 * that may run at CPL 1. Innocuous instructions stay as they are; the others become sequences (sequences.ts) or calls to
 * the monitor (Adams & Agesen, ASPLOS 2006, section 3: translation units, identical and non-identical translation).
 */
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, type MemoryReference, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { decode } from "../../machine/x86/decode.js";
import {
  type Instruction,
  NO_REGISTER,
  type RegisterOperand,
  SEGMENT,
} from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { invariant } from "../../util/errors.js";
import * as sequences from "./sequences.js";

/** Instructions of a unit at most, as in VMware's translator. */
const MOST_INSTRUCTIONS = 12;

/** Why translated code calls the monitor, by the place where it does. */
export type CallOut =
  /** The instruction is to be done in the guest's stead; the unit ends there. */
  | { readonly kind: "emulate"; readonly guest: number; readonly instruction: Instruction }
  /** A direct branch to what was not translated yet. `site`: address of its displacement, to be patched. */
  | { readonly kind: "link"; readonly guest: number; readonly site: number }
  /** An indirect branch that is not remembered; where to is in the data page. */
  | { readonly kind: "branch" }
  /** The guest's IF is set now, and an interrupt waits. */
  | { readonly kind: "pending" }
  /** A store that faulted often is about to be made, by the instruction at `copy`. */
  | { readonly kind: "store"; readonly instruction: Instruction; readonly copy: number };

export interface Unit {
  /** Linear address in the guest, and how many bytes were translated. */
  readonly guest: number;
  readonly guestBytes: number;
  readonly bytes: Uint8Array;
  readonly instructions: number;
  /** Address where each instruction's translation begins, and the instruction's own; ascending. */
  readonly starts: readonly { readonly address: number; readonly guest: number }[];
  /** By the address of the call. */
  readonly callOuts: ReadonlyMap<number, CallOut>;
}

export interface TranslationOptions {
  /** Where the unit will lie. */
  readonly address: number;
  /** The guest's bytes from an address: at least one instruction, unless fewer can be fetched. */
  readonly fetch: (guest: number) => Uint8Array;
  /** Where a guest address is translated, or undefined. */
  readonly find: (guest: number) => number | undefined;
  /** Stores that faulted often, by guest address. */
  readonly stores: ReadonlySet<number>;
}

/** A part of the unit that ends it. */
type Item = CallOut | { readonly kind: "link-site"; readonly guest: number };

export function translateUnit(guest: number, options: TranslationOptions): Unit {
  return new UnitTranslation(guest, options).unit();
}

class UnitTranslation {
  private readonly code: Assembler;
  private readonly items: { readonly label: string; readonly after?: string; readonly item: Item }[] = [];
  private readonly startLabels: { readonly label: string; readonly guest: number }[] = [];
  private at: number;
  private count = 0;
  /** IF was just set: what waits is looked at after the next instruction. */
  private checksPending = false;

  constructor(
    private readonly guest: number,
    private readonly options: TranslationOptions,
  ) {
    this.code = new Assembler({ bits: 32, origin: options.address });
    this.at = guest;
  }

  unit(): Unit {
    while (!this.step()) {
      // Until something ends the unit.
    }
    for (const { label, after, item } of [...this.items]) {
      if (after === undefined || item.kind !== "link-site") continue;
      this.code.label(label);
      sequences.callOut(this.code);
    }
    const { bytes, labels } = this.code.assemble();
    const address = (label: string): number => Number(labels.get(label)!);
    const callOuts = new Map<number, CallOut>();
    for (const { label, after, item } of this.items) {
      const place = address(label);
      if (item.kind === "link-site")
        callOuts.set(place, { kind: "link", guest: item.guest, site: address(after!) - 4 });
      else if (item.kind === "store") callOuts.set(place, { ...item, copy: address(after!) });
      else callOuts.set(place, item);
    }
    return {
      guest: this.guest,
      guestBytes: this.at - this.guest,
      bytes,
      instructions: this.count,
      starts: this.startLabels.map(({ label, guest }) => ({ address: address(label), guest })),
      callOuts,
    };
  }

  /** Translates the next instruction. Returns whether the unit is at its end. */
  private step(): boolean {
    const { at } = this;
    const bytes = this.options.fetch(at);
    const instruction = decode(bytes, 0, 32);
    if (this.count === MOST_INSTRUCTIONS || typeof instruction !== "object") {
      // What cannot be decoded or fetched is not translated with what comes before it.
      if (this.count > 0) this.link(at);
      else this.undefined();
      return true;
    }
    this.count++;
    this.start(at);
    this.at = at + instruction.length;
    const checks = this.checksPending;
    this.checksPending = false;
    if (checks && (isTransfer(instruction) || !isIdentical(instruction))) this.checkPending();
    const ends = this.translate(instruction, bytes.subarray(0, instruction.length));
    if (checks && !ends && !this.checksPending && isIdentical(instruction)) this.checkPending();
    return ends;
  }

  private start(guest: number): void {
    const label = this.code.unique("guest");
    this.code.label(label);
    this.startLabels.push({ label, guest });
  }

  /** Not an instruction: executing it raises #UD where the guest has it. */
  private undefined(): void {
    this.start(this.at);
    this.code.emit("ud2");
    this.at += 1;
  }

  private translate(instruction: Instruction, bytes: Uint8Array): boolean {
    const { code } = this;
    const { row } = instruction;
    if (isTransfer(instruction)) return this.transfer(instruction);
    switch (row.mnemonic) {
      case "CLI":
        sequences.clearInterrupts(code);
        return false;
      case "STI":
        sequences.setInterrupts(code);
        this.checksPending = true;
        return false;
      case "PUSHF":
        if (instruction.operandSize !== 4) break;
        sequences.pushFlags(code);
        return false;
      case "POPF":
        if (instruction.operandSize !== 4) break;
        sequences.popFlags(code);
        this.checkPending();
        return false;
      default:
        if (!isIdentical(instruction)) break;
        if (this.options.stores.has(this.at - instruction.length)) this.store(instruction);
        code.bytes(bytes.slice());
        return false;
    }
    this.callOut({ kind: "emulate", guest: this.at - instruction.length, instruction });
    return true;
  }

  private transfer(instruction: Instruction): boolean {
    const { code, at } = this;
    const { row, operands } = instruction;
    const [operand] = operands;
    const isRelative = operand?.kind === "relative";
    const target = isRelative ? (at + operand.displacement) >>> 0 : 0;
    switch (row.mnemonic) {
      case "JMP":
        if (isRelative) this.link(target);
        else this.indirect(instruction);
        return true;
      case "CALL":
        if (isRelative) {
          code.emit("push", imm(at | 0, 4));
          this.link(target);
        } else this.indirect(instruction, at);
        return true;
      case "RET":
        this.return(instruction);
        return true;
      case "JCC":
        this.branchSite(`near ${row.name}`, target);
        this.link(at);
        return true;
      default: {
        // LOOP and JECXZ have short displacements alone.
        const taken = code.unique("taken");
        code.emit(row.name, taken);
        this.link(at);
        code.label(taken);
        this.link(target);
        return true;
      }
    }
  }

  /** JMP and CALL by a register or memory. @param back where a call comes back to. */
  private indirect(instruction: Instruction, back?: number): void {
    const { code } = this;
    sequences.noteTarget(code, targetOf(instruction));
    if (back !== undefined) sequences.pushBack(code, back);
    this.branch();
  }

  private return({ operands }: Instruction): void {
    const [operand] = operands;
    const released = 4 + (operand?.kind === "immediate" ? operand.value & 0xffff : 0);
    sequences.noteReturn(this.code, released);
    this.branch();
  }

  private branch(): void {
    const called = this.code.unique("called");
    sequences.branch(this.code, called);
    this.items.push({ label: called, item: { kind: "branch" } });
  }

  private checkPending(): void {
    const called = this.code.unique("called");
    sequences.checkPending(this.code, called);
    this.items.push({ label: called, item: { kind: "pending" } });
  }

  private callOut(item: CallOut): void {
    const called = this.code.unique("called");
    this.code.label(called);
    sequences.callOut(this.code);
    this.items.push({ label: called, item });
  }

  private store(instruction: Instruction): void {
    const label = this.code.unique("called");
    const after = this.code.unique("copy");
    this.code.label(label);
    sequences.callOut(this.code);
    this.code.label(after);
    this.items.push({ label, after, item: { kind: "store", instruction, copy: 0 } });
  }

  private link(guest: number): void {
    this.branchSite("near jmp", guest);
  }

  /** A direct branch: to the translation, or to where the monitor is called for it. */
  private branchSite(name: string, guest: number): void {
    const { code } = this;
    const known = this.options.find(guest);
    if (known !== undefined) {
      code.emit(name, known);
      return;
    }
    const label = code.unique("link");
    const after = code.unique("site");
    code.emit(name, label).label(after);
    this.items.push({ label, after, item: { kind: "link-site", guest } });
  }
}

const TRANSFERS: ReadonlySet<string> = new Set([
  "JMP",
  "CALL",
  "RET",
  "JCC",
  "LOOP",
  "LOOPE",
  "LOOPNE",
  "JCXZ",
  "JECXZ",
]);

/** The operand of an indirect branch, as the assembler takes it. */
function targetOf({ operands }: Instruction): RegisterOperand | MemoryReference {
  const [operand] = operands;
  invariant(operand !== undefined, "an indirect branch has an operand");
  if (operand.kind === "register") return operand;
  invariant(operand.kind === "memory", "an indirect branch goes by a register or memory");
  const { base, index, scale, displacement, segment } = operand;
  return mem(SIZES.dword, base === NO_REGISTER ? undefined : GENERAL[base]!, {
    ...(index === NO_REGISTER ? {} : { index: GENERAL[index]! }),
    scale,
    displacement,
    segment: SEGMENTS[segment]!,
  });
}

const { eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs } = REGISTERS;
const GENERAL = [eax, ecx, edx, ebx, esp, ebp, esi, edi];
const SEGMENTS = [es, cs, ss, ds, fs, gs];

const isTransfer = ({ row, operandSize }: Instruction): boolean =>
  TRANSFERS.has(row.mnemonic) && row.event === "" && operandSize === 4;

/** May be executed at CPL 1 as it is: means there what it means at CPL 0, and does not use what is the monitor's. */
function isIdentical({ row, operands, operandSize }: Instruction): boolean {
  if (operands.some((operand) => operand.kind === "memory" && operand.segment === SEGMENT.GS)) return false;
  const segment = operands.find((operand) => operand.kind === "register" && operand.file === "segment");
  // Of the data segments' selectors CPL is no part.
  if (segment?.kind === "register" && PLAIN_SEGMENT_MOVES.has(row.mnemonic))
    return PLAIN_SEGMENTS.has(segment.number);
  const isNarrowTransfer = TRANSFERS.has(row.mnemonic) && operandSize !== 4;
  return row.sensitivity === "innocuous" && row.privilege === 3 && !isNarrowTransfer;
}

const PLAIN_SEGMENT_MOVES: ReadonlySet<string> = new Set(["MOV", "PUSH", "POP"]);
const PLAIN_SEGMENTS: ReadonlySet<number> = new Set([SEGMENT.ES, SEGMENT.DS, SEGMENT.FS]);
