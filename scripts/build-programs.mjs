/**
 * Builds the images of the program workloads from their sources (core/guest/programs), with gcc and binutils. The images are
 * committed, so that nobody needs a compiler to run them; the same versions of the tools build the same bytes, and
 * build-programs.test.ts holds the two together. Run after a change of a source:
 *
 *   node scripts/build-programs.mjs            writes core/guest/programs/images, and scripts/peers/boot-sector.bin
 *
 * buildNative links the same object code of programs that need no privilege into processes of Linux (scripts/peers).
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const GUEST = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "core/guest");
const PROGRAMS = path.join(GUEST, "programs");
/** For the compiler: headers that guests without a library under them share. */
export const FREESTANDING_INCLUDE = ["-I", path.join(GUEST, "freestanding")];
const RUNTIME = path.join(PROGRAMS, "runtime");
const SOURCES = path.join(PROGRAMS, "sources");
export const IMAGES = path.join(PROGRAMS, "images");
const PEERS = path.join(path.dirname(fileURLToPath(import.meta.url)), "peers");
/** Of scripts/peers: what boots an image from a disk. */
export const BOOT_SECTOR = path.join(PEERS, "boot-sector.bin");
const BOOT_SECTOR_ADDRESS = "0x7c00"; // where firmware loads it
/** In IMAGES: which versions of the tools built them. */
export const TOOLS_FILE = "BUILT-WITH";

export const WIDTHS = [32, 64];
const COMPILE = [
  "-O2",
  "-std=gnu11",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-ffreestanding",
  "-fno-pie",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-fcf-protection=none",
  "-fomit-frame-pointer",
  "-ffunction-sections", // the linker drops what a program does not use
  "-fdata-sections",
  "-fno-toplevel-reorder", // parameters are printed in the order of their declaration
  "-fno-tree-loop-distribute-patterns", // no calls of memset and memcpy: there is no library
  "-mno-red-zone", // interrupts come on the same stack
];
const FOR_WIDTH = {
  32: ["-m32", "-march=i686", "-mpreferred-stack-boundary=2"],
  64: ["-m64", "-march=x86-64", "-mcmodel=small"],
};
const LINK = ["--gc-sections", "--build-id=none", "-z", "noexecstack"];
const EMULATION = { 32: "elf_i386", 64: "elf_x86_64" };

/** The runtimes' sources. Trap handlers are among them: they may change no register that the stubs do not save. */
const RUNTIME_FLAGS = ["-mgeneral-regs-only"];
const RUNTIME_INCLUDE = ["-I", RUNTIME];
const COMMON = ["numbers.c", "parameters.c", "run.c"];
const machineRuntime = (width) => [
  "multiboot.S",
  `start${width}.S`,
  `traps${width}.S`,
  `user${width}.S`,
  ...["main.c", "console.c", "memory.c", "paging.c", "traps.c"],
];
const LINUX_RUNTIME = ["linux.c"];

/** What one program needs besides, by width: doubles of 32-bit programs go through SSE2, not the x87. */
const OWN_FLAGS = { "n-body": { 32: ["-msse2", "-mfpmath=sse"] } };

/** The programs' names: one C file each; assembly of the same name and a width belongs to it. */
export function programNames() {
  return readdirSync(SOURCES)
    .filter((name) => name.endsWith(".c"))
    .map((name) => name.slice(0, -".c".length))
    .sort();
}

export const imageName = (program, width) => `${program}-${width}.elf`;

/** The versions of the compiler and the linker in one line, or undefined where they are not installed. */
export async function toolVersions() {
  try {
    const versions = await Promise.all(["gcc", "ld"].map((tool) => run(tool, ["--version"])));
    return `${versions.map(({ stdout }) => stdout.split("\n")[0]).join(", ")}\n`;
  } catch {
    return undefined;
  }
}

/** Runs jobs, as many at once as there are processors; the results in the order of the jobs. */
async function inParallel(jobs) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const index = next++;
      results[index] = await jobs[index]();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

async function compile(source, width, flags, folder) {
  const object = path.join(folder, `${path.basename(source)}.${width}.o`);
  await run("gcc", [
    ...COMPILE,
    ...FREESTANDING_INCLUDE,
    ...FOR_WIDTH[width],
    ...flags,
    "-c",
    source,
    "-o",
    object,
  ]);
  return object;
}

const compileRuntime = (names, width, folder) =>
  Promise.all(names.map((name) => compile(path.join(RUNTIME, name), width, RUNTIME_FLAGS, folder)));

function compileProgram(name, width, folder) {
  const flags = OWN_FLAGS[name]?.[width] ?? [];
  const assembly = path.join(SOURCES, `${name}${width}.S`);
  const sources = [path.join(SOURCES, `${name}.c`), ...(existsSync(assembly) ? [assembly] : [])];
  return Promise.all(sources.map((source) => compile(source, width, flags, folder)));
}

/** Links an image. A 64-bit one moves into a container of 32 bits, which multiboot loaders demand. */
async function linkImage(objects, width, file) {
  const script = ["-T", path.join(RUNTIME, "link.ld"), "-n", "--no-warn-rwx-segments"];
  await run("ld", ["-m", EMULATION[width], ...LINK, ...script, "-o", file, ...objects]);
  if (width === 64) await run("objcopy", ["-O", "elf32-i386", file]);
  await chmod(file, 0o644); // a file for machines, not for this system
}

async function withTemporaryFolder(work) {
  const folder = await mkdtemp(path.join(tmpdir(), "virtlab-programs-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Builds every image into a folder. Needs gcc, ld and objcopy; throws what they say. */
export function buildImages(target) {
  return withTemporaryFolder(async (folder) => {
    const runtimes = {};
    for (const width of WIDTHS)
      runtimes[width] = await compileRuntime([...machineRuntime(width), ...COMMON], width, folder);
    await inParallel(
      WIDTHS.flatMap((width) =>
        programNames().map((name) => async () => {
          const objects = await compileProgram(name, width, folder);
          await linkImage([...runtimes[width], ...objects], width, path.join(target, imageName(name, width)));
        }),
      ),
    );
  });
}

/** Builds the boot sector of scripts/peers into a file. */
export function buildBootSector(file) {
  return withTemporaryFolder(async (folder) => {
    const object = await compile(path.join(PEERS, "boot-sector.S"), 32, [], folder);
    const flat = ["-Ttext", BOOT_SECTOR_ADDRESS, "--oformat", "binary"];
    await run("ld", ["-m", EMULATION[32], ...flat, "-o", file, object]);
    await chmod(file, 0o644);
  });
}

/** Builds processes of Linux named as the programs into a folder. */
export function buildNative(names, width, target) {
  return withTemporaryFolder(async (folder) => {
    const runtime = await compileRuntime([...LINUX_RUNTIME, ...COMMON], width, folder);
    await inParallel(
      names.map((name) => async () => {
        const objects = await compileProgram(name, width, folder);
        const file = path.join(target, name);
        await run("ld", ["-m", EMULATION[width], ...LINK, "-e", "start", "-o", file, ...runtime, ...objects]);
      }),
    );
  });
}

const compileSources = (sources, width, folder) =>
  Promise.all(
    sources.map(({ source, flags }) => compile(source, width, [...RUNTIME_INCLUDE, ...flags], folder)),
  );

/** gcc's own library for a width, with what it calls instead of instructions: 64-bit division in 32 bits. May not exist. */
export async function compilerLibrary(width) {
  const { stdout } = await run("gcc", [`-m${width}`, "-print-libgcc-file-name"]);
  return stdout.trim();
}

/** Builds an image for the bare machine of sources with their own flags, e.g. a compiler's test. */
export function linkGuest(sources, width, file) {
  return withTemporaryFolder(async (folder) => {
    const runtime = await compileRuntime([...machineRuntime(width), ...COMMON], width, folder);
    const objects = await compileSources(sources, width, folder);
    await linkImage([...runtime, ...objects, await compilerLibrary(width)], width, file);
  });
}

/** Builds a process of Linux of the same. */
export function linkNative(sources, width, file) {
  return withTemporaryFolder(async (folder) => {
    const runtime = await compileRuntime([...LINUX_RUNTIME, ...COMMON], width, folder);
    const objects = [...(await compileSources(sources, width, folder)), await compilerLibrary(width)];
    await run("ld", ["-m", EMULATION[width], ...LINK, "-e", "start", "-o", file, ...runtime, ...objects]);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const versions = await toolVersions();
  if (versions === undefined) {
    console.error("virtlab: gcc and binutils are not installed; the committed images need no building");
    process.exit(2);
  }
  mkdirSync(IMAGES, { recursive: true });
  await buildImages(IMAGES);
  await buildBootSector(BOOT_SECTOR);
  writeFileSync(path.join(IMAGES, TOOLS_FILE), versions);
  console.log(`${programNames().length * WIDTHS.length} images in ${path.relative(process.cwd(), IMAGES)}`);
}
