/**
 * The devices against those of QEMU 7.2 (TCG, machine "pc"): the same operations, and the same answers. What QEMU
 * answered is in testing/peer/answers/; `BLESS=1` asks it again, which needs qemu-system-x86_64 and nasm.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Bench } from "./testing/bench.js";
import { randomImage } from "./testing/ide-bench.js";
import { answersOfOurs } from "./testing/peer/operations.js";
import { answersOfQemu } from "./testing/peer/record.js";
import { SCRIPT_NAMES, scriptOf } from "./testing/peer/scripts.js";

const FOLDER = fileURLToPath(new URL("testing/peer/answers/", import.meta.url));
const NUMBERS_A_LINE = 20;

function save(name: string, answers: readonly number[]): void {
  const lines: string[] = [];
  for (let i = 0; i < answers.length; i += NUMBERS_A_LINE) {
    lines.push(
      answers
        .slice(i, i + NUMBERS_A_LINE)
        .map((value) => value.toString(16))
        .join(" "),
    );
  }
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}${name}.txt`, `${lines.join("\n")}\n`);
}

const load = (name: string): number[] =>
  readFileSync(`${FOLDER}${name}.txt`, "utf8")
    .trim()
    .split(/\s+/)
    .map((word) => Number.parseInt(word, 16));

describe.each(SCRIPT_NAMES)("%s", (name) => {
  it("answers as QEMU does", () => {
    const { operations } = scriptOf(name);
    const disk = randomImage(1);
    if (process.env["BLESS"] === "1") save(name, answersOfQemu(operations, disk));
    const theirs = load(name);
    const bench = new Bench({ firmware: true, disks: [disk] });
    const ours = answersOfOurs(bench, operations);
    const first = ours.findIndex(({ value }, index) => value !== theirs[index]);
    const difference =
      first < 0
        ? ""
        : `${ours[first]!.note}: ours ${ours[first]!.value.toString(16)}, QEMU's ${theirs[first]!.toString(16)}`;
    expect(difference).toBe("");
    expect(ours).toHaveLength(theirs.length);
    expect(ours.length).toBeGreaterThan(100);
  });
});
