/**
 * Compilers' fuzz programs as guests: csmith (Yang et al., PLDI 2011) makes C programs without undefined behaviour that print
 * a checksum of all their variables. Each is compiled twice from the same object code: as a process of Linux and as an image
 * for the bare machine; both must print the same, the image on both engines.
 *
 * Exit code 0: all are equal, or the tools are not there; 1: a program differs; 2: a wrong option.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildIfStale } from "./build.mjs";
import { compilerLibrary, linkGuest, linkNative } from "./build-programs.mjs";

const HELP = `node scripts/csmith.mjs [--seed 1] [--count 20] [--optimize 2]
  --seed      of csmith's first program; each is compiled for 32 and for 64 bits
  --count     programs
  --optimize  as gcc's -O: 0, 1, 2, 3 or s; different ones give different instructions`;
const INCLUDE = "/usr/include/csmith";
const LIMITS = ["--max-funcs", "4", "--max-block-depth", "3", "--no-argc", "--concise"];
export const WIDTHS = [32, 64];
const MEBIBYTE = 2 ** 20;
const MEMORY = 8 * MEBIBYTE;
/** Programs of csmith may run for ever: those that take a processor longer than this, in ms, are passed over. */
const NATIVE_TIME = 2000;
const BUDGET = 100_000_000;

/** Between a program of csmith and our runtimes: its main is called, and its checksum returned. */
const SHIM = `#include "runtime.h"
const char program_name[] = "csmith";
PARAMETER(unused, 0, ""); /* the runtime wants one at least */
extern int csmith_main(void);
static uint32_t result;
int printf(const char *format, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, format);
  if (format[0] == 'c') result = __builtin_va_arg(list, uint32_t);
  __builtin_va_end(list);
  return 0;
}
int strcmp(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *(const unsigned char *)a - *(const unsigned char *)b;
}
void *memcpy(void *to, const void *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}
void *memset(void *to, int value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) ((char *)to)[i] = (char)value;
  return to;
}
uint32_t program(void) {
  roi_begin();
  csmith_main();
  roi_end();
  return result;
}
`;

/** Why this cannot run here, or undefined. */
export async function missingTool() {
  for (const tool of ["csmith", "gcc", "ld"]) {
    try {
      execFileSync(tool, ["--version"], { cwd: tmpdir(), stdio: "ignore" }); // csmith leaves a file
    } catch {
      return `${tool} is not installed`;
    }
  }
  if (!existsSync(INCLUDE)) return `csmith's headers are not in ${INCLUDE}`;
  for (const width of WIDTHS)
    if (!existsSync(await compilerLibrary(width)))
      return `gcc's library for ${width} bits is not installed (gcc-multilib)`;
  return undefined;
}

/** @returns the program's two files in `folder`: a process of Linux, an image */
async function buildOne(seed, width, optimize, folder) {
  const source = path.join(folder, "program.c");
  execFileSync("csmith", ["--seed", String(seed), ...LIMITS, "-o", source], { cwd: folder });
  writeFileSync(path.join(folder, "shim.c"), SHIM);
  const include = ["-I", INCLUDE, "-w", "-Dmain=csmith_main", "-fno-builtin", `-O${optimize}`];
  const native = path.join(folder, "native");
  const image = path.join(folder, "image.elf");
  const sources = [
    { source, flags: include },
    { source: path.join(folder, "shim.c"), flags: [] },
  ];
  await linkNative(sources, width, native);
  await linkGuest(sources, width, image);
  return { native, image };
}

const checksumIn = (text) => /checksum ([0-9a-f]{8})/.exec(text)?.[1];

/** @returns "ok", "slow" for a program that was passed over, or what is wrong. @param optimize as gcc's -O */
export async function checkSeed(seed, width, optimize = "2") {
  const { Computer } = await import("../dist/machine/computer.js");
  const { findProfile } = await import("../dist/events/profiles/index.js");
  const { loadImage } = await import("../dist/guest/images/image.js");
  const folder = mkdtempSync(path.join(tmpdir(), "virtlab-csmith-"));
  try {
    const { native, image } = await buildOne(seed, width, optimize, folder);
    let expected;
    try {
      expected = checksumIn(execFileSync(native, { encoding: "utf8", timeout: NATIVE_TIME }));
    } catch (error) {
      if (error.code === "ETIMEDOUT") return "slow";
      throw error;
    }
    for (const engine of ["interpreter", "translator"]) {
      const computer = new Computer({
        ...{ profile: findProfile("skylake-2015"), memoryBytes: MEMORY, seed: 1, engine },
        ...{ caches: "off", walkCaches: true, tlb: true },
      });
      computer.load(loadImage(readFileSync(image), { memoryBytes: MEMORY }));
      const outcome = computer.run(BUDGET);
      if (outcome.kind === "limit") return "slow";
      const actual = checksumIn(computer.console);
      if (expected === undefined || actual !== expected)
        return `${engine}: checksum ${actual}, natively ${expected}; ${JSON.stringify(outcome)}`;
    }
    return "ok";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readOptions() {
  const string = (value) => ({ type: "string", default: value });
  const options = {
    seed: string("1"),
    count: string("20"),
    optimize: string("2"),
    help: { type: "boolean" },
  };
  try {
    const { values } = parseArgs({ options });
    const [seed, count] = [Number(values.seed), Number(values.count)];
    if (!Number.isInteger(seed) || !Number.isInteger(count))
      throw new Error("--seed and --count are numbers");
    return { ...values, seed, count };
  } catch (error) {
    console.error(`csmith: ${error.message}\n${HELP}`);
    return process.exit(2);
  }
}

async function main() {
  const { seed: first, count, optimize, help } = readOptions();
  if (help) return console.log(HELP);
  const missing = await missingTool();
  if (missing !== undefined) return console.log(`skipped: ${missing}`);
  if (!buildIfStale()) process.exit(1);
  const tally = { ok: 0, slow: 0, wrong: 0 };
  for (let seed = first; seed < first + count; seed++)
    for (const width of WIDTHS) {
      const result = await checkSeed(seed, width, optimize);
      tally[result in tally ? result : "wrong"]++;
      if (result !== "ok") console.log(`seed ${seed}, ${width} bits: ${result}`);
    }
  console.log(
    `${tally.ok} equal, ${tally.slow} passed over because they run too long, ${tally.wrong} differ`,
  );
  process.exitCode = tally.wrong === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
