/**
 * Real kernels, made by gcc: our reading of them against readelf's, and what they find when they run under QEMU, loaded by our
 * plan and, where QEMU knows the protocol, by QEMU itself. Skipped, with the reason, without these programs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { MIB } from "../../util/units.js";
import { readElf } from "./elf.js";
import { ImageReader } from "./image-reader.js";
import { load } from "./testing/plans.js";
import { compile, haveTools, run, runPlan, runQemu, withFolder } from "./testing/tools.js";

const SOURCE = readFileSync(new URL("./testing/report.c", import.meta.url), "utf8");
const BASE = ["-O2", "-static", "-fno-pie", "-no-pie", "-fno-asynchronous-unwind-tables"];
/** Without pages between the sections, the Multiboot header is in the first 8 KiB. */
const AT_1M = ["-Wl,-Ttext-segment=0x100000", "-Wl,-z,max-page-size=4096,-z,noseparate-code"];

const KERNELS: readonly { name: string; bits: 32 | 64; flags: readonly string[] }[] = [
  { name: "multiboot", bits: 32, flags: ["-m32", "-DMULTIBOOT", "-mgeneral-regs-only"] },
  { name: "pvh", bits: 32, flags: ["-m32", "-DPVH", "-mgeneral-regs-only"] },
  { name: "elf", bits: 32, flags: ["-m32", "-march=i686", "-msse2", "-mfpmath=sse"] },
  { name: "elf", bits: 64, flags: ["-m64", "-mno-red-zone"] },
];
const kernel = ({ flags }: (typeof KERNELS)[number]): Uint8Array =>
  compile(SOURCE, [...BASE, ...AT_1M, ...flags]);

const modules = [
  { name: "alpha", bytes: Uint8Array.of(1, 2, 3) },
  { name: "beta", bytes: new Uint8Array(5000).fill(2) },
];
const MEMORY = 32 * MIB;

/** The report as lists of values by name. */
function parse(output: string): Record<string, string[]> {
  const facts: Record<string, string[]> = {};
  for (const line of output.split("\n").filter((line) => line.includes("="))) {
    const at = line.indexOf("=");
    facts[line.slice(0, at)] ??= [];
    facts[line.slice(0, at)]!.push(line.slice(at + 1).trimEnd());
  }
  return facts;
}

const IMAGE_IS_WHOLE = { initialised: ["600dda7a"], zeroed: ["0"], pointer: ["relocated"] };
const MODULES = { module: ["alpha", "beta"], length: ["3", "1388"], sum: ["6", "2710"], aligned: ["1", "1"] };

const canCompile = haveTools("kernels made by gcc", "gcc", "readelf");
describe.runIf(canCompile)("against readelf", () => {
  test.each(KERNELS)("$name, $bits bits: program headers, entry and symbols", (spec) => {
    const bytes = kernel(spec);
    const [headers, symbols] = withFolder((folder) => {
      const file = path.join(folder, "kernel");
      writeFileSync(file, bytes);
      return [run("readelf", ["-hlW", file]), run("readelf", ["-sW", file])];
    });
    const elf = readElf(new ImageReader(bytes, "kernel"));
    expect(elf.bits).toBe(spec.bits);
    expect(elf.entry).toBe(Number(/Entry point address:\s+(0x[0-9a-f]+)/.exec(headers)![1]));
    const loads = [...headers.matchAll(/^ {2}LOAD +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)/gm)];
    expect(elf.loads.map((s) => [s.fileOffset, s.virtual, s.physical, s.fileSize, s.memorySize])).toEqual(
      loads.map((match) => match.slice(1, 6).map(Number)),
    );
    const table = load(bytes, { memoryBytes: MEMORY }).symbols;
    const functions = [...symbols.matchAll(/: ([0-9a-f]+) +(\d+) FUNC +\S+ +\S+ +\d+ (\S+)/g)];
    expect(functions.length).toBeGreaterThan(0);
    for (const [, address, size, name] of functions) {
      const start = Number(`0x${address}`);
      expect(table.find(start)).toEqual({ name, offset: 0 });
      if (Number(size) > 1) expect(table.find(start + Number(size) - 1)?.name).toBe(name);
    }
  });
});

const canRun = haveTools("kernels run by QEMU", "gcc", "qemu-system-x86_64") && canCompile;
describe.runIf(canRun)("under QEMU", () => {
  test.each(KERNELS)("$name, $bits bits: the kernel finds what the plan promises", (spec) => {
    const plan = load(kernel(spec), { append: "quick=1 brown", modules, memoryBytes: MEMORY });
    expect(plan.kind).toBe(spec.name);
    const facts = parse(runPlan(plan, MEMORY / MIB));
    expect(facts).toMatchObject({ append: ["quick=1 brown"], ...MODULES, ...IMAGE_IS_WHOLE });
    expect(facts).toMatchObject({ ram: ["0", "100000"], to: ["9fc00", "2000000"] });
    if (spec.name === "multiboot")
      expect(facts).toMatchObject({ magic: ["2badb002"], flags: ["4d"], lower: ["27f"] });
    else expect(facts).toMatchObject({ magic: ["336ec578"], version: ["1"] });
    if (spec.name === "elf") expect(facts).toMatchObject({ double: ["1"], arguments: ["1"] });
  });

  test("a static position-independent file runs, relocated", () => {
    const flags = ["-O2", "-m64", "-static-pie", "-fpie", "-mno-red-zone", "-fno-asynchronous-unwind-tables"];
    const plan = load(compile(SOURCE, flags), { memoryBytes: MEMORY });
    expect(parse(runPlan(plan, MEMORY / MIB))).toMatchObject(IMAGE_IS_WHOLE);
  });

  test.each(KERNELS.filter(({ name }) => name !== "elf"))(
    "$name: QEMU's own loader tells the same kernel the same",
    (spec) => {
      const bytes = kernel(spec);
      const ours = parse(
        runPlan(load(bytes, { append: "quick", modules: [modules[1]!], memoryBytes: MEMORY }), 32),
      );
      const theirs = withFolder((folder) => {
        const [file, beta] = [path.join(folder, "kernel"), path.join(folder, "beta")];
        writeFileSync(file, bytes);
        writeFileSync(beta, modules[1]!.bytes);
        return parse(runQemu(["-m", "32", "-kernel", file, "-initrd", beta, "-append", "quick"]));
      });
      for (const name of [
        "magic",
        "version",
        "length",
        "sum",
        "aligned",
        "initialised",
        "zeroed",
        "pointer",
      ]) {
        expect([name, ours[name]]).toEqual([name, theirs[name]]);
      }
    },
  );

  test("a boot sector runs in real mode", () => {
    // mov dx, 0x3f8; mov al, 'R'; out dx, al; mov al, dl'; …; out 0xf4, al
    const sector = Uint8Array.of(
      0xba,
      0xf8,
      3,
      0xb0,
      0x52,
      0xee,
      0x0e,
      0x58,
      0x04,
      0x30,
      0xee,
      0xe6,
      0xf4,
      0xf4,
    );
    const plan = load(sector, { kind: "raw", rawMode: 16, memoryBytes: MEMORY });
    expect(runPlan(plan, MEMORY / MIB)).toBe("R0"); // and CS is 0
  });

  test.each([32, 64] as const)("raw code runs in %i-bit mode", (rawMode) => {
    // The byte 0x48 is DEC EAX in 32-bit code, and a prefix in 64-bit code.
    const code = Uint8Array.of(
      0xb8,
      0x41,
      0,
      0,
      0,
      0x48,
      0x89,
      0xc0,
      0xba,
      0xf8,
      3,
      0,
      0,
      0xee,
      0xe6,
      0xf4,
      0xf4,
    );
    const plan = load(code, { kind: "raw", rawMode, rawAddress: 0x8000, memoryBytes: MEMORY });
    expect(runPlan(plan, MEMORY / MIB)).toBe(rawMode === 32 ? "@" : "A");
  });
});
