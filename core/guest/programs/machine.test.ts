/**
 * The programs on our own machine: each prints the checksum that QEMU's does, after exactly as many instructions, and both
 * engines end with the same console, events and cycles.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { Computer, type Outcome } from "../../machine/computer.js";
import { MARK } from "../../machine/devices/marks.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { loadImage } from "../images/image.js";
import {
  CASES,
  caseValues,
  commandLine,
  expectedResult,
  imageFile,
  type ProgramCase,
  type Width,
} from "./index.js";

const MEMORY = 192 * 2 ** 20;
const BUDGET = 1e9;

interface Run {
  readonly outcome: Outcome;
  readonly console: string;
  /** Between the marks; the OUT of the first is not counted. */
  readonly instructions: number;
  /** What the engines must agree on. */
  readonly fingerprint: string;
}

function run(program: ProgramCase, width: Width, engine: "interpreter" | "translator"): Run {
  const computer = new Computer({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
  });
  const file = new URL(imageFile(program.program.name, width), import.meta.url);
  const append = commandLine(caseValues(program, "tiny"));
  computer.load(loadImage(readFileSync(file), { name: file.pathname, append, memoryBytes: MEMORY }));
  const at = new Map<number, number>();
  computer.onMark = (mark) => at.set(mark, computer.engine.instructions);
  const outcome = computer.run(BUDGET);
  const { counters } = computer.machine;
  return {
    outcome,
    console: computer.console,
    instructions: at.get(MARK.end)! - at.get(MARK.begin)! - 1,
    fingerprint: [
      computer.engine.instructions,
      computer.engine.now(),
      counters.events.join(),
      counters.cycles.join(),
    ].join("\n"),
  };
}

describe.each(CASES)("$name", (program) => {
  it.each([...program.widths])("gives its checksum in %i-bit code, whatever executes it", (width) => {
    const expected = expectedResult(program, "tiny")!;
    const interpreted = run(program, width, "interpreter");
    expect(interpreted.outcome).toEqual({ kind: "exit", status: 0 });
    expect(interpreted.console).toContain(`checksum ${expected.checksum}\n`);
    const instructions = expected.instructions?.[width];
    if (instructions !== undefined) expect(interpreted.instructions).toBe(instructions);
    const translated = run(program, width, "translator");
    expect(translated).toEqual(interpreted);
  });
});
