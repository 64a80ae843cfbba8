/** Runs the mini-kernel on our own machine. */
import { readFileSync } from "node:fs";
import { findProfile } from "../../../events/profiles/index.js";
import { Computer, type Outcome } from "../../../machine/computer.js";
import { loadImage } from "../../images/image.js";
import { DISK_FILE, imageFile, type Width } from "../benchmark.js";

const MEMORY = 64 * 2 ** 20;
const BUDGET = 3e8;

export interface KernelRun {
  readonly outcome: Outcome;
  readonly console: string;
  readonly marks: readonly number[];
  readonly instructions: number;
  /** What engines must agree on: time, events and cycles. */
  readonly fingerprint: string;
}

export function runOnComputer(
  width: Width,
  line: string,
  options: {
    engine: "interpreter" | "translator";
    hasDisk?: boolean;
    profile?: string;
    /** Under the stand for the Xen port, not on the bare machine. */
    isInStand?: boolean;
  },
): KernelRun {
  const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url));
  const computer = new Computer({
    profile: findProfile(options.profile ?? "skylake-2015")!,
    memoryBytes: MEMORY,
    caches: "off",
    walkCaches: true,
    tlb: true,
    seed: 1,
    engine: options.engine,
    ...(options.hasDisk === true ? { disks: [read(DISK_FILE)] } : {}),
  });
  const kernel = imageFile(width);
  const [name, modules] =
    options.isInStand === true
      ? [`images/xen-stand-${width}.elf`, [{ name: kernel, bytes: read(kernel) }]]
      : [kernel, []];
  computer.load(loadImage(read(name), { name, append: line, memoryBytes: MEMORY, modules }));
  const marks: number[] = [];
  computer.onMark = (mark) => marks.push(mark);
  const outcome = computer.run(BUDGET);
  const { counters } = computer.machine;
  return {
    outcome,
    console: computer.console,
    marks,
    instructions: computer.engine.instructions,
    fingerprint: [computer.engine.now(), counters.events.join(), counters.cycles.join()].join("\n"),
  };
}
