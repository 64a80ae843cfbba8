/**
 * The assembler: guest programs written in TypeScript.
 *
 *      const { rax, rbx, rcx } = REGISTERS;
 *      const { qword } = SIZES;
 *      const a = new Assembler({ bits: 64, origin: 0x100000 });
 *      a.label("loop");
 *      a.emit("add", rax, mem(qword, rbx, { index: rcx, scale: 8, displacement: 16 }));
 *      a.emit("dec", rcx);
 *      a.emit("jne", "loop");
 *      a.emit("rep movsb");
 *      a.dq("loop", minus("end", "loop"));
 *      a.label("end");
 *      const { bytes, labels } = a.assemble();
 *
 * Encodings come from the instruction table; of those that fit the shortest is taken, and branches are as short as they
 * can be. Names are the table's: "pushf" is the 16-bit one as in the manual, "pushfq" the 64-bit one. Words before a name:
 * lock, rep, repe, repne, short, near, o16 o32 o64 and a16 a32 a64 (operand and address size), and a segment for the
 * source of a string instruction ("fs lodsb"). A far jump is "jmp far".
 *
 * What is wrong is a UserError that says what was written: at `emit` if it is known then, else at `assemble`.
 */
import { UserError } from "../../util/errors.js";
import { nearestWords } from "../../util/nearest.js";
import { type AssemblerOperand, type Expression, toExpression, type Value } from "./assembler-operands.js";
import { type CodeItem, codeItem, codeLength, encodeItem, reaches } from "./code-item.js";
import type { CodeMode } from "./instruction.js";
import { type Evaluate, fitsBits } from "./match.js";

export interface AssemblerOptions {
  /** Width of the code; `bits` changes it. */
  readonly bits: CodeMode;
  /** Address of the first byte; 0 if left out. */
  readonly origin?: number | bigint;
}

export interface Program {
  readonly origin: bigint;
  readonly bytes: Uint8Array;
  /** Address of each label. */
  readonly labels: ReadonlyMap<string, bigint>;
}

type Item =
  | CodeItem
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "data"; readonly size: number; readonly values: readonly Expression[] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "align"; readonly to: bigint; readonly fill: number }
  | { readonly kind: "org"; readonly address: bigint };

/** Single-byte NOP: what code is padded with. */
const NOP = 0x90;

export class Assembler {
  private mode: CodeMode;
  private readonly origin: bigint;
  private readonly items: Item[] = [];
  private readonly labels = new Map<string, bigint>();
  private fresh = 0;

  constructor(options: AssemblerOptions) {
    this.mode = options.bits;
    this.origin = BigInt(options.origin ?? 0);
  }

  /** Code from here on is 16, 32 or 64 bits wide. */
  bits(mode: CodeMode): this {
    this.mode = mode;
    return this;
  }

  /** Names this place. */
  label(name: string): this {
    if (this.labels.has(name)) throw new UserError(`label "${name}" is defined twice`);
    this.labels.set(name, 0n);
    this.items.push({ kind: "label", name });
    return this;
  }

  /** A label name that nothing else has, for code that is emitted more than once. */
  unique(stem: string): string {
    return `${stem}.${this.fresh++}`;
  }

  /** An instruction. A string operand is a label; a number is an immediate, or the address a branch goes to. */
  emit(name: string, ...operands: readonly AssemblerOperand[]): this {
    this.items.push(codeItem(name, operands, this.mode));
    return this;
  }

  /** Bytes; strings as ASCII. */
  db(...values: readonly Value[]): this {
    for (const value of values) {
      if (typeof value === "string") this.ascii(value);
      else this.data(1, [value]);
    }
    return this;
  }

  /** 16-bit words, little-endian; strings are labels, here and in `dd` and `dq`. */
  dw(...values: readonly Value[]): this {
    return this.data(2, values);
  }

  dd(...values: readonly Value[]): this {
    return this.data(4, values);
  }

  dq(...values: readonly Value[]): this {
    return this.data(8, values);
  }

  /** The characters of a text, one byte each. */
  ascii(text: string): this {
    const bytes = Uint8Array.from(text, (character) => character.codePointAt(0)!);
    for (const character of text)
      if (character > "\x7f") throw new UserError(`"${character}" in "${text}" is not ASCII`);
    return this.bytes(bytes);
  }

  bytes(bytes: Uint8Array): this {
    this.items.push({ kind: "bytes", bytes });
    return this;
  }

  /** Room for `count` bytes, filled with 0. */
  reserve(count: number): this {
    return this.bytes(new Uint8Array(count));
  }

  /** Pads up to a multiple of `to`, a power of two; with NOPs if nothing else is said. */
  align(to: number, fill = NOP): this {
    if (to < 1 || (to & (to - 1)) !== 0) throw new UserError(`align ${to}: not a power of two`);
    this.items.push({ kind: "align", to: BigInt(to), fill });
    return this;
  }

  /** Pads with 0 up to an address, which must not be behind. */
  org(address: number | bigint): this {
    this.items.push({ kind: "org", address: BigInt(address) });
    return this;
  }

  /** The program: branches get their lengths, labels their addresses, and all is checked. */
  assemble(): Program {
    while (this.layOut()) {
      // Branches only grow, so this ends.
    }
    const parts: number[] = [];
    let address = this.origin;
    for (const item of this.items) {
      const length = this.lengthOf(item, address);
      for (const byte of this.bytesOf(item, address, length)) parts.push(byte);
      address += BigInt(length);
    }
    return { origin: this.origin, bytes: Uint8Array.from(parts), labels: new Map(this.labels) };
  }

  private data(size: number, values: readonly Value[]): this {
    this.items.push({ kind: "data", size, values: values.map(toExpression) });
    return this;
  }

  /** Gives labels their addresses; lengthens the branches that do not reach. True if there were any. */
  private layOut(): boolean {
    let address = this.origin;
    const places: [CodeItem, bigint][] = [];
    for (const item of this.items) {
      if (item.kind === "label") this.labels.set(item.name, address);
      address += BigInt(this.lengthOf(item, address));
      if (item.kind === "code" && item.choice + 1 < item.choices.length) places.push([item, address]);
    }
    let grew = false;
    for (const [item, next] of places) {
      if (reaches(item, this.evaluate(item.text), next)) continue;
      item.choice++;
      grew = true;
    }
    return grew;
  }

  private lengthOf(item: Item, address: bigint): number {
    switch (item.kind) {
      case "code":
        return codeLength(item);
      case "label":
        return 0;
      case "data":
        return item.size * item.values.length;
      case "bytes":
        return item.bytes.length;
      case "align":
        return Number((item.to - (address % item.to)) % item.to);
      case "org": {
        if (item.address >= address) return Number(item.address - address);
        const hex = (value: bigint): string => `0x${value.toString(16)}`;
        throw new UserError(`org ${hex(item.address)} is behind: the program is at ${hex(address)}`);
      }
    }
  }

  private bytesOf(item: Item, address: bigint, length: number): Iterable<number> {
    switch (item.kind) {
      case "code":
        return encodeItem(item, this.evaluate(item.text), address + BigInt(length));
      case "bytes":
        return item.bytes;
      case "data":
        return item.values.flatMap((value) => this.dataBytes(value, item.size));
      case "align":
        return new Uint8Array(length).fill(item.fill);
      default:
        return new Uint8Array(length);
    }
  }

  private dataBytes(expression: Expression, size: number): number[] {
    const value = this.evaluate("data")(expression);
    if (!fitsBits(value, size * 8)) throw new UserError(`${value} does not fit ${size} bytes of data`);
    return Array.from({ length: size }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
  }

  /** Value of an expression with the labels' addresses of now; `where` is said when a label is not there. */
  private evaluate(where: string): Evaluate {
    return ({ terms, constant }) =>
      terms.reduce((sum, { label, sign }) => sum + sign * this.addressOf(label, where), constant);
  }

  private addressOf(label: string, where: string): bigint {
    const address = this.labels.get(label);
    if (address !== undefined) return address;
    const [near] = nearestWords(label, [...this.labels.keys()]);
    throw new UserError(`no label "${label}"`, {
      where,
      mend: near === undefined ? "define it with label()" : `did you mean "${near}"?`,
    });
  }
}
