/**
 * Builds the mini-kernel's images from their sources (core/guest/mini-kernel), with gcc and binutils: the user's programs
 * first, then the kernel with the programs in it, and the stand in which tests run its Xen port. The images are committed, so
 * that nobody needs a compiler to run them. Run after a change of a source:
 *
 *   node scripts/build-mini-kernel.mjs         writes core/guest/mini-kernel/images
 */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FREESTANDING_INCLUDE, TOOLS_FILE, toolVersions, WIDTHS } from "./build-programs.mjs";

const run = promisify(execFile);
const KERNEL = path.join(
  path.dirname(path.dirname(fileURLToPath(import.meta.url))),
  "core/guest/mini-kernel",
);
export const IMAGES = path.join(KERNEL, "images");
export const imageName = (width) => `mini-kernel-${width}.elf`;
export const standName = (width) => `xen-stand-${width}.elf`;

const COMPILE = [
  ...["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"],
  ...["-ffreestanding", "-fno-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-ident"],
  ...["-fcf-protection=none", "-fomit-frame-pointer", "-ffunction-sections", "-fdata-sections"],
  ...["-fno-tree-loop-distribute-patterns", "-fno-builtin"], // no calls of memset and memcpy: there is no library
  ...["-mgeneral-regs-only", "-mno-red-zone", "-Wa,-mx86-used-note=no"],
];
const FOR_WIDTH = {
  32: ["-m32", "-march=i686", "-mpreferred-stack-boundary=2"],
  64: ["-m64", "-march=x86-64"],
};
const EMULATION = { 32: "elf_i386", 64: "elf_x86_64" };
const LINK = ["--build-id=none", "-n", "-s", "-z", "noexecstack", "--no-warn-rwx-segments"];

/** The program with all benchmarks is made of a folder; the others are one file each. */
const BENCHMARKS = "bench";

const sourcesIn = (folder) =>
  readdirSync(path.join(KERNEL, folder))
    .filter((name) => /\.[cS]$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
/** Assembly that is of the other width says so by its name. */
const isOfWidth = (width) => (source) => !source.endsWith(`${96 - width}.S`);

async function compile(source, width, flags, folder) {
  const object = path.join(folder, `${source.replaceAll("/", "_")}.${width}.o`);
  await run("gcc", [
    ...COMPILE,
    ...FREESTANDING_INCLUDE,
    ...FOR_WIDTH[width],
    ...flags,
    "-c",
    path.join(KERNEL, source),
    "-o",
    object,
  ]);
  return object;
}

async function compileAll(sources, width, flags, folder) {
  const objects = [];
  for (const source of sources.filter(isOfWidth(width)))
    objects.push(await compile(source, width, flags, folder));
  return objects;
}

async function buildPrograms(width, folder) {
  const flags = ["-I", path.join(KERNEL, "include"), "-I", path.join(KERNEL, "user/library")];
  const common = await compileAll(sourcesIn("user/library"), width, flags, folder);
  const script = path.join(KERNEL, "user/library/program.ld");
  const link = (name, objects) =>
    run("ld", [
      ...["-m", EMULATION[width], ...LINK, "--gc-sections", "-T", script, "-o", path.join(folder, name)],
      ...common,
      ...objects,
    ]);
  for (const source of sourcesIn("user/programs"))
    await link(path.basename(source, ".c"), [await compile(source, width, flags, folder)]);
  await link(BENCHMARKS, await compileAll(sourcesIn("user/benchmarks"), width, flags, folder));
}

/** Links an image for the bare machine by a script that the preprocessor completes. */
async function link(script, width, objects, folder, file) {
  const include = ["-I", path.join(KERNEL, "include")];
  const completed = path.join(folder, path.basename(script));
  await run("gcc", [
    ...["-E", "-P", "-x", "assembler-with-cpp", ...FOR_WIDTH[width], ...include],
    ...[path.join(KERNEL, script), "-o", completed],
  ]);
  await run("ld", ["-m", EMULATION[width], ...LINK, "-T", completed, "-o", file, ...objects]);
  await chmod(file, 0o644); // a file for machines, not for this system
}

async function buildKernel(width, folder, file) {
  const model = width === 64 ? ["-mcmodel=kernel"] : [];
  const flags = ["-I", path.join(KERNEL, "include"), `-Wa,-I,${folder}`, ...model];
  const sources = ["boot", "kernel", "port/native", "port/xen"].flatMap(sourcesIn);
  await link("boot/kernel.ld", width, await compileAll(sources, width, flags, folder), folder, file);
}

/** The stand in which tests run the Xen port: machine memory lies higher than constants of 32 bits reach. */
const STAND = "testing/xen-stand";
const STAND_FOR_WIDTH = { 32: [], 64: ["-fpie"] };

async function buildStand(width, folder, file) {
  const flags = ["-I", KERNEL, "-I", path.join(KERNEL, "include"), ...STAND_FOR_WIDTH[width]];
  const objects = await compileAll(sourcesIn(STAND), width, flags, folder);
  await link(`${STAND}/stand.ld`, width, objects, folder, file);
}

/** Builds all images into a folder. Needs gcc and ld; throws what they say. */
export async function buildMiniKernel(target) {
  await Promise.all(
    WIDTHS.map(async (width) => {
      const folder = await mkdtemp(path.join(tmpdir(), "virtlab-mini-kernel-"));
      try {
        await buildPrograms(width, folder);
        await buildKernel(width, folder, path.join(target, imageName(width)));
        await buildStand(width, folder, path.join(target, standName(width)));
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const versions = await toolVersions();
  if (versions === undefined) {
    console.error("virtlab: gcc and binutils are not installed; the committed images need no building");
    process.exit(2);
  }
  mkdirSync(IMAGES, { recursive: true });
  await buildMiniKernel(IMAGES);
  writeFileSync(path.join(IMAGES, TOOLS_FILE), versions);
  console.log(`${2 * WIDTHS.length} images in ${path.relative(process.cwd(), IMAGES)}`);
}
