/**
 * A paravirtual guest that has come to its first mark, in whose kernel's stead tests make hypercalls: processes run, and
 * their spaces are pinned.
 */
import { readFileSync } from "node:fs";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import { commandLine, imageFile, type Width } from "../../guest/mini-kernel/benchmark.js";
import { CASES, caseValues } from "../../guest/mini-kernel/cases.js";
import type { Hfn } from "../../machine/address.js";
import { A, D, P, US } from "../../machine/mmu/entry.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { invariant } from "../../util/errors.js";
import { HYPERCALL, OK, UPDATE_KIND } from "../paravirtual/abi.js";
import { Arguments } from "../paravirtual/call.js";
import { makeParavirtual } from "../paravirtual/computer.js";
import { Hypercalls } from "../paravirtual/hypercalls.js";
import type { ParavirtualMonitor } from "../paravirtual/monitor.js";
import { auditParavirtual } from "./paravirtual-audit.js";

const GUEST_MEMORY = 32 * 2 ** 20;
export const GUEST_BUDGET = 1e8;
/** Of an entry that maps a page read-only. */
export const LEAF = P | A | D | US;

export class StartedGuest {
  readonly computer;
  readonly monitor: ParavirtualMonitor;
  private readonly calls: Hypercalls;

  constructor(readonly width: Width) {
    this.computer = makeParavirtual({
      profile: findProfile("skylake-2015")!,
      memoryBytes: GUEST_MEMORY,
      ...PLAIN,
    });
    const name = imageFile(width);
    const bytes = readFileSync(new URL(`../../guest/mini-kernel/${name}`, import.meta.url));
    const forkwait = CASES.find((known) => known.name === "forkwait")!;
    const append = commandLine("forkwait", caseValues(forkwait, "tiny"));
    this.computer.load(loadImage(bytes, { name, append, memoryBytes: GUEST_MEMORY }));
    this.monitor = this.computer.monitor as ParavirtualMonitor;
    // At its mark the kernel runs, with processes and their spaces.
    this.computer.onMark = () => this.computer.stop();
    const { kind } = this.computer.run(GUEST_BUDGET);
    invariant(kind === "stopped", "the guest comes to its first mark");
    this.computer.onMark = undefined;
    this.calls = new Hypercalls(this.monitor.present);
  }

  get ram(): Int32Array {
    return this.computer.machine.ram;
  }
  get paging() {
    return this.monitor.present.paging;
  }

  call(number: number, ...words: readonly number[]): number {
    const args = new Arguments(this.width === 32 ? 4 : 8);
    for (const [index, word] of words.entries()) {
      args.low[index] = word | 0;
      args.high[index] = Math.floor(word / 2 ** 32) | 0;
    }
    return this.calls.call(number, args);
  }

  /** mmu_update of one entry, by a request in a page of the guest's that it may write. */
  update(table: Hfn, index: number, frame: Hfn, flags: number, kind: number = UPDATE_KIND.normal): number {
    const { access } = this.monitor.present;
    const at = this.scratch();
    access.write32(at, (table << 12) | (index << 3) | kind | 0);
    access.write32(at + 4, table >>> 20);
    access.write32(at + 8, (frame << 12) | flags);
    access.write32(at + 12, frame >>> 20);
    return this.call(HYPERCALL.mmu_update, at, 1, 0);
  }

  extended(command: number, argument: number): number {
    const { access } = this.monitor.present;
    const at = this.scratch();
    access.write32(at, command);
    access.writeWord(at + access.wordBytes, argument);
    return this.call(HYPERCALL.mmuext_op, at, 1, 0);
  }

  /** The last page of the guest's map is free, and writable. */
  scratch(): number {
    const base = this.width === 32 ? 0xc000_0000 : -0x8000_0000;
    return base + GUEST_MEMORY - 4096;
  }

  /** A page of the guest's map from its end, free and writable: where it lies and what maps it. */
  freePage(fromEnd: number): { address: number; table: Hfn; index: number; frame: Hfn } {
    const address = this.scratch() - fromEnd * 4096;
    const { table, index } = this.paging.lowestEntry(address)!;
    return { address, table, index, frame: this.ram[table * 1024 + 2 * index]! >>> 12 };
  }

  /** Maps a page read-only. */
  protect({ table, index, frame }: { table: Hfn; index: number; frame: Hfn }): void {
    invariant(this.update(table, index, frame, LEAF) === OK, "a page of its own may be mapped read-only");
  }

  /** A frame that is used as something. */
  frameUsedAs(use: number): Hfn {
    const { types } = this.paging;
    for (let frame = 0; frame < this.computer.machine.options.frames; frame++)
      if (types.isGuests(frame) && types.useOf(frame) === use) return frame;
    throw new Error(`no frame is used as ${use}`);
  }

  monitorsFrame(): Hfn {
    const { types } = this.paging;
    let frame = 0;
    while (types.isMappable(frame)) frame++;
    return frame;
  }

  audit(): number {
    return auditParavirtual(this.computer.machine, this.width, this.paging);
  }
}
