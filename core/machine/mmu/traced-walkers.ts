/**
 * Walkers that tell an observer of every reference they make, for `trace` and for tests. They are classes of their own
 * so that walkers without an observer have nothing to check.
 */
import { HostWalker, type HostWalkerParts } from "./host-walker.js";
import { Walker, type WalkerParts } from "./walker.js";

/** One page-table entry read by the hardware. */
export interface WalkReference {
  readonly dimension: "guest" | "host";
  readonly level: number;
  /** Host-physical address of the entry. */
  readonly address: number;
  /** The entry's halves as they were read. */
  readonly lo: number;
  readonly hi: number;
  /** Where it was found: 1 to 3 are cache levels, 4 is memory, 0 where caches are off. */
  readonly cacheLevel: number;
}

export type WalkObserver = (reference: WalkReference) => void;

class TracedWalker extends Walker {
  constructor(
    parts: WalkerParts,
    private readonly observer: WalkObserver,
  ) {
    super(parts);
  }

  protected override reference(word: number, level: number): void {
    super.reference(word, level);
    const { ram, caches, format } = this.parts;
    const hi = format.entryBytes === 8 ? ram[word + 1]! : 0;
    this.observer({
      dimension: "guest",
      level,
      address: word * 4,
      lo: ram[word]!,
      hi,
      cacheLevel: caches?.level ?? 0,
    });
  }
}

class TracedHostWalker extends HostWalker {
  constructor(
    parts: HostWalkerParts,
    private readonly observer: WalkObserver,
  ) {
    super(parts);
  }

  protected override reference(word: number, level: number): void {
    super.reference(word, level);
    const { ram, caches } = this.parts;
    this.observer({
      dimension: "host",
      level,
      address: word * 4,
      lo: ram[word]!,
      hi: ram[word + 1]!,
      cacheLevel: caches?.level ?? 0,
    });
  }
}

export function makeWalker(parts: WalkerParts, observer: WalkObserver | undefined): Walker {
  return observer === undefined ? new Walker(parts) : new TracedWalker(parts, observer);
}

export function makeHostWalker(parts: HostWalkerParts, observer: WalkObserver | undefined): HostWalker {
  return observer === undefined ? new HostWalker(parts) : new TracedHostWalker(parts, observer);
}
