/**
 * Records the vectors of core/machine/testing/vectors/ from the present processor, or checks them against it.
 *
 *      node scripts/vectors/record.mjs --write                       all files again
 *      node scripts/vectors/record.mjs --check                       what the present processor does otherwise
 *      node scripts/vectors/record.mjs --out DIR [--seed N] [--scale N]       N times as many cases, somewhere else
 *      node scripts/vectors/record.mjs --out DIR --sequences COUNT [--seed N] [--mode 64]
 *
 * Needs Linux on x86-64 with gcc. Exit code 1 when --check finds a difference, 2 when nothing can be recorded.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkFiles } from "./check.mjs";
import { casesOfCode, formatFile, outcomeOf } from "./file.mjs";
import { codesOfGroup, GROUPS, MODES } from "./groups.mjs";
import { Recorder, whyNot } from "./native.mjs";
import { missingFeatures, provenance } from "./processor.mjs";
import { sequenceCode } from "./sequences.mjs";

const COMMITTED = fileURLToPath(new URL("../../core/machine/testing/vectors/data", import.meta.url));
const SEED = 1;
/** Committed sequences, by width. */
const SEQUENCES = { 64: 240, 32: 100, 16: 40 };

const { values: options } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    out: { type: "string" },
    seed: { type: "string", default: String(SEED) },
    scale: { type: "string", default: "1" },
    sequences: { type: "string" },
    mode: { type: "string" },
  },
});

function record(recorder, codes, mode, comment, file) {
  if (codes.length === 0) return 0;
  const cases = codes.flatMap((code) => casesOfCode(code, mode));
  const results = [];
  recorder.run(cases, (one, initial, final, fault) =>
    results.push([one, outcomeOf(one, initial, final, fault)]),
  );
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, formatFile(mode, comment, results));
  return results.length;
}

function sequences(seed, mode, count) {
  return Array.from({ length: count }, (_, number) => sequenceCode(seed, number, mode));
}

function recordSequences(recorder, folder, seed, mode, count) {
  const comment = `${count} random sequences, seed ${seed}; see scripts/vectors/sequences.mjs`;
  const file = path.join(folder, String(mode), "sequences.txt");
  const recorded = record(recorder, sequences(seed, mode, count), mode, comment, file);
  console.log(`${mode}-bit sequences: ${recorded}`);
}

function recordAll(recorder, folder, seed, scale) {
  for (const mode of MODES) {
    for (const name of Object.keys(GROUPS)) {
      const file = path.join(folder, String(mode), `${name}.txt`);
      const recorded = record(
        recorder,
        codesOfGroup(name, mode, seed, scale),
        mode,
        `${name}, seed ${seed}`,
        file,
      );
      if (recorded > 0) console.log(`${mode}-bit ${name}: ${recorded}`);
    }
    recordSequences(recorder, folder, seed, mode, SEQUENCES[mode] * scale);
  }
  writeFileSync(path.join(folder, "provenance.json"), `${JSON.stringify(provenance(), null, 2)}\n`);
}

/** Files of vectors under a folder, as { name, text }. */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => ({ name, text: readFileSync(path.join(folder, name), "utf8") }));

function main() {
  const reason = whyNot();
  if (reason !== "") {
    console.error(reason);
    return 2;
  }
  const folder = options.write ? COMMITTED : options.out;
  if (!options.check && folder === undefined) {
    console.error("say --write, --check or --out DIR; the head of scripts/vectors/record.mjs explains them");
    return 2;
  }
  const missing = missingFeatures();
  if (missing.length > 0) console.error(`this processor lacks ${missing.join(", ")}`);
  if (missing.length > 0 && options.write) return 2;

  const recorder = new Recorder();
  try {
    if (options.check) return checkFiles(recorder, filesIn(options.out ?? COMMITTED)) ? 0 : 1;
    const seed = Number(options.seed);
    if (options.sequences === undefined) recordAll(recorder, folder, seed, Number(options.scale));
    else
      for (const mode of options.mode === undefined ? MODES : [Number(options.mode)])
        recordSequences(recorder, folder, seed, mode, Number(options.sequences));
    return 0;
  } finally {
    recorder.close();
  }
}

process.exitCode = main();
