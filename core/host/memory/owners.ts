/**
 * The tree of owners: instances, and what they are part of. Frames are charged to an owner and to all above it, as the memory
 * controller of cgroups does (Linux Documentation/admin-guide/cgroup-v2.rst, "Memory"). Typed arrays; hot code.
 */
import { invariant } from "../../util/errors.js";
import { grown } from "../growable.js";
import { NONE } from "./runs.js";

const FIRST_CAPACITY = 256;

export class Owners {
  parent = new Int32Array(FIRST_CAPACITY).fill(NONE);
  firstChild = new Int32Array(FIRST_CAPACITY).fill(NONE);
  nextSibling = new Int32Array(FIRST_CAPACITY).fill(NONE);
  firstArea = new Int32Array(FIRST_CAPACITY).fill(NONE);
  /** Frames and pages of swap charged to it and to those below it. */
  charged = new Float64Array(FIRST_CAPACITY);
  swapped = new Float64Array(FIRST_CAPACITY);
  /** Limits, in pages: Infinity is none. */
  maximum = new Float64Array(FIRST_CAPACITY);
  soft = new Float64Array(FIRST_CAPACITY);
  swapMaximum = new Float64Array(FIRST_CAPACITY);
  /** Owners with a soft limit. */
  readonly softLimited = new Set<number>();
  /** Files that an owner maps. */
  readonly files: number[][] = [];
  private alive = new Int32Array(FIRST_CAPACITY);
  private end = 0;
  private readonly unused: number[] = [];
  count = 0;

  add(parent = NONE): number {
    const owner = this.unused.pop() ?? this.end++;
    if (owner >= this.parent.length) this.grow(owner + 1);
    this.parent[owner] = parent;
    this.firstChild[owner] = NONE;
    this.nextSibling[owner] = NONE;
    this.firstArea[owner] = NONE;
    this.charged[owner] = 0;
    this.swapped[owner] = 0;
    this.maximum[owner] = Number.POSITIVE_INFINITY;
    this.soft[owner] = Number.POSITIVE_INFINITY;
    this.swapMaximum[owner] = Number.POSITIVE_INFINITY;
    this.files[owner] = [];
    this.alive[owner] = 1;
    if (parent !== NONE) {
      invariant(this.isAlive(parent), "an owner's parent exists", () => parent);
      this.nextSibling[owner] = this.firstChild[parent]!;
      this.firstChild[parent] = owner;
    }
    this.count++;
    return owner;
  }

  remove(owner: number): void {
    invariant(this.firstChild[owner] === NONE, "an owner goes after those below it", () => owner);
    invariant(this.charged[owner] === 0 && this.swapped[owner] === 0, "an owner goes empty-handed", () => ({
      owner,
      charged: this.charged[owner],
    }));
    const parent = this.parent[owner]!;
    if (parent !== NONE) this.unlink(owner, parent);
    this.softLimited.delete(owner);
    this.alive[owner] = 0;
    this.unused.push(owner);
    this.count--;
  }

  isAlive(owner: number): boolean {
    return owner >= 0 && owner < this.end && this.alive[owner] === 1;
  }

  charge(owner: number, frames: number): void {
    for (let at = owner; at !== NONE; at = this.parent[at]!) this.charged[at]! += frames;
  }

  chargeSwap(owner: number, pages: number): void {
    for (let at = owner; at !== NONE; at = this.parent[at]!) this.swapped[at]! += pages;
  }

  /** How many pages more may be swapped on the owner's account. */
  swapRoom(owner: number): number {
    let room = Number.POSITIVE_INFINITY;
    for (let at = owner; at !== NONE; at = this.parent[at]!)
      room = Math.min(room, this.swapMaximum[at]! - this.swapped[at]!);
    return Math.max(0, room);
  }

  private unlink(owner: number, parent: number): void {
    if (this.firstChild[parent] === owner) {
      this.firstChild[parent] = this.nextSibling[owner]!;
      return;
    }
    let before = this.firstChild[parent]!;
    while (this.nextSibling[before] !== owner) before = this.nextSibling[before]!;
    this.nextSibling[before] = this.nextSibling[owner]!;
  }

  private grow(needed: number): void {
    this.parent = grown(this.parent, needed, NONE);
    this.firstChild = grown(this.firstChild, needed, NONE);
    this.nextSibling = grown(this.nextSibling, needed, NONE);
    this.firstArea = grown(this.firstArea, needed, NONE);
    this.charged = grown(this.charged, needed);
    this.swapped = grown(this.swapped, needed);
    this.maximum = grown(this.maximum, needed);
    this.soft = grown(this.soft, needed);
    this.swapMaximum = grown(this.swapMaximum, needed);
    this.alive = grown(this.alive, needed);
  }
}
