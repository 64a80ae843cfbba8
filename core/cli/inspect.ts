/**
 * The commands that look into a guest: `step` (instruction by instruction), `profile` (where its cycles go) and `lockstep`
 * (both engines side by side). The work is in guest/inspect/; here it becomes lines.
 */
import { type TracedInstruction, traceInstructions } from "../guest/inspect/instruction-trace.js";
import { lockstep as compareEngines } from "../guest/inspect/lockstep.js";
import { DEFAULT_INTERVAL, profileGuest } from "../guest/inspect/profile.js";
import { type ImageFileOptions, openImageFile } from "../lab/image-file.js";
import type { Outcome } from "../machine/computer.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export interface InspectOptions extends ImageFileOptions {
  readonly budget?: number | undefined;
  readonly json: boolean;
}

const DEFAULT_BUDGET = 1_000_000_000;
const DEFAULT_STEPS = 30;
const DEFAULT_CHECKPOINT = 100_000;
/** Lines of a profile. */
const MOST_ENTRIES = 30;

export function step(
  options: InspectOptions & { readonly from?: number | undefined; readonly count?: number | undefined },
  terminal: Terminal,
): ExitCode {
  const { plan, make } = openImageFile(options);
  const traced = traceInstructions(make(), plan.symbols, options.from ?? 0, options.count ?? DEFAULT_STEPS);
  if (options.json) terminal.print(JSON.stringify(traced, undefined, 2));
  else {
    for (const line of traceLines(traced.instructions)) terminal.print(line);
    if (traced.end !== undefined)
      terminal.note(`${endText(traced.end)}, after ${traced.total.toLocaleString("en-US")} instructions`);
  }
  return EXIT_CODE.ok;
}

export function profile(
  options: InspectOptions & { readonly interval?: number | undefined },
  terminal: Terminal,
): ExitCode {
  const { plan, make } = openImageFile(options);
  const interval = options.interval ?? DEFAULT_INTERVAL;
  const result = profileGuest(make(), plan.symbols, options.budget ?? DEFAULT_BUDGET, interval);
  if (options.json) {
    terminal.print(JSON.stringify(result, undefined, 2));
    return EXIT_CODE.ok;
  }
  const rows = result.entries
    .slice(0, MOST_ENTRIES)
    .map(({ name, samples, cycles, share }) => [
      `${(share * 100).toFixed(1)}%`,
      Math.round(cycles).toLocaleString("en-US"),
      String(samples),
      name,
    ]);
  const columns = [
    { title: "share", align: "right" },
    { title: "cycles", align: "right" },
    { title: "samples", align: "right" },
    { title: "where" },
  ] as const;
  for (const line of textTable(columns, rows)) terminal.print(line);
  const instructions = result.instructions.toLocaleString("en-US");
  terminal.note(`${instructions} instructions, one sample every ${interval}; ${endText(result.end)}`);
  return EXIT_CODE.ok;
}

export function lockstep(
  options: InspectOptions & { readonly checkpoint?: number | undefined },
  terminal: Terminal,
): ExitCode {
  const { plan, make } = openImageFile(options);
  const result = compareEngines([() => make("interpreter"), () => make("translator")], plan.symbols, {
    budget: options.budget ?? DEFAULT_BUDGET,
    checkpoint: options.checkpoint ?? DEFAULT_CHECKPOINT,
  });
  const { divergence } = result;
  if (options.json) terminal.print(JSON.stringify(result, undefined, 2));
  else if (divergence === undefined) {
    const instructions = result.instructions.toLocaleString("en-US");
    terminal.print(
      `interpreter and translator agree after ${instructions} instructions; ${endText(result.end)}`,
    );
  } else {
    terminal.print(`they differ after instruction ${divergence.instruction}:`);
    for (const difference of divergence.differences) terminal.print(`  ${difference}`);
    terminal.print("as the interpreter came there:");
    for (const line of traceLines(divergence.context)) terminal.print(line);
  }
  return divergence === undefined ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
}

function traceLines(instructions: readonly TracedInstruction[]): string[] {
  const columns = [
    { title: "number", align: "right" },
    { title: "address", align: "right" },
    { title: "symbol" },
    { title: "instruction" },
    { title: "cycles", align: "right" },
    { title: "changed and counted" },
  ] as const;
  const rows = instructions.map(({ number, address, symbol, text, cycles, changes, events }) => [
    String(number),
    address < 0 ? `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}` : `0x${address.toString(16)}`,
    symbol ?? "",
    text,
    cycles.toFixed(2).replace(/\.00$/, ""),
    [...changes, ...events].join(", "),
  ]);
  return textTable(columns, rows);
}

function endText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "exit":
      return `the guest ended itself with status ${outcome.status}`;
    case "reset":
      return "the guest asked for a reset";
    case "shutdown":
      return `the CPU shut down: ${outcome.reason}`;
    case "asleep":
      return "the guest halted, and nothing can wake it";
    case "stuck":
      return "the guest takes exceptions for ever, whose handler faults";
    case "limit":
      return "the guest goes on: the budget is used up";
    case "stopped":
      return "stopped";
  }
}
