/**
 * A computer's whole state, to step back to. Linear memory before decoded code is copied (registers, counters, TLBs, caches);
 * of RAM only the pages that differ from the snapshot before are, the others are shared with it. Decoded code, translations
 * and host-speed look-ups are not part of it: they are made anew and change nothing that is modelled.
 */

import { invariant } from "../util/errors.js";
import { PAGE_BYTES } from "./address.js";
import type { Computer } from "./computer.js";
import type { ConsoleState } from "./console.js";
import type { SystemUnitState } from "./cpu/system-unit.js";
import type { PcState } from "./devices/pc.js";
import type { EngineState } from "./execute/code/engine.js";
import type { ContextsState } from "./mmu/contexts.js";

export interface Snapshot {
  /** Instructions completed. */
  readonly instructions: number;
  readonly engine: EngineState;
  readonly state: Uint8Array;
  /** By frame; a frame that is not there is all zeros. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly contexts: ContextsState;
  readonly pc: PcState;
  readonly system: SystemUnitState;
  /** What the serial port sent so far. */
  readonly output: ConsoleState;
}

export function saveSnapshot(computer: Computer, previous?: Snapshot): Snapshot {
  const { machine, engine, pc, system, output } = computer;
  return {
    instructions: engine.instructions,
    engine: engine.save(),
    state: stateBytes(computer).slice(),
    pages: changedPages(ramOf(computer), previous?.pages ?? new Map()),
    contexts: machine.mmu.parts.contexts.save(),
    pc: pc.save(),
    system: system.save(),
    output: output.save(),
  };
}

export function restoreSnapshot(computer: Computer, snapshot: Snapshot): void {
  const { machine, engine, pc, system, output } = computer;
  invariant(output.length >= snapshot.output.length, "a snapshot is of this computer's past");
  // The system side's own hooks may flush: linear memory, which says what is cached, comes after it.
  system.restore(snapshot.system);
  const ram = ramOf(computer);
  ram.fill(0);
  for (const [frame, bytes] of snapshot.pages) ram.set(bytes, frame * PAGE_BYTES);
  stateBytes(computer).set(snapshot.state);
  machine.mmu.parts.contexts.restore(snapshot.contexts);
  engine.restore(snapshot.engine);
  pc.restore(snapshot.pc);
  output.restore(snapshot.output);
}

/** Everything before the host-speed look-ups and decoded code. */
function stateBytes({ machine }: Computer): Uint8Array {
  return new Uint8Array(machine.memory.buffer, 0, machine.code!.slots.byteOffset);
}

function ramOf({ machine }: Computer): Uint8Array {
  return new Uint8Array(machine.memory.buffer, machine.ram.byteOffset, machine.ram.byteLength);
}

function changedPages(ram: Uint8Array, before: ReadonlyMap<number, Uint8Array>): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  const words = new Float64Array(ram.buffer, ram.byteOffset, ram.length / 8);
  const bits = new BigUint64Array(ram.buffer, ram.byteOffset, ram.length / 8);
  for (let frame = 0; frame * PAGE_BYTES < ram.length; frame++) {
    if (isZero(words, bits, frame)) continue;
    const page = ram.subarray(frame * PAGE_BYTES, (frame + 1) * PAGE_BYTES);
    const old = before.get(frame);
    pages.set(frame, old !== undefined && isEqual(page, old) ? old : page.slice());
  }
  return pages;
}

/** Whether a page is all zeros; a float that is not positive zero has some bit set. */
function isZero(words: Float64Array, bits: BigUint64Array, frame: number): boolean {
  const first = (frame * PAGE_BYTES) / 8;
  for (let at = first; at < first + PAGE_BYTES / 8; at++) {
    if (words[at] !== 0 || bits[at] !== 0n) return false;
  }
  return true;
}

function isEqual(page: Uint8Array, old: Uint8Array): boolean {
  for (let at = 0; at < PAGE_BYTES; at++) if (page[at] !== old[at]) return false;
  return true;
}
