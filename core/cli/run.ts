/**
 * `virtlab run <image>`: one image at once. Its serial port is stdout, as it is a pipe's or a terminal's; what it did and cost
 * follows on stderr. A guest that fails gives exit code 1, an image that cannot be started 2.
 */
import { findProfile } from "../events/profiles/index.js";
import { type ImageRun, imageConfig, runImage } from "../lab/run-image.js";
import { withDerived } from "../results/derived.js";
import { humanNumber, percent } from "../results/humanise.js";
import type { ENGINES } from "../scenario/config.js";
import type { Row } from "../scenario/index.js";
import { UnsupportedError, UserError } from "../util/errors.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { interruption } from "./interruption.js";
import type { Terminal } from "./terminal.js";

export interface RunOptions {
  readonly image: string;
  readonly append: string | undefined;
  readonly initrd: string | undefined;
  readonly modules: string | undefined;
  readonly disk: string | undefined;
  readonly kind: string | undefined;
  readonly rawMode: string | undefined;
  readonly rawAddress: number | undefined;
  readonly rawEntry: number | undefined;
  readonly profile: string | undefined;
  readonly memory: number | undefined;
  readonly caches: "all" | "walker" | "off" | undefined;
  readonly engine: (typeof ENGINES)[number] | undefined;
  readonly budget: number | undefined;
  readonly seconds: number | undefined;
  readonly seed: number | undefined;
  readonly json: boolean;
}

const NEWLINE = 0x0a;
/** Bytes of a line that is not at its end are shown at the latest after so many. */
const LONGEST_WAIT = 256;

export async function run(options: RunOptions, terminal: Terminal): Promise<ExitCode> {
  const { image, append, initrd, modules, disk, kind, rawMode, rawAddress, rawEntry, json } = options;
  const { profile, memory, caches, engine, budget, seconds, seed } = options;
  const config = imageConfig({
    parameters: {
      image,
      append,
      initrd,
      modules,
      disk,
      kind: kind ?? (rawMode === undefined ? undefined : "raw"),
      rawMode: rawMode === undefined ? undefined : Number(rawMode),
      rawAddress,
      rawEntry,
    },
    machine: { profile, memory, caches, engine },
    budget: { instructions: budget, seconds },
    seed,
  });
  const output = new SerialOutput(terminal);
  const stop = interruption(() => {});
  let result: ImageRun;
  try {
    const { signal } = stop;
    result = await runImage(config, json ? { signal } : { signal, serial: (byte) => output.add(byte) });
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    throw new UserError(error.message, { where: image });
  } finally {
    output.end();
    stop.end();
  }
  if (json) terminal.print(JSON.stringify(resultJson(result), undefined, 2));
  else for (const line of summary(result, terminal)) terminal.note(line);
  if (result.status === "stopped") return stop.exitCode ?? EXIT_CODE.interrupted;
  return result.status === "done" ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
}

/** Bytes as they come, to stdout: by lines, and as UTF-8. */
class SerialOutput {
  private bytes: number[] = [];
  private isLineOpen = false;
  private readonly decoder = new TextDecoder();

  constructor(private readonly terminal: Terminal) {}

  add(byte: number): void {
    this.bytes.push(byte);
    this.isLineOpen = byte !== NEWLINE;
    if (byte === NEWLINE || this.bytes.length >= LONGEST_WAIT) this.flush(true);
  }

  end(): void {
    this.flush(false);
    if (this.isLineOpen && this.terminal.isLive) this.terminal.note("");
  }

  private flush(stream: boolean): void {
    const text = this.decoder.decode(Uint8Array.from(this.bytes), { stream });
    this.bytes = [];
    if (text !== "") this.terminal.write(text);
  }
}

function summary(result: ImageRun, { paintNote }: Terminal): string[] {
  const { status, reason, config, instructions, hostSeconds, regionSeconds, warnings } = result;
  const row = withDerived(result.values as Row);
  const number = (column: string): number => Number(row[column]);
  const rate = (count: number, seconds: number): string =>
    `${humanNumber(seconds)} s, ${humanNumber(count / seconds)} instructions/s`;
  const clock = findProfile(config.machine.profile)!.frequencyMHz;
  const ended = row["exit_status"] === "" ? "it reset the machine" : "it ended with status 0";
  const lines = [
    status === "done" ? `${paintNote("green", "done")}: ${ended}` : `${paintNote("red", status)}: ${reason}`,
  ];
  const facts: [string, string][] = [
    [
      "region",
      regionSeconds === undefined ? "the whole run: the guest marked none" : "as the guest marked it",
    ],
    [
      "instructions",
      `${number("instructions").toLocaleString("en")}, ${humanNumber(number("cycles_per_instruction"))} cycles each`,
    ],
    [
      "cycles",
      `${Math.round(number("cycles")).toLocaleString("en")}: ${humanNumber(number("cycles") / clock / 1e6)} s of ${config.machine.profile} at ${clock} MHz`,
    ],
    [
      "TLB misses",
      `${number("tlb_misses").toLocaleString("en")}, ${humanNumber(number("tlb_mpki"))} in 1000 instructions; ${percent(number("walk_cycles_share"))} of cycles in page walks`,
    ],
    ["host", `${rate(instructions, hostSeconds)}, start-up and all (${config.machine.engine})`],
  ];
  if (regionSeconds !== undefined)
    facts.push(["", `${rate(number("instructions"), regionSeconds)} in the region`]);
  for (const [name, text] of facts) lines.push(`  ${name.padEnd(12)}  ${text}`);
  for (const warning of warnings) lines.push(`  ${paintNote("yellow", "warning")}: ${warning}`);
  return lines;
}

function resultJson(result: ImageRun): Record<string, unknown> {
  const { config, status, reason, values, console, warnings, instructions, hostSeconds, regionSeconds } =
    result;
  const { image, modules, disk, append } = config.code!;
  const fileOf = ({ name, sha256 }: typeof image) => ({ name, sha256 });
  return {
    image: fileOf(image),
    modules: modules.map(fileOf),
    disk: disk === undefined ? null : fileOf(disk),
    append,
    machine: config.machine,
    budget: config.budget,
    seed: config.seed,
    status,
    reason,
    console,
    warnings,
    region: withDerived(values as Row),
    instructions,
    host: { seconds: hostSeconds, regionSeconds: regionSeconds ?? null },
  };
}
