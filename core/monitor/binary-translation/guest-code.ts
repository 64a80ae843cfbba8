/**
 * Which guest frames translated units come from. Their pages are guarded; a unit is stale once its code there is another, or its
 * address leads to another frame.
 */
import { type Gfn, PAGE_BYTES } from "../../machine/address.js";
import type { GuestRam } from "../guest-ram.js";
import type { ShadowedPaging } from "../memory/shadow/shadowed-paging.js";
import { addressIn } from "./code-width.js";
import type { Unit } from "./translate.js";

/** The part of a unit's code that is in one frame. */
interface Piece {
  readonly unit: Unit;
  readonly frame: Gfn;
  /** Linear address, and where in the unit's source it begins. */
  readonly linear: number;
  readonly from: number;
  readonly length: number;
}

export class GuestCode {
  private readonly byFrame = new Map<Gfn, Set<Piece>>();
  private readonly byPage = new Map<number, Set<Piece>>();
  private readonly byUnit = new Map<Unit, readonly Piece[]>();

  /** @param isGuarded whether somebody else needs a frame guarded. */
  constructor(
    private readonly ram: GuestRam,
    private readonly paging: ShadowedPaging,
    private readonly isGuarded: (frame: Gfn) => boolean,
  ) {}

  has(frame: Gfn): boolean {
    return this.byFrame.has(frame);
  }

  add(unit: Unit): void {
    const pieces: Piece[] = [];
    const { length: bytes } = unit.source;
    for (let from = 0; from < bytes; ) {
      const linear = addressIn(unit.width, unit.guest + from);
      const length = Math.min(PAGE_BYTES - offsetOf(linear), bytes - from);
      const frame = this.paging.translate(linear);
      if (frame >= 0) pieces.push({ unit, frame, linear, from, length });
      from += length;
    }
    this.byUnit.set(unit, pieces);
    for (const piece of pieces) {
      if (!this.byFrame.has(piece.frame)) this.paging.trace(piece.frame);
      addTo(this.byFrame, piece.frame, piece);
      addTo(this.byPage, Math.floor(piece.linear / PAGE_BYTES), piece);
    }
  }

  remove(unit: Unit): void {
    for (const piece of this.byUnit.get(unit) ?? []) {
      removeFrom(this.byPage, Math.floor(piece.linear / PAGE_BYTES), piece);
      removeFrom(this.byFrame, piece.frame, piece);
      if (!this.byFrame.has(piece.frame)) this.release(piece.frame);
    }
    this.byUnit.delete(unit);
  }

  clear(): void {
    const frames = [...this.byFrame.keys()];
    for (const map of [this.byFrame, this.byPage, this.byUnit]) map.clear();
    for (const frame of frames) this.release(frame);
  }

  /** Units with code in a frame. */
  in(frame: Gfn): Unit[] {
    return [...(this.byFrame.get(frame) ?? [])].map(({ unit }) => unit);
  }

  /** Those whose code there is another now: data beside code is written often. */
  changedIn(frame: Gfn): Unit[] {
    const pieces = this.byFrame.get(frame);
    if (pieces === undefined) return [];
    const bytes = new Uint8Array(PAGE_BYTES);
    this.ram.read(frame * PAGE_BYTES, bytes);
    const isOther = ({ unit, linear, from, length }: Piece): boolean => {
      for (let at = 0; at < length; at++)
        if (bytes[offsetOf(linear) + at] !== unit.source[from + at]) return true;
      return false;
    };
    return [...pieces].filter(isOther).map(({ unit }) => unit);
  }

  /** Those whose address leads to another frame than when they were translated. */
  moved(): Unit[] {
    const moved: Unit[] = [];
    for (const [page, pieces] of this.byPage) {
      const frame = this.paging.translate(page * PAGE_BYTES);
      for (const piece of pieces) if (piece.frame !== frame) moved.push(piece.unit);
    }
    return moved;
  }

  private release(frame: Gfn): void {
    if (!this.isGuarded(frame)) this.paging.untrace(frame);
  }
}

/** In its page; addresses may be negative. */
const offsetOf = (linear: number): number => linear & (PAGE_BYTES - 1);

function addTo(sets: Map<number, Set<Piece>>, key: number, piece: Piece): void {
  const pieces = sets.get(key);
  if (pieces === undefined) sets.set(key, new Set([piece]));
  else pieces.add(piece);
}

function removeFrom(sets: Map<number, Set<Piece>>, key: number, piece: Piece): void {
  const pieces = sets.get(key);
  pieces?.delete(piece);
  if (pieces?.size === 0) sets.delete(key);
}
