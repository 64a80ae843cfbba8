/**
 * Runs the mini-kernel on our own machine. Making a machine takes longer than most runs: each kind is made once, and goes back
 * to its state at power-on for the next run.
 */
import { readFileSync } from "node:fs";
import { findProfile } from "../../../events/profiles/index.js";
import { Computer, type Outcome } from "../../../machine/computer.js";
import type { Snapshot } from "../../../machine/snapshot.js";
import { PLAIN } from "../../../machine/testing/plain.js";
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

export interface RunOptions {
  readonly engine: "interpreter" | "translator";
  readonly hasDisk?: boolean;
  readonly profile?: string;
  /** Under the stand for the Xen port, not on the bare machine. */
  readonly isInStand?: boolean;
}

const read = (file: string): Uint8Array => readFileSync(new URL(`../${file}`, import.meta.url));
const machines = new Map<string, { readonly computer: Computer; readonly start: Snapshot }>();

function machineFor({ engine, hasDisk = false, profile = "skylake-2015" }: RunOptions): Computer {
  const key = [engine, hasDisk, profile].join();
  const known = machines.get(key);
  if (known !== undefined) {
    known.computer.restore(known.start);
    return known.computer;
  }
  const computer = new Computer({
    profile: findProfile(profile)!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
    ...(hasDisk ? { disks: [read(DISK_FILE)] } : {}),
  });
  machines.set(key, { computer, start: computer.save() });
  return computer;
}

export function runOnComputer(width: Width, line: string, options: RunOptions): KernelRun {
  const computer = machineFor(options);
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
