/**
 * Memory that a guest must not change, looked at before and after what it does: every frame of the window of a monitor that
 * deprivileges its guest's kernel, descriptor tables, translated code and the tables that map them among it; and frames that stand
 * for another guest's. Whatever the monitor writes to its window is told apart by who writes it; each time what was there is
 * compared first, so that a change of the guest's cannot hide behind one of the monitor's.
 */
import { OWNER } from "../../events/memory-owners.js";
import type { Hfn } from "../../machine/address.js";
import type { GuestComputer } from "../../machine/computer.js";
import { BinaryTranslationMonitor } from "../binary-translation/monitor.js";
import { DeprivilegedMonitor } from "../deprivileged/monitor.js";
import { VirtualComputer } from "../virtual-computer.js";
import { endingOf, type Guest, type GuestEnding } from "./code-guests.js";

const FRAME_WORDS = 1024;
const NEIGHBOUR_FRAMES = 4;
/** Words at the beginning of the data pages where translated code puts registers and flags aside (data-pages.ts). */
const SLOTS = 0x400 / 4;

/** Methods by name, of an object whose others are nobody's business here. */
type Methods = Record<string, (...of: unknown[]) => unknown>;

export class ProtectedMemory {
  private readonly image = new Map<Hfn, Int32Array>();
  private readonly slots: Hfn | undefined;
  private readonly window: ReadonlySet<Hfn>;

  constructor(private readonly computer: GuestComputer) {
    const monitor = computer instanceof VirtualComputer ? computer.monitor : undefined;
    this.window = monitor instanceof DeprivilegedMonitor ? monitor["window"].own : new Set();
    if (monitor instanceof DeprivilegedMonitor) this.tellApart(monitor["gdt"], ["copy"]);
    if (monitor instanceof BinaryTranslationMonitor) {
      const data = monitor["data"];
      this.slots = data["frames"][0];
      this.tellApart(monitor.cache, ["write"]);
      this.tellApart(data.branches, ["forget", "remember"]);
    }
    if (computer instanceof VirtualComputer)
      for (let count = 0; count < NEIGHBOUR_FRAMES; count++) {
        const frame = computer.machine.frames.takeBacked(OWNER.control_blocks);
        this.wordsOf(frame).fill(frame | 0x7000_0000);
        this.image.set(frame, this.wordsOf(frame).slice());
      }
    this.take();
  }

  /** @throws Error where anything is another than it was. */
  check(): void {
    for (const [frame, before] of this.image) {
      const now = this.wordsOf(frame);
      const first = frame === this.slots ? SLOTS : 0;
      for (let word = first; word < FRAME_WORDS; word++)
        if (now[word] !== before[word])
          throw new Error(`word ${word} of frame ${frame}, not the guest's, was changed`);
    }
  }

  private take(): void {
    for (const frame of this.window) this.image.set(frame, this.wordsOf(frame).slice());
  }

  /** These write to the window, and are the monitor's. */
  private tellApart(owner: object, methods: readonly string[]): void {
    const own = owner as Methods;
    for (const name of methods) {
      const method = own[name]!;
      own[name] = (...of) => {
        this.check();
        const result = method.apply(owner, of);
        this.take();
        return result;
      };
    }
  }

  private wordsOf(frame: Hfn): Int32Array {
    return this.computer.machine.ram.subarray(frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS);
  }
}

/** Runs a guest to its end, and looks at what it must not change. */
export function protectedEndingOf(computer: GuestComputer, guest: Guest, budget?: number): GuestEnding {
  const memory = new ProtectedMemory(computer);
  try {
    return endingOf(computer, guest, budget);
  } finally {
    memory.check();
  }
}
