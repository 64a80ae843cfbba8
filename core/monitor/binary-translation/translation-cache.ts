/**
 * Where translated code lies: pages of the monitor's window, filled from the first to the last and then emptied at once.
 * Finds units by the guest's address and instructions by the translated one. Who may go to a unit is not recorded: one that is
 * dropped keeps its place, calls the monitor instead of beginning, and later goes on to the translation that replaces it.
 *
 *      other units ──jmp──→ │ INT: the unit is gone │ …      then      │ jmp to the new translation │ …
 */

import { type Hfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { lastAtMost } from "../../util/search.js";
import { CALL_OUT_VECTOR } from "./sequences.js";
import type { CallOut, Start, Unit } from "./translate.js";

/** JMP rel32. */
const JUMP = 0xe9;
const JUMP_BYTES = 5;
const CALL_OUT = Uint8Array.of(0xcd, CALL_OUT_VECTOR);
export const CALL_OUT_BYTES = CALL_OUT.length;

/** As a near branch has it. @param after address of the instruction behind the branch. */
function displacementTo(target: number, after: number): Uint8Array {
  const displacement = target - after;
  return Uint8Array.from([0, 8, 16, 24], (shift) => (displacement >>> shift) & 0xff);
}

export class TranslationCache {
  /** By the guest's address. */
  private readonly units = new Map<number, Unit>();
  /** All units, by address, ascending. */
  private readonly placed: Unit[] = [];
  /** Dropped units, by where they began. */
  private readonly gone = new Map<number, Unit>();
  private used = 0;
  /** How often it was emptied. */
  generation = 0;

  /** @param address linear, of the first page. */
  constructor(
    private readonly hardware: CodeMachine,
    readonly address: number,
    private readonly frames: readonly Hfn[],
  ) {}

  get bytes(): number {
    return this.frames.length * PAGE_BYTES;
  }

  /** Address for the next unit. */
  get next(): number {
    return this.address + this.used;
  }

  contains(address: number): boolean {
    return address >= this.address && address < this.address + this.bytes;
  }

  /** The translation that begins at a guest address. */
  find(guest: number): Unit | undefined {
    return this.units.get(guest);
  }

  /** Puts a unit that was made for `next` in its place. Returns whether there was room. */
  add(unit: Unit): boolean {
    if (this.used + unit.bytes.length > this.bytes) return false;
    this.write(unit.address, unit.bytes);
    this.units.set(unit.guest, unit);
    this.placed.push(unit);
    this.used += unit.bytes.length;
    return true;
  }

  /** Points a direct branch to a translated address. @param site of its displacement. */
  patch(site: number, target: number): void {
    this.write(site, displacementTo(target, site + 4));
  }

  /** Forgets a unit that is not being executed: who goes there calls the monitor. */
  drop(unit: Unit): void {
    const { address } = unit;
    if (this.units.get(unit.guest) === unit) this.units.delete(unit.guest);
    this.gone.set(address, unit);
    this.write(address, CALL_OUT);
  }

  /** Has a dropped unit go on elsewhere, if it has room for a jump. */
  forward(unit: Unit, target: number): void {
    const { address } = unit;
    if (unit.bytes.length < JUMP_BYTES) return;
    this.write(address, Uint8Array.of(JUMP, ...displacementTo(target, address + JUMP_BYTES)));
  }

  /** Empties it: addresses in it mean nothing any more. */
  clear(): void {
    this.generation++;
    this.units.clear();
    this.placed.length = 0;
    this.gone.clear();
    this.used = 0;
  }

  callOutAt(address: number): CallOut | undefined {
    const unit = this.gone.get(address);
    return unit === undefined ? this.unitAt(address)?.callOuts.get(address) : { kind: "gone", unit };
  }

  /** Where the translation begins that an address is in. */
  startOf(address: number): Start {
    const { starts } = this.unitAt(address)!;
    return starts[lastAtMost(starts.length, (at) => starts[at]!.address, address)]!;
  }

  /** The unit that an address is in. */
  unitAt(address: number): Unit | undefined {
    const { placed } = this;
    return placed[lastAtMost(placed.length, (at) => placed[at]!.address, address)];
  }

  private write(address: number, bytes: Uint8Array): void {
    const { ram, engine } = this.hardware;
    for (let at = 0; at < bytes.length; ) {
      const offset = address + at - this.address;
      const inPage = Math.min(PAGE_BYTES - (offset % PAGE_BYTES), bytes.length - at);
      const host = this.frames[Math.floor(offset / PAGE_BYTES)]! * PAGE_BYTES + (offset % PAGE_BYTES);
      ram.set(bytes.subarray(at, at + inPage), host);
      engine.patchedCode(host, inPage);
      at += inPage;
    }
  }
}
