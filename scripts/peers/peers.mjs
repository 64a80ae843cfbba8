/**
 * How fast is virtlab beside the emulators that people use? `npm run peers` runs the same images (core/guest/programs) under
 * QEMU's translator, the same with deterministic instruction counting, v86, Bochs, virtlab, and, where a program
 * needs no privilege, on the bare processor. Side by side: a round runs every kind under every engine, one
 * after another, each round in another order; the median of the rounds counts. guest-run.mjs says how a run is timed.
 *
 * Speed is the number of instructions in the region, which is known exactly (expected.table.ts), over the time. All engines are
 * divided into the same number, that of the architecture, whatever they execute in its place. Every run's
 * checksum is checked: a wrong one is an error and exit code 1. An engine that is not installed is left out with a reason.
 *
 * Random access with live and with dead flags over two sizes makes four kinds, so the mean is over twelve.
 *
 * `npm run peers -- --help` says what may be chosen.
 *
 * Writes the table to the standard output and to results/peers/<time>/peers.md, all measurements to peers.json beside it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildIfStale, ROOT } from "../build.mjs";
import { bochs } from "./bochs.mjs";
import { ENGINES } from "./engines.mjs";
import { runGuest } from "./guest-run.mjs";
import { KINDS } from "./kinds.mjs";
import { compare, markdown, speed } from "./table.mjs";
import { v86 } from "./v86.mjs";

const HELP = `npm run peers -- [--rounds 3] [--size full] [--bits 32] [--kinds a,b] [--engines a,b] [--clock wall]
  --rounds   runs of every kind under every engine; the median counts
  --size     tiny, small or full: how much each program does
  --bits     32 or 64: width of the guests' code
  --kinds    of these; all if left out: ${KINDS.map(({ name }) => name).join(" | ")}
  --engines  of ${ENGINES.map(({ name }) => name).join(", ")}; all that are installed if left out
  --clock    wall, or processor: on a machine that does other things at the same time, the processor's time of the thread
             that runs the guest
The table goes to stdout and to results/peers/<time>/. Exit code 1: a checksum was wrong; 2: a wrong option.`;

/** What --clock chooses, by the name of what guest-run.mjs measures. */
const CLOCKS = { wall: "seconds", processor: "processorSeconds" };
/** Below this a run is too short for the time of a line's way to us. */
const SHORTEST_SECONDS = 0.02;
/** Processor time below this share of the time says that the machine was busy with something else. */
const UNDISTURBED_SHARE = 0.9;

function usageError(message) {
  console.error(`peers: ${message}\n  npm run peers -- --help`);
  process.exit(2);
}

function readOptions() {
  const options = {
    rounds: { type: "string", default: "3" },
    size: { type: "string", default: "full" },
    bits: { type: "string", default: "32" },
    kinds: { type: "string" },
    engines: { type: "string" },
    clock: { type: "string", default: "wall" },
    help: { type: "boolean" },
  };
  try {
    const { values } = parseArgs({ options });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1)
      usageError(`--rounds ${values.rounds} is not a number of rounds`);
    if (!["tiny", "small", "full"].includes(values.size)) usageError(`--size is tiny, small or full`);
    if (!["32", "64"].includes(values.bits)) usageError("--bits is 32 or 64");
    if (!(values.clock in CLOCKS)) usageError("--clock is wall or processor");
    return {
      rounds,
      clock: CLOCKS[values.clock],
      size: values.size,
      width: Number(values.bits),
      kinds: choose(KINDS, values.kinds, "kinds"),
      engines: choose(ENGINES, values.engines, "engines"),
    };
  } catch (error) {
    return usageError(error.message);
  }
}

/** The members of a list that are named, or all. */
function choose(all, names, option) {
  if (names === undefined) return all;
  return names.split(",").map((name) => {
    const found = all.find((member) => member.name === name);
    return (
      found ?? usageError(`--${option}: there is no ${name}; there are ${all.map((m) => m.name).join(", ")}`)
    );
  });
}

/** Overwrites the last line of a terminal. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Those that can run here; says why the others cannot. */
async function availableEngines(engines, width) {
  const available = [];
  for (const engine of engines) {
    const reason = await engine.unavailable(width);
    if (reason === undefined) available.push(engine);
    else console.log(`without ${engine.title}: ${reason}`);
  }
  return available;
}

const options = readOptions();
if (!buildIfStale()) console.error("the build has errors: what the compiler emitted is used");
const programs = await import("../../dist/guest/programs/index.js");
const engines = await availableEngines(options.engines, options.width);
if (engines.length === 0) usageError("no engine is left");

/** A row a kind, with what all its runs have in common and a cell for each engine. */
const rows = options.kinds.map((kind) => {
  const found = programs.CASES.find((one) => one.name === kind.case);
  const values = programs.caseValues(found, options.size);
  const expected = programs.expectedResult(found, options.size);
  const ownLine = programs.commandLine(values);
  return {
    kind: kind.name,
    isInMean: kind.isInMean,
    program: found.program,
    ownLine,
    line: kind.reload > 0 ? `${ownLine} reload=${kind.reload}` : ownLine,
    checksum: expected.checksum,
    instructions: expected.instructions[options.width],
    cells: {},
  };
});

const folder = mkdtempSync(path.join(tmpdir(), "virtlab-peers-"));
const failures = [];
/** Runs that went well but whose lines came together. */
let untimed = 0;
try {
  for (const engine of engines)
    await engine.prepare?.(
      rows.map((row) => row.program),
      options.width,
      folder,
    );
  for (let round = 0; round < options.rounds; round++) {
    for (const row of rows) await runRow(row, round);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Runs a kind once under each engine, beginning with another one each round. */
async function runRow(row, round) {
  const first = round % engines.length;
  for (const engine of [...engines.slice(first), ...engines.slice(0, first)]) {
    row.cells[engine.name] ??= { instructions: row.instructions, clock: options.clock, runs: [] };
    const cell = row.cells[engine.name];
    if (cell.skipped !== undefined || cell.failure !== undefined) continue;
    cell.skipped = engine.cannotRun?.(row.program);
    if (cell.skipped !== undefined) continue;
    progress(`round ${round + 1} of ${options.rounds}: ${row.kind}, ${engine.title}`);
    const image = path.join(ROOT, "core/guest/programs", programs.imageFile(row.program.name, options.width));
    const { line, ownLine } = row;
    const job = { program: row.program.name, width: options.width, image, line, ownLine, folder };
    const run = await runGuest(engine.command(job));
    if (run.failure === undefined && run.checksum !== row.checksum)
      run.failure = `checksum ${run.checksum}, expected ${row.checksum}`;
    if (run.failure !== undefined) {
      cell.failure = run.failure;
      failures.push(`${row.kind}, ${engine.title}: ${run.failure}`);
    } else if (run.seconds === 0) {
      untimed++;
    } else {
      cell.runs.push({ seconds: run.seconds, processorSeconds: run.processorSeconds });
    }
  }
}

progress("");
const table = markdown(rows, engines);
const notes = [
  `${options.size}, ${options.width}-bit images, median of ${options.rounds}; ${cpus()[0]?.model ?? "unknown processor"}, ` +
    `Node ${process.version}; ${options.clock === CLOCKS.wall ? "time on the wall" : "processor time"}. Kinds in brackets are not in the mean.`,
  ...warnings(),
  ...verdict(),
];
console.log(`\n${table}\n\n${notes.join("\n")}`);
const target = path.join(ROOT, "results/peers", new Date().toISOString().replace(/[:.]/g, "-"));
mkdirSync(target, { recursive: true });
writeFileSync(path.join(target, "peers.md"), `${table}\n\n${notes.join("\n\n")}\n`);
writeFileSync(path.join(target, "peers.json"), `${JSON.stringify(record(), undefined, 2)}\n`);
console.log(`\nwritten to ${path.relative(process.cwd(), target)}`);
for (const failure of failures) console.error(`FAILED ${failure}`);
if (failures.length > 0) process.exitCode = 1;

/** Runs that say little: too short, or disturbed. */
function warnings() {
  const runs = rows.flatMap((row) => engines.flatMap(({ name }) => row.cells[name].runs));
  const short = runs.filter((run) => run.seconds < SHORTEST_SECONDS).length;
  const disturbed = runs.filter((run) => run.processorSeconds < run.seconds * UNDISTURBED_SHARE).length;
  return [
    ...(untimed > 0 ? [`${untimed} runs could not be timed: begin and end came together.`] : []),
    ...(short > 0
      ? [`${short} of ${runs.length} runs took less than ${SHORTEST_SECONDS} s: take a larger --size.`]
      : []),
    ...(disturbed > 0
      ? [`In ${disturbed} of ${runs.length} runs something else had the processor for over a tenth.`]
      : []),
  ];
}

/** Whether virtlab keeps what its README promises: TCG's speed in the mean, and no kind slower than v86 or Bochs. */
function verdict() {
  const { mean, kinds } = compare(rows, "virtlab", "tcg");
  if (mean === undefined) return [];
  const peers = engines.filter((engine) => engine === v86 || engine === bochs);
  return [
    `virtlab has ${mean.toFixed(2)} times the speed of QEMU TCG in the mean of ${kinds} kinds.`,
    ...peers.map((peer) => {
      const slower = rows.filter(
        ({ isInMean, cells }) => isInMean && speed(cells["virtlab"]) < speed(cells[peer.name]),
      );
      if (slower.length === 0) return `It is slower than ${peer.title} on no kind.`;
      return `It is slower than ${peer.title} on ${slower.map((row) => row.kind).join(", ")}.`;
    }),
  ];
}

/** All measurements, for a machine. */
function record() {
  return {
    size: options.size,
    bits: options.width,
    rounds: options.rounds,
    processor: cpus()[0]?.model,
    node: process.version,
    kinds: rows.map(({ kind, isInMean, program, line, instructions, checksum, cells }) => ({
      kind,
      isInMean,
      program: program.name,
      line,
      instructions,
      checksum,
      engines: cells,
    })),
  };
}
