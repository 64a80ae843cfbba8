/** What measurements of real machines share: quantiles, a description of the machine, and the file that they become. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import path from "node:path";
import { ROOT } from "../build.mjs";

/** @returns tenth, fiftieth and ninetieth of a hundred, and how many there were */
export function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9), samples: sorted.length };
}

/** Processor, kernel version, and whether it is itself a guest. */
export function machineDescription() {
  const kernel = /^\d+\.\d+/.exec(release())[0];
  const isGuest = readFileSync("/proc/cpuinfo", "utf8").includes(" hypervisor");
  return `${cpus()[0].model}, ${cpus().length} processors${isGuest ? " of a virtual machine" : ""}, Linux ${kernel}`;
}

/** Where measurements are: what all hosts need, and what containers do. */
const FOLDERS = { host: "core/host/measured", container: "core/container/measured" };

/** With `--write` the measurement becomes a file of the lab; else it is printed. @param layer that it is of: host, container */
export function writeMeasurement(layer, name, title, machine, values) {
  const lines = Object.entries(values).map(
    ([key, { p10, p50, p90, samples }]) =>
      `  "${key}": { p10: ${round(p10)}, p50: ${round(p50)}, p90: ${round(p90)}, samples: ${samples} },`,
  );
  const text = `/**
 * ${title} Times in nanoseconds, shares as fractions of 1. Written by
 * scripts/measure/${name}.mjs --write; not by hand.
 */
import type { Measurement } from "${layer === "host" ? "." : "../../host/measured"}/measurement.js";

export const MACHINE = ${JSON.stringify(machine)};

export const MEASURED = {
${lines.join("\n")}
} as const satisfies Readonly<Record<string, Measurement>>;
`;
  if (!process.argv.includes("--write")) {
    process.stdout.write(text);
    return;
  }
  const file = path.join(ROOT, FOLDERS[layer], `${name}.ts`);
  writeFileSync(file, text);
  spawnSync("npx", ["biome", "format", "--config-path=.config/biome.json", "--write", file], { cwd: ROOT });
}

function round(value) {
  return value > 10 ? Math.round(value) : Number(value.toFixed(4));
}
