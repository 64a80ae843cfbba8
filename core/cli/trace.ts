/** `virtlab trace`: from the options to a cell, an address and an exercise; the text is in trace-text.ts. */
import { PROFILES } from "../events/profiles/index.js";
import { planCells } from "../lab/run.js";
import type { CellConfig, GuestPaging } from "../scenario/config.js";
import { drawnCell, usualCell } from "../scenario/trace-choice.js";
import type { AccessKind, TraceState } from "../scenario/trace-data.js";
import { tracedAsWished } from "../scenario/trace-exercise.js";
import { TECHNIQUES } from "../system/techniques.js";
import { UserError } from "../util/errors.js";
import type { PageSizeName } from "../util/units.js";
import { choiceOf } from "./arguments.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { scenarioFile } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { traceText } from "./trace-text.js";

/** As written on the command line; undefined where nothing was said. */
export interface TraceOptions {
  readonly technique: string | undefined;
  readonly profile: string | undefined;
  readonly paging: GuestPaging | undefined;
  readonly page: PageSizeName | undefined;
  readonly hostPage: PageSizeName | undefined;
  readonly withoutWalkCaches: boolean;
  readonly scenario: string | undefined;
  readonly cell: number | undefined;
  readonly address: string | undefined;
  readonly kind: AccessKind | undefined;
  readonly state: TraceState | undefined;
  readonly seed: number | undefined;
  readonly answers: boolean;
  readonly json: boolean;
}

const WIDEST = 100;

/** @throws UserError */
export async function trace(options: TraceOptions, terminal: Terminal): Promise<ExitCode> {
  const { seed, answers, state } = options;
  if (answers && seed === undefined) {
    throw new UserError("--answers without --seed: nothing is hidden", {
      mend: "write e.g. --seed 7 --answers",
    });
  }
  const config = cellOf(options);
  const { trace: shown, questions } = tracedAsWished({
    config,
    address: addressOf(options.address),
    kind: options.kind,
    state,
    seed,
    answers,
  });
  if (options.json) terminal.print(JSON.stringify({ ...shown, questions }, undefined, 2));
  else terminal.print(traceText(shown, questions, Math.min(WIDEST, terminal.columns), terminal.paint));
  return EXIT_CODE.ok;
}

function cellOf(options: TraceOptions): CellConfig {
  const { scenario, cell, seed, withoutWalkCaches } = options;
  if (scenario !== undefined)
    return withCaches(cellOfScenario(scenario, cell ?? 0, options), withoutWalkCaches);
  if (cell !== undefined) {
    throw new UserError("--cell without --scenario", { mend: "write e.g. --scenario ept --cell 0" });
  }
  const choice = {
    technique: choiceOf(
      "technique",
      options.technique,
      TECHNIQUES.map(({ name }) => name),
    ),
    profile: choiceOf(
      "profile",
      options.profile,
      PROFILES.map(({ name }) => name),
    ),
    paging: options.paging,
    page: options.page,
    hostPage: options.hostPage,
  };
  return withCaches(seed === undefined ? usualCell(choice) : drawnCell(choice, seed), withoutWalkCaches);
}

function cellOfScenario(scenario: string, cell: number, options: TraceOptions): CellConfig {
  for (const [name, value] of [
    ["technique", options.technique],
    ["profile", options.profile],
    ["paging", options.paging],
    ["page", options.page],
    ["host-page", options.hostPage],
  ] as const) {
    if (value !== undefined) throw messages.optionsExclude("scenario", name);
  }
  const { cells } = planCells(scenarioFile(scenario));
  const found = cells[cell];
  if (found === undefined) {
    throw new UserError(`--cell ${cell}: the scenario has cells 0 to ${cells.length - 1}`, {
      mend: `\`virtlab plan ${scenario}\` shows them`,
    });
  }
  return found.config;
}

function withCaches(config: CellConfig, without: boolean): CellConfig {
  return without ? { ...config, machine: { ...config.machine, walkCaches: false } } : config;
}

/** A written address as a number; the trace accesses the 8 bytes that hold it. @throws UserError */
function addressOf(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  const digits = written.replaceAll("_", "");
  if (!/^0x[0-9a-f]{1,16}$/i.test(digits)) {
    throw new UserError(`--address ${written}: not an address of at most 64 bits`, {
      mend: "write it in hexadecimal, e.g. --address 0x7f0012345678",
    });
  }
  const address = BigInt(digits);
  // Beyond 2^53 a number holds multiples of 8 only.
  return Number(address < 2n ** 53n ? address : address & ~7n);
}
