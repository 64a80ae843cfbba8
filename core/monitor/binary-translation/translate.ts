/**
 * Translates one piece of a guest kernel: from an address to the next control transfer, at most twelve instructions, into code
 * that may run at CPL 1. Innocuous instructions stay as they are; the others become sequences (sequences.ts) or calls to
 * the monitor (Adams & Agesen, ASPLOS 2006, section 3: translation units, identical and non-identical translation).
 */
import { highHalf, PAGE_BYTES } from "../../machine/address.js";
import { imm, type MemoryReference, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { decode } from "../../machine/x86/decode.js";
import {
  BASE_RIP,
  type Instruction,
  type MemoryOperand,
  NO_REGISTER,
  type RegisterOperand,
} from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { invariant } from "../../util/errors.js";
import { LONG_WINDOW_BASE } from "../deprivileged/window.js";
import { addressIn, type CodeWidth, windowAddressIn } from "./code-width.js";
import { continues, isDoneInCache, isIdentical, isTransfer, memoryOf } from "./instruction-kinds.js";
import * as sequences from "./sequences.js";
import { FIELD_BYTES, type Sequences, UnitCode, type Writer } from "./unit-code.js";

/** Instructions of a unit at most, as in VMware's translator. */
const MOST_INSTRUCTIONS = 12;

/** Why translated code calls the monitor, by the place where it does. */
export type CallOut =
  /**
   * The instruction is to be done in the guest's stead. `next`: the guest's next one, if the unit goes on with it. What is done in
   * the cache needs nothing of the monitor's but what translated code can reach: the translator knew all else.
   */
  | {
      readonly kind: "emulate";
      readonly instruction: Instruction;
      readonly next: number | undefined;
      readonly isInCache: boolean;
    }
  /** A direct branch to what was not translated yet. `site`: address of its displacement, to be patched. */
  | { readonly kind: "link"; readonly guest: number; readonly site: number }
  /** An indirect branch that is not remembered; where to is in the data pages. */
  | { readonly kind: "branch" }
  /** The guest's IF is set now, and an interrupt waits. */
  | { readonly kind: "pending" }
  /** A store that faulted often is about to be made, by the instruction at `copy`. */
  | {
      readonly kind: "store";
      readonly guest: number;
      readonly instruction: Instruction;
      readonly copy: number;
    }
  /** The unit that began at this place is no more (translation-cache.ts). */
  | { readonly kind: "gone"; readonly unit: Unit };

export interface Unit {
  /** Where it lies in the translation cache, and where what was translated does in the guest; linear. */
  readonly address: number;
  readonly guest: number;
  readonly width: CodeWidth;
  /** The guest's code that was translated. */
  readonly source: Uint8Array;
  readonly bytes: Uint8Array;
  readonly instructions: number;
  /** Where each instruction's translation begins; ascending. */
  readonly starts: readonly Start[];
  /** By the address of the call. */
  readonly callOuts: ReadonlyMap<number, CallOut>;
}

export interface Start {
  readonly address: number;
  /** The instruction's own address. */
  readonly guest: number;
  /** It is executed as it is and refers to memory: where it stores and faults it may be translated as a store. */
  readonly isPlainAccess: boolean;
}

export interface TranslationOptions {
  /** Where the unit will lie. */
  readonly address: number;
  /** What has been assembled for units already. */
  readonly sequences: Sequences;
  /** The guest's bytes from an address: at least one instruction, unless fewer can be fetched. */
  readonly fetch: (guest: number) => Uint8Array;
  /** Where a guest address is translated, or undefined. */
  readonly find: (guest: number) => number | undefined;
  /** Whether a guest address's instruction is a store that faults often. */
  readonly isStore: (guest: number) => boolean;
  /** 32-bit IRET returns to programs without the monitor. */
  readonly returnsInCache: boolean;
}

export function translateUnit(guest: number, options: TranslationOptions): Unit {
  return new UnitTranslation(guest, options).unit();
}

class UnitTranslation {
  private readonly code: UnitCode;
  private readonly callOuts = new Map<number, CallOut>();
  /** Branches to what was not translated yet: ends of their displacements, and where they go. */
  private readonly links: { readonly end: number; readonly guest: number }[] = [];
  private readonly starts: Start[] = [];
  private at: number;
  private readonly source: number[] = [];
  private count = 0;
  /** IF was just set: what waits is looked at after the next instruction. */
  private checksPending = false;
  private readonly width: CodeWidth;

  constructor(
    private readonly guest: number,
    private readonly options: TranslationOptions,
  ) {
    this.width = options.sequences.width;
    this.code = new UnitCode(options.address);
    this.at = guest;
  }

  unit(): Unit {
    while (!this.step()) {
      // Until something ends the unit.
    }
    const { code } = this;
    for (const { end, guest } of this.links) {
      const place = this.putCallOut();
      code.setTarget(end, place);
      this.callOuts.set(place, { kind: "link", guest, site: end - FIELD_BYTES });
    }
    return {
      address: this.options.address,
      guest: this.guest,
      width: this.width,
      source: Uint8Array.from(this.source),
      bytes: code.take(),
      instructions: this.count,
      starts: this.starts,
      callOuts: this.callOuts,
    };
  }

  /** Writes a sequence. Returns the address that it marks. @param key says all that it depends on. */
  private put(key: string, write: Writer): number {
    return this.code.put(this.options.sequences.of(key, write));
  }

  /** The same; the address is of a call of the monitor, for this reason. */
  private putCalling(callOut: CallOut, key: string, write: Writer): void {
    this.callOuts.set(this.put(key, write), callOut);
  }

  /** Translates the next instruction. Returns whether the unit is at its end. */
  private step(): boolean {
    const { at } = this;
    const bytes = this.options.fetch(at);
    const instruction = decode(bytes, 0, this.width.bits);
    if (this.count === MOST_INSTRUCTIONS || typeof instruction !== "object") {
      // What cannot be decoded or fetched is not translated with what comes before it.
      if (this.count > 0) {
        this.start(at);
        this.link(at);
      } else this.undefined(bytes);
      return true;
    }
    this.count++;
    this.at = at + instruction.length;
    const isCopied = this.isCopied(instruction);
    this.start(at, isCopied && memoryOf(instruction) !== undefined);
    this.source.push(...bytes.subarray(0, instruction.length));
    const checks = this.checksPending;
    this.checksPending = false;
    if (checks && (this.isTransfer(instruction) || !isCopied)) this.checkPending();
    const ends = this.translate(instruction, bytes.subarray(0, instruction.length));
    if (checks && !ends && !this.checksPending && isCopied) this.checkPending();
    return ends;
  }

  /** Whether an instruction, which ends at `at`, is executed as it is but for where it finds what it refers to by RIP. */
  private isCopied(instruction: Instruction): boolean {
    return isIdentical(instruction, this.width) && this.canReach(instruction);
  }

  private isTransfer(instruction: Instruction): boolean {
    return isTransfer(instruction, this.width) && this.canReach(instruction);
  }

  /** Whether a RIP-relative operand, if there is one, can be reached from the translation cache as well. */
  private canReach(instruction: Instruction): boolean {
    const memory = memoryOf(instruction);
    if (memory?.base !== BASE_RIP) return true;
    const target = this.targetOf(memory);
    return instruction.addressSize === 8 && target >= LOWEST_NEAR && target <= HIGHEST_NEAR;
  }

  /** What a RIP-relative operand of the instruction that ends at `at` refers to. */
  private targetOf({ displacement }: MemoryOperand): number {
    return this.at + displacement;
  }

  private start(guest: number, isPlainAccess = false): void {
    this.starts.push({ address: this.code.address, guest, isPlainAccess });
  }

  /** Not an instruction: executing it raises #UD where the guest has it. */
  private undefined(bytes: Uint8Array): void {
    this.start(this.at);
    this.put("undefined", (code) => code.emit("ud2"));
    this.source.push(...bytes);
  }

  private translate(instruction: Instruction, bytes: Uint8Array): boolean {
    const { row } = instruction;
    if (this.isTransfer(instruction)) return this.transfer(instruction);
    switch (row.mnemonic) {
      case "CLI":
        this.put("CLI", sequences.clearInterrupts);
        return false;
      case "STI":
        this.put("STI", sequences.setInterrupts);
        this.checksPending = true;
        return false;
      case "PUSHF":
        if (instruction.operandSize !== this.width.bytes) break;
        this.put("PUSHF", sequences.pushFlags);
        return false;
      case "POPF":
        if (instruction.operandSize !== this.width.bytes) break;
        this.put("POPF", sequences.popFlags);
        this.checkPending();
        return false;
      case "IRET":
        if (!this.options.returnsInCache || instruction.operandSize !== 4 || this.width.bits !== 32) break;
        this.putCalling(
          { kind: "emulate", instruction, next: undefined, isInCache: false },
          "IRET",
          sequences.returnToProgram,
        );
        return true;
      default:
        if (!this.isCopied(instruction)) break;
        if (this.options.isStore(this.at - instruction.length) && memoryOf(instruction) !== undefined)
          this.store(instruction);
        this.copy(instruction, bytes);
        return false;
    }
    const ends = row.ends && !continues(instruction);
    const next = ends ? undefined : this.at;
    const isInCache = isDoneInCache(instruction, this.width) || !this.canReach(instruction);
    this.callOut({ kind: "emulate", instruction, next, isInCache });
    return ends;
  }

  private copy(instruction: Instruction, bytes: Uint8Array): void {
    const { code } = this;
    code.copy(bytes);
    const memory = memoryOf(instruction);
    if (memory?.base !== BASE_RIP) return;
    const { row, operands } = instruction;
    let end = code.address;
    operands.forEach((operand, index) => {
      if (operand.kind === "immediate" && row.forms[index]!.place === "immediate") end -= operand.size;
    });
    this.setRelative(end, code.address, memory);
  }

  /** Sets the displacement of a RIP-relative operand. @param end its own, @param next the instruction's. */
  private setRelative(end: number, next: number, memory: MemoryOperand): void {
    this.code.setField(end, this.targetOf(memory) - windowAddressIn(this.width, next));
  }

  private transfer(instruction: Instruction): boolean {
    const { at } = this;
    const { row, operands } = instruction;
    const [operand] = operands;
    const isRelative = operand?.kind === "relative";
    const target = isRelative ? addressIn(this.width, at + operand.displacement) : 0;
    switch (row.mnemonic) {
      case "JMP":
        if (isRelative) this.link(target);
        else this.indirect(instruction);
        return true;
      case "CALL":
        if (isRelative) {
          this.push(at);
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
        const notTaken = this.put(`${row.name} over`, (code) =>
          code.emit(row.name, "taken").emit("near jmp", 0).label("taken"),
        );
        this.linkAt(notTaken, at);
        this.link(target);
        return true;
      }
    }
  }

  /** JMP and CALL by a register or memory. @param back where a call comes back to. */
  private indirect(instruction: Instruction, back?: number): void {
    this.noteTarget(instruction);
    if (back !== undefined) {
      this.put("take back", sequences.takeBack);
      this.push(back);
      this.put("take target", sequences.takeTarget);
    }
    this.branch();
  }

  private noteTarget(instruction: Instruction): void {
    const memory = memoryOf(instruction);
    if (memory?.base === BASE_RIP) {
      this.put("put aside", sequences.putAside);
      const end = this.put("load", (code, { ax }) => code.emit("mov", ax, mem(rip)));
      this.setRelative(end, end, memory);
      this.put("keep target", sequences.keepTarget);
      return;
    }
    const target = branchTargetOf(instruction, this.width);
    this.put(`target ${keyOf(target)}`, (code, width) => sequences.noteTarget(code, width, target));
  }

  private return({ operands }: Instruction): void {
    const [operand] = operands;
    const released = this.width.bytes + (operand?.kind === "immediate" ? operand.value & 0xffff : 0);
    this.put(`return ${released}`, (code, width) => sequences.noteReturn(code, width, released));
    this.branch();
  }

  private branch(): void {
    this.putCalling({ kind: "branch" }, "branch", sequences.branch);
  }

  private checkPending(): void {
    this.putCalling({ kind: "pending" }, "pending", sequences.checkPending);
  }

  private putCallOut(): number {
    const place = this.code.address;
    this.put("call-out", sequences.callOut);
    return place;
  }

  private callOut(callOut: CallOut): void {
    this.callOuts.set(this.putCallOut(), callOut);
  }

  private store(instruction: Instruction): void {
    const place = this.putCallOut();
    const guest = this.at - instruction.length;
    this.callOuts.set(place, { kind: "store", guest, instruction, copy: this.code.address });
  }

  /** Pushes a guest address. */
  private push(address: number): void {
    const end = this.put("push", (code) => code.emit("push", imm(0, FIELD_BYTES)));
    this.code.setField(end, address);
    if (this.width.bits === 32 || address === (address | 0)) return;
    // It is within what was pushed, so that it cannot fault.
    const upperEnd = this.put("upper half", (code, { sp }) =>
      code.emit("mov", mem(SIZES.dword, sp, { displacement: 4 }), imm(0, FIELD_BYTES)),
    );
    this.code.setField(upperEnd, highHalf(address));
  }

  private link(guest: number): void {
    this.branchSite("near jmp", guest);
  }

  /** A direct branch: to the translation, or to where the monitor is called for it. */
  private branchSite(name: string, guest: number): void {
    this.linkAt(
      this.put(name, (code) => code.emit(name, 0)),
      guest,
    );
  }

  /** The same of a branch that was written. @param end of its displacement. */
  private linkAt(end: number, guest: number): void {
    const known = this.options.find(guest);
    if (known === undefined) this.links.push({ end, guest });
    else this.code.setTarget(end, known);
  }
}

/**
 * Addresses that have less than 2 GiB to all of the window at the end of the address space, which they wrap around to: what
 * RIP-relative operands refer to, by a kernel in the last 2 GiB or in the first.
 */
const LOWEST_NEAR = -(2 ** 31);
const HIGHEST_NEAR = 2 ** 31 + LONG_WINDOW_BASE - PAGE_BYTES;

/** The operand of an indirect branch, as the assembler takes it. */
function branchTargetOf(instruction: Instruction, { size }: CodeWidth): RegisterOperand | MemoryReference {
  const memory = memoryOf(instruction);
  if (memory === undefined) {
    const [operand] = instruction.operands;
    invariant(operand?.kind === "register", "an indirect branch goes by a register or memory");
    return operand;
  }
  const { base, index, scale, displacement, segment } = memory;
  const registers = size === SIZES.qword ? GENERAL_64 : GENERAL_32;
  return mem(size, base === NO_REGISTER ? undefined : registers[base]!, {
    ...(index === NO_REGISTER ? {} : { index: registers[index]! }),
    scale,
    displacement,
    segment: SEGMENTS[segment]!,
  });
}

const { eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, rip } = REGISTERS;
const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 } = REGISTERS;
const GENERAL_32 = [eax, ecx, edx, ebx, esp, ebp, esi, edi];
const GENERAL_64 = [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];
const SEGMENTS = [es, cs, ss, ds, fs, gs];

/** Says all that code which uses an operand depends on. */
const keyOf = (operand: RegisterOperand | MemoryReference): string =>
  operand.kind === "register"
    ? `${operand.number}`
    : [operand.base, operand.index, operand.segment].map((register) => register?.number).join() +
      ` ${operand.scale} ${operand.displacement.constant}`;
