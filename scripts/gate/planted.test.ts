/**
 * The gate goes red when a number changes, and says why: regressions planted in copies of the build, run and compared as
 * processes. Slowdowns of the host are host-experiment.mjs's: they take minutes.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../build.mjs";
import {
  copyOfBuild,
  plantCodeExit,
  plantConstant,
  plantExit,
  plantInstructionCost,
} from "./planted-copy.mjs";

/** Two techniques in two workloads: exits by hidden faults and by hypercalls. */
const SCENARIO = path.join(ROOT, "scripts", "gate", "planted.yaml");
/** A kernel that is executed, with exits by faults. */
const CODE = path.join(ROOT, "scripts", "gate", "planted-code.yaml");

/** Copies of a build are thousands of files, and a busy disk is slow. */
const HOOK_MS = 60_000;

const work = mkdtempSync(path.join(tmpdir(), "virtlab-planted-"));
afterAll(() => rmSync(work, { recursive: true, force: true }), HOOK_MS);

function virtlab(build: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(build, "dist", "cli", "main.js"), ...args],
    { cwd: work, encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

function rowsOf(build: string, name: string, scenario: string): string {
  const out = path.join(work, name);
  const options = ["--out", out, "--no-charts", "--quiet", "--workers", "0"];
  expect(virtlab(build, "bench", scenario, ...options)).toMatchObject({ status: 0 });
  return out;
}

describe.each([
  { of: "reference streams", scenario: SCENARIO },
  { of: "translated code", scenario: CODE },
])("against the rows of this build, $of", ({ of, scenario }) => {
  const isCode = scenario === CODE;
  const name = of.replace(" ", "-");
  let plain = "";
  beforeAll(() => {
    plain = rowsOf(ROOT, `plain-${name}`, scenario);
  }, HOOK_MS);

  const compareWith = (plant: (folder: string) => void, kind: string) => {
    const build = copyOfBuild(path.join(work, `build-${name}-${kind}`));
    plant(build);
    return virtlab(ROOT, "compare", plain, rowsOf(build, `${name}-${kind}`, scenario));
  };

  it("a copy is green", () => {
    const { status, stdout } = compareWith(() => {}, "copy");
    expect(stdout).toContain("GREEN");
    expect(status).toBe(0);
  });

  it("a constant that is off by the least is red, and what it costs is told", () => {
    const { status, stdout } = compareWith(isCode ? plantInstructionCost : plantConstant, "constant");
    expect(status).toBe(1);
    expect(stdout).toContain("RED");
    if (isCode) {
      // Prices of instructions are not among a run's recorded constants: the cause is told without their name.
      expect(stdout).toMatch(/cycles of guest user .*: Instructions stay [\d,]+, each costs/);
      return;
    }
    expect(stdout).toMatch(/costs\.shadow_hidden_fault of nehalem-2008: [\d,]+ → [\d,]+/);
    expect(stdout).toMatch(/of exits and monitor \(100% of the change\): Exits stay [\d,]+, each costs/);
  });

  it("one extra exit is red, and said to be the cause", () => {
    const { status, stdout } = compareWith(isCode ? plantCodeExit : plantExit, "exit");
    expect(status).toBe(1);
    expect(stdout).toMatch(/most moved: Exits ([\d,]+) → [\d,]+ \(\+[\d.]+%, worse\)/);
    expect(stdout).toMatch(/of exits and monitor \(100% of the change\)/);
  });
});

describe("bench --against", () => {
  it("a checkout in a folder: red where the rows differ, and no host time where the scenario has none", () => {
    const build = copyOfBuild(path.join(work, "build-against"));
    plantExit(build);
    const only = ["--only", "technique == 'paravirtual/direct' and workload == 'forkwait'"];
    const { status, stdout } = virtlab(ROOT, "bench", SCENARIO, "--against", build, "--quiet", ...only);
    expect(status).toBe(1);
    expect(stdout).toContain("modelled numbers: RED: 1 of 1 scenario differs");
    expect(stdout).toContain("host time: not measured");
  });

  it("refuses what is no revision", () => {
    const { status, stderr } = virtlab(ROOT, "bench", SCENARIO, "--against", "no-such-branch");
    expect(status).toBe(2);
    expect(stderr).toContain("neither a revision");
  });
});
