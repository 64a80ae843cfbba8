/**
 * What a guest does to a PC's devices, as data, so that the same can be done to ours and to another (stub.asm on
 * QEMU), and what was read be compared. Everything that is compared is a list of numbers: each value read, and for
 * each interrupt window how many vectors were taken and which.
 */
import type { AccessSize } from "../../device.js";
import type { Bench } from "../bench.js";

/** Kinds in the order of the stub's table, from 1. */
const KINDS = ["out8", "out16", "out32", "in8", "in16", "in32", "store", "load", "window", "poll"] as const;
type Kind = (typeof KINDS)[number];
const SIZES: Readonly<Record<string, AccessSize>> = { 8: 1, 16: 2, 32: 4 };

export interface Operation {
  readonly kind: Kind;
  readonly address: number;
  /** What is written; what a value read is masked with; a poll's mask and the wanted value above it. */
  readonly value: number;
  /** For people. */
  readonly note: string;
}

const ALL = 0xffff_ffff;

/** Writes operations down. */
export class Script {
  readonly operations: Operation[] = [];

  out(port: number, value: number, size: AccessSize = 1): void {
    this.add(`out${8 * size}` as Kind, port, value);
  }

  /** @param mask bits that are compared. */
  in(port: number, mask = ALL, size: AccessSize = 1): void {
    this.add(`in${8 * size}` as Kind, port, mask);
  }

  store(address: number, value: number): void {
    this.add("store", address, value);
  }

  load(address: number, mask = ALL): void {
    this.add("load", address, mask);
  }

  /** Interrupts on for a moment. None is ended. */
  window(): void {
    this.add("window", 0, 0);
  }

  /** Waits until a byte's bits under a mask are those wanted. */
  poll(port: number, mask: number, wanted: number): void {
    this.add("poll", port, mask | (wanted << 8));
  }

  private add(kind: Kind, address: number, value: number): void {
    const note = `${this.operations.length}: ${kind} ${address.toString(16)} ${(value >>> 0).toString(16)}`;
    this.operations.push({ kind, address, value: value >>> 0, note });
  }
}

/** An answer and the operation that gave it. */
export interface Answer {
  readonly value: number;
  readonly note: string;
}

/** Does the operations to our devices. */
export function answersOfOurs(bench: Bench, operations: readonly Operation[]): Answer[] {
  const answers: Answer[] = [];
  for (const { kind, address, value, note } of operations) {
    const size = SIZES[kind.replace(/^\D+/, "")]!;
    if (kind.startsWith("out")) bench.out(address, value, size);
    else if (kind.startsWith("in")) answers.push({ value: (bench.in(address, size) & value) >>> 0, note });
    else if (kind === "store") storeAnywhere(bench, address, value);
    else if (kind === "load") answers.push({ value: (loadAnywhere(bench, address) & value) >>> 0, note });
    else if (kind === "window") {
      const vectors = bench.takeAll();
      for (const number of [vectors.length, ...vectors]) answers.push({ value: number, note });
    } else {
      while ((bench.in(address) & value & 0xff) !== value >>> 8) {
        bench.run(bench.pc.schedule.next - bench.cycles);
      }
    }
  }
  return answers;
}

/** The table that the stub reads: a byte and two dwords for each operation, and a zero kind. */
export function tableOf(operations: readonly Operation[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(9 * (operations.length + 1)));
  for (const [index, { kind, address, value }] of operations.entries()) {
    view.setUint8(9 * index, KINDS.indexOf(kind) + 1);
    view.setUint32(9 * index + 1, address, true);
    view.setUint32(9 * index + 5, value, true);
  }
  return new Uint8Array(view.buffer);
}

/** What the stub sent, as the list of numbers that `answersOfOurs` makes. */
export function answersOfStub(operations: readonly Operation[], sent: Uint8Array): number[] {
  const view = new DataView(sent.buffer, sent.byteOffset, sent.byteLength);
  const answers: number[] = [];
  let at = 0;
  for (const { kind } of operations) {
    if (kind.startsWith("in") || kind === "load") {
      answers.push(view.getUint32(at, true));
      at += 4;
    } else if (kind === "window") {
      const count = view.getUint8(at);
      answers.push(count, ...sent.subarray(at + 1, at + 1 + count));
      at += 1 + count;
    }
  }
  if (at !== sent.length) throw new Error(`the stub sent ${sent.length} bytes, its operations make ${at}`);
  return answers;
}

/** RAM where the bench has some, device memory elsewhere. */
function loadAnywhere(bench: Bench, address: number): number {
  const { bytes } = bench.memory;
  return address < bytes.length ? new DataView(bytes.buffer).getUint32(address, true) : bench.load(address);
}

function storeAnywhere(bench: Bench, address: number, value: number): void {
  const { bytes } = bench.memory;
  if (address < bytes.length) new DataView(bytes.buffer).setUint32(address, value, true);
  else bench.store(address, value);
}
