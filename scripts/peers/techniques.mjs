/**
 * How fast is a guest simulated under each technique, against the same guest on the bare machine? Runs the cells of a scenario
 * of techniques × workloads, each in a process of its own, technique after technique within a workload, so that all see the same
 * load of this computer, and round after round. Prints a Markdown table; `--help` says what may be chosen.
 *
 * A rate is the guest's own work over processor time: the instructions of the *native* cell's region of interest, under every
 * technique, over the seconds of that technique's region. What a monitor adds (translated code, a port's other path, handlers)
 * costs seconds and earns no instructions. Translating code is in the seconds, bringing the guest up is not.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { buildIfStale, ROOT } from "../build.mjs";
import { markdown } from "./table.mjs";

const HELP = `node scripts/peers/techniques.mjs [--scenario full-para-hardware] [--size small] [--rounds 1] [--warmup 7] [--samples 5] [--only <where>]
  --scenario  a scenario whose cells execute code, one of each technique and workload
  --rounds    processes for each cell; the median of their medians counts
  --warmup    runs of a process before those: what counts is a process at work, and TypeScript is slow until V8 has compiled
              it, which is processor time too; a monitor has more of it than the bare machine, and calls it more rarely
  --samples   runs that a process measures, one after another
  --only      cells that match an expression over axes; native must be among them`;

const REFERENCE = "native";
const CLOCK = "processor";

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "full-para-hardware" },
    size: { type: "string", default: "small" },
    rounds: { type: "string", default: "1" },
    warmup: { type: "string", default: "7" },
    samples: { type: "string", default: "5" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (!buildIfStale()) process.exit(1);
const { planCells } = await import("../../dist/index.js");
const { askTiming } = await import("../../dist/lab/host-timing.js");

const { cells } = planCells(path.join(ROOT, "scenarios", `${values.scenario}.yaml`), {
  size: values.size,
  ...(values.only === undefined ? {} : { only: values.only }),
});
const techniques = [...new Set(cells.map(({ config }) => config.technique))];
if (techniques[0] !== REFERENCE) throw new Error(`the scenario's first technique is not ${REFERENCE}`);
const workloads = [...new Set(cells.map(({ config }) => config.workload))];
const rows = workloads.map((workload) => ({ kind: workload, isInMean: true, cells: {} }));

for (let round = 0; round < Number(values.rounds); round++)
  for (const row of rows)
    for (const { config } of cells.filter((cell) => cell.config.workload === row.kind))
      await measure(row, config);

console.log(
  markdown(
    rows,
    techniques.map((name) => ({ name, title: name })),
  ),
);
console.log(
  `\nSize ${values.size}, ${values.rounds} × ${values.samples} runs after ${values.warmup}, Node ${process.version}; native instructions over processor time.`,
);

/** Adds one process's run of a cell to its row; a technique counts the instructions of the reference, which ran before it. */
async function measure(row, config) {
  const reply = await askTiming(path.join(ROOT, "dist/lab/timing-process.js"), {
    config,
    samples: Number(values.samples),
    warmup: Number(values.warmup),
    clock: CLOCK,
  });
  if (reply.error !== undefined) throw new Error(`${config.technique} ${row.kind}: ${reply.error}`);
  const { technique } = config;
  const instructions = technique === REFERENCE ? reply.instructions : row.cells[REFERENCE].instructions;
  row.cells[technique] ??= { clock: CLOCK, instructions, runs: [] };
  row.cells[technique].runs.push({ [CLOCK]: reply.timing.median });
}
