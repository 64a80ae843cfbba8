/**
 * One image on one machine, at once: what `virtlab run` does, without a scenario. The settings are those of a scenario that says
 * nothing else, so that the same image in a scenario gives the same numbers.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { findProfile, PROFILES } from "../events/profiles/index.js";
import { BOOT } from "../scenario/code/boot.js";
import { failureOf } from "../scenario/code/ending.js";
import { CodeGuest } from "../scenario/code/guest.js";
import { configWithCode } from "../scenario/code/plan-code.js";
import { PROGRAM_PREFIX, PROGRAM_WORKLOADS } from "../scenario/code/programs.js";
import { valuesOf } from "../scenario/code/run-code.js";
import type { CodeWorkload } from "../scenario/code/workload.js";
import type { CellConfig } from "../scenario/config.js";
import { DEFAULT_SETTINGS } from "../scenario/settings.js";
import { invariant, UserError } from "../util/errors.js";
import { nearestWords } from "../util/nearest.js";
import { defaultOf, type ParameterValue } from "../util/parameters.js";

/** What is left undefined is as a scenario has it that says nothing. */
export interface ImageSettings {
  /** Parameters of the workload `boot` (scenario/code/boot.ts). */
  readonly parameters: Readonly<Record<string, ParameterValue | undefined>>;
  readonly machine: { readonly [K in keyof CellConfig["machine"]]?: CellConfig["machine"][K] | undefined };
  readonly budget: { readonly [K in keyof CellConfig["budget"]]?: CellConfig["budget"][K] | undefined };
  readonly seed: number | undefined;
}

export interface ImageRun {
  readonly config: CellConfig;
  readonly status: "done" | "failed" | "stopped";
  /** Why it is not done; else empty. */
  readonly reason: string;
  /** The modelled numbers of the region of interest, however the guest ended. */
  readonly values: Readonly<Record<string, number | string>>;
  readonly console: string;
  /** What the loader noticed. */
  readonly warnings: readonly string[];
  /** Instructions since power-on, and seconds that they took on this host. */
  readonly instructions: number;
  readonly hostSeconds: number;
  /** Of the region of interest; undefined when the guest did not mark its begin. */
  readonly regionSeconds: number | undefined;
}

/** Instructions between two looks at the world outside. */
const SLICE = 8_000_000;

/**
 * The configuration of a cell that boots an image, or one of the lab's programs by its name (`program/gups`).
 * @throws UserError for a profile that there is not, and for files that are missing or no images
 */
export function imageConfig(settings: ImageSettings, folder = "."): CellConfig {
  const { profile } = settings.machine;
  if (profile !== undefined && findProfile(profile) === undefined)
    throw noneCalled("profile", profile, PROFILES);
  const parameters = given(settings.parameters) as Parameters;
  const image = String(parameters["image"]);
  const program = PROGRAM_WORKLOADS.find(({ name }) => name === image);
  if (program === undefined && image.startsWith(PROGRAM_PREFIX) && !existsSync(path.resolve(folder, image)))
    throw noneCalled("program", image, PROGRAM_WORKLOADS);
  return program === undefined
    ? configWithCode(configOf(BOOT, parameters, settings), BOOT, folder)
    : programConfig(program, parameters, settings);
}

type Parameters = Readonly<Record<string, ParameterValue>>;

/** A program with the parameters of a small run; what `append` says comes after them, and counts. */
function programConfig(
  program: CodeWorkload,
  { image: _, append, bits, ...others }: Parameters,
  settings: ImageSettings,
): CellConfig {
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new UserError(`${other} is given, but ${program.name} knows how it starts`, {
      mend: `its parameters go by append: virtlab describe ${program.name}`,
    });
  }
  const width = bits === undefined ? {} : { bits };
  const config = configWithCode(configOf(program, width, settings), program, "");
  const code = config.code!;
  return append === undefined ? config : { ...config, code: { ...code, append: `${code.append} ${append}` } };
}

function configOf(workload: CodeWorkload, parameters: Parameters, settings: ImageSettings): CellConfig {
  const { host, guest, shadow, agile, translation, paravirtual, page } = DEFAULT_SETTINGS;
  const defaults = Object.entries(workload.parameters).map(([name, spec]) => [
    name,
    defaultOf(spec, "small"),
  ]);
  return {
    technique: "native",
    workload: workload.name,
    parameters: { ...Object.fromEntries(defaults), ...parameters },
    page,
    machine: { ...DEFAULT_SETTINGS.machine, ...given(settings.machine) },
    guest,
    host,
    shadow,
    agile,
    translation,
    paravirtual,
    budget: { ...DEFAULT_SETTINGS.budget, ...given(settings.budget) },
    seed: settings.seed ?? DEFAULT_SETTINGS.seed,
    size: "small",
  };
}

/**
 * Runs it to its end.
 * @param serial told of each byte of the first serial port. @param signal stops the guest where it is
 * @throws UnsupportedError when the machine cannot be made or lacks what the image needs
 */
export async function runImage(
  config: CellConfig,
  { serial, signal }: { serial?: (bytes: number) => void; signal?: AbortSignal } = {},
): Promise<ImageRun> {
  const times: { begin?: number; end?: number } = {};
  const guest = new CodeGuest(config, {
    ...(serial === undefined ? {} : { serial }),
    begin: () => {
      times.begin = performance.now();
    },
    end: () => {
      times.end ??= performance.now();
    },
  });
  const { computer } = guest;
  const started = performance.now();
  let end = guest.run(SLICE);
  while (end === undefined && signal?.aborted !== true) {
    await setImmediate();
    end = guest.run(computer.engine.instructions + SLICE);
  }
  const ended = performance.now();
  end ??= { kind: "stopped" };
  const reason = failureOf(guest, end);
  invariant(end.kind !== "stopped" || signal?.aborted === true, "only a signal stops a guest");
  return {
    config,
    status: end.kind === "stopped" ? "stopped" : reason === "" ? "done" : "failed",
    reason,
    values: valuesOf(guest, end),
    console: computer.console,
    warnings: guest.plan.warnings,
    instructions: computer.engine.instructions,
    hostSeconds: (ended - started) / 1000,
    regionSeconds: times.begin === undefined ? undefined : ((times.end ?? ended) - times.begin) / 1000,
  };
}

function noneCalled(kind: string, written: string, those: readonly { readonly name: string }[]): UserError {
  const names = those.map(({ name }) => name);
  const near = nearestWords(written, names);
  return new UserError(`there is no ${kind} "${written}"`, {
    mend: near.length > 0 ? `did you mean ${near.join(" or ")}?` : `they are: ${names.join(", ")}`,
  });
}

function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
