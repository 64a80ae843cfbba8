/**
 * Does the judgement of host times raise false alarms, and does it find slowdowns? An experiment over real processes on this
 * machine, whatever else it does:
 *
 *   node scripts/gate/host-experiment.mjs --quiet 100       identical code, 100 times: how many alarms?
 *   node scripts/gate/host-experiment.mjs --slower 10 --of 10   the hot loop 10% slower, 10 times: how many are found?
 *   node scripts/gate/host-experiment.mjs --loop code …         the loop is translated code, not the reference driver's
 *
 * Both by the rules of `bench --against` (core/lab/host-comparison.ts). B is a copy of dist/ in another folder, as a worktree's
 * build is; slowdowns are planted in it (planted-copy.mjs) and calibrated first. One line of JSON a comparison goes to --out, the
 * summary to stdout. The exit code is 1 when fewer than 99% are quiet, or fewer than 90% are found.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildIfStale, ROOT } from "../build.mjs";
import { copyOfBuild, plantSlowCode, plantSlowLoop } from "./planted-copy.mjs";

const { values } = parseArgs({
  options: {
    quiet: { type: "string" },
    slower: { type: "string" },
    of: { type: "string", default: "10" },
    loop: { type: "string", default: "references" },
    out: { type: "string" },
  },
});

if (!buildIfStale()) process.exit(2);
const { compareHosts, HOST_RULES } = await import("../../dist/lab/host-comparison.js");
const { askTiming } = await import("../../dist/lab/host-timing.js");
const { planCells } = await import("../../dist/index.js");

/** Hot loops, 0.1 to 0.4 s a process, and what makes them slower. */
const LOOPS = {
  references: {
    /** Page after page at random, and every reference hits the first TLB. */
    workload: "{ name: gups, footprint: 128KiB, updates: 2000000 }",
    plant: plantSlowLoop,
    unit: "every 16 references",
  },
  code: {
    /** 200 million instructions in one translated region. */
    workload: "program/arithmetic",
    plant: plantSlowCode,
    unit: "every 16 blocks",
  },
};
const chosen = LOOPS[values.loop];
if (chosen === undefined) {
  console.error(`--loop ${values.loop}: not one of ${Object.keys(LOOPS).join(", ")}`);
  process.exit(2);
}
const SCENARIO = `
title: The hot loop
technique: native
machine: { profile: haswell-2013, caches: "off" }
workload: ${chosen.workload}
size: full
`;

/** Of a plant's size, until it is near what was asked for. */
const MOST_TRIALS = 7;

const work = mkdtempSync(path.join(tmpdir(), "virtlab-gate-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));

const timingOf = (folder) => path.join(folder, "dist", "lab", "timing-process.js");
const original = timingOf(ROOT);
const [cell] = planCells({ text: SCENARIO, path: path.join(ROOT, "scenarios", "hot-loop.yaml") }).cells;
const loop = { cell: "hot-loop", group: values.loop, a: cell.config, b: cell.config };

function note(entry) {
  if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify(entry)}\n`);
}

/** Compares `times` times; returns how many raised an alarm. */
async function repeat(script, times) {
  let alarms = 0;
  let suspicions = 0;
  for (let run = 0; run < times; run++) {
    const { cells, slower } = await compareHosts({ a: original, b: script }, [loop]);
    const isAlarm = slower > 0;
    alarms += isAlarm ? 1 : 0;
    suspicions += cells.some(({ confirmation }) => confirmation !== undefined) ? 1 : 0;
    note({ run, load: loadavg()[0], cells });
    const shown = cells.map(({ ratio, p, verdict }) => `${ratio.toFixed(3)} (p ${p.toFixed(4)}) ${verdict}`);
    console.error(`${run + 1}/${times}  load ${loadavg()[0].toFixed(1)}  ${shown.join("; ")}`);
  }
  return { alarms, suspicions };
}

/** The fastest of many alternating processes: what the loop costs when nothing disturbs it. */
async function fastest(scripts, processes) {
  const best = scripts.map(() => Number.POSITIVE_INFINITY);
  for (let i = 0; i < processes; i++) {
    for (const [index, script] of scripts.entries()) {
      const reply = await askTiming(script, { config: loop.a, samples: 5, clock: "processor" });
      if ("error" in reply) throw new Error(reply.error);
      best[index] = Math.min(best[index], reply.timing.min);
    }
  }
  return best;
}

/** A copy whose loop is slower by about `share`. Returns it with the slowdown that was measured. */
async function calibrate(share) {
  const trials = [];
  const make = async (steps) => {
    const folder = copyOfBuild(path.join(work, `steps-${steps}`));
    chosen.plant(folder, steps);
    const [plain, slow] = await fastest([original, timingOf(folder)], 8);
    trials.push({ steps, script: timingOf(folder), slowdown: slow / plain - 1 });
    console.error(
      `planted ${steps} multiplications ${chosen.unit}: ${(100 * (slow / plain - 1)).toFixed(1)}% slower`,
    );
    return slow / plain - 1;
  };
  // By halves: a processor hides the first few, and none of those after.
  let [little, much] = [0, Number.POSITIVE_INFINITY];
  let steps = 12;
  for (let round = 0; round < MOST_TRIALS && much - little > 1; round++) {
    const slowdown = await make(steps);
    if (Math.abs(slowdown - share) < share / 10) break;
    if (slowdown < share) little = steps;
    else much = steps;
    steps = much === Number.POSITIVE_INFINITY ? 2 * little : Math.round((little + much) / 2);
  }
  trials.sort((a, b) => Math.abs(a.slowdown - share) - Math.abs(b.slowdown - share));
  return trials[0];
}

if (values.out !== undefined) writeFileSync(values.out, "");
note({ rules: HOST_RULES, node: process.version, loop: values.loop });
let isGood = true;
if (values.quiet !== undefined) {
  const times = Number(values.quiet);
  const copy = timingOf(copyOfBuild(path.join(work, "same")));
  const { alarms, suspicions } = await repeat(copy, times);
  console.log(
    `identical code: ${times - alarms} of ${times} comparisons raise no alarm (${suspicions} needed the confirming rerun)`,
  );
  isGood &&= alarms <= times / 100;
}
if (values.slower !== undefined) {
  const times = Number(values.of);
  const { script, slowdown, steps } = await calibrate(Number(values.slower) / 100);
  note({ planted: steps, slowdown });
  const { alarms } = await repeat(script, times);
  console.log(
    `hot loop ${(100 * slowdown).toFixed(1)}% slower by the fastest of 8 processes: found ${alarms} of ${times} times`,
  );
  isGood &&= alarms >= 0.9 * times;
}
process.exitCode = isGood ? 0 : 1;
