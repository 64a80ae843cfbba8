/**
 * Where translated code lies: pages of the monitor's window, filled from the first to the last and then emptied at once.
 * Finds units by the guest's address and instructions by the translated one.
 */
import type { Hfn } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { CallOut, Unit } from "./translate.js";

const PAGE = 4096;

export class TranslationCache {
  /** By the guest's address. */
  private readonly units = new Map<number, Unit>();
  /** All units, by address, ascending. */
  private readonly placed: { readonly address: number; readonly unit: Unit }[] = [];
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
    return this.frames.length * PAGE;
  }

  /** Address for the next unit. */
  get next(): number {
    return this.address + this.used;
  }

  contains(address: number): boolean {
    return address >= this.address && address < this.address + this.bytes;
  }

  /** Where a guest address is translated. */
  find(guest: number): number | undefined {
    return this.units.get(guest)?.starts[0]?.address;
  }

  /** Puts a unit that was made for `next` in its place. Returns whether there was room. */
  add(unit: Unit): boolean {
    const address = this.next;
    if (this.used + unit.bytes.length > this.bytes) return false;
    this.write(address, unit.bytes);
    this.units.set(unit.guest, unit);
    this.placed.push({ address, unit });
    this.used += unit.bytes.length;
    return true;
  }

  /** Points a direct branch to a translated address. @param site of its displacement. */
  patch(site: number, target: number): void {
    const displacement = target - (site + 4);
    this.write(
      site,
      Uint8Array.from([0, 8, 16, 24], (shift) => (displacement >>> shift) & 0xff),
    );
  }

  /** Empties it: addresses in it mean nothing any more. */
  clear(): void {
    this.generation++;
    this.units.clear();
    this.placed.length = 0;
    this.used = 0;
  }

  callOutAt(address: number): CallOut | undefined {
    return this.unitAt(address)?.callOuts.get(address);
  }

  /** The guest's address of the instruction whose translation an address is in, and whether it begins there. */
  guestOf(address: number): { readonly guest: number; readonly isStart: boolean } {
    const { starts } = this.unitAt(address)!;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]!.address <= address) low = middle;
      else high = middle - 1;
    }
    return { guest: starts[low]!.guest, isStart: starts[low]!.address === address };
  }

  private unitAt(address: number): Unit | undefined {
    let low = 0;
    let high = this.placed.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.placed[middle]!.address <= address) low = middle;
      else high = middle - 1;
    }
    return this.placed[low]?.unit;
  }

  private write(address: number, bytes: Uint8Array): void {
    const { ram, engine } = this.hardware;
    for (let at = 0; at < bytes.length; ) {
      const offset = address + at - this.address;
      const inPage = Math.min(PAGE - (offset % PAGE), bytes.length - at);
      const host = this.frames[Math.floor(offset / PAGE)]! * PAGE + (offset % PAGE);
      ram.set(bytes.subarray(at, at + inPage), host);
      engine.wroteMemory(host, inPage);
      at += inPage;
    }
  }
}
