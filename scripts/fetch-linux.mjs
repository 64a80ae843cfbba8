/**
 * Fetches Debian's Linux kernel for the scenario that boots it, and packs the initramfs with our init. Needs a Debian or Ubuntu
 * machine with its package lists, or a package file or kernel that is already here. Nothing of it is committed.
 *
 *   node scripts/fetch-linux.mjs                      the package linux-image-cloud-amd64, by apt-get download; no root needed
 *   node scripts/fetch-linux.mjs --package NAME       another one, e.g. linux-image-amd64
 *   node scripts/fetch-linux.mjs --deb FILE           a package file
 *   node scripts/fetch-linux.mjs --kernel FILE        a bzImage, e.g. /boot/vmlinuz-…
 *
 * Writes results/images/: vmlinuz, initramfs.cpio, and linux.json, which says where the kernel comes from.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildIfStale, ROOT } from "./build.mjs";

const DEFAULT_PACKAGE = "linux-image-cloud-amd64";
const TARGET = path.join(ROOT, "results", "images");
const INIT = path.join(ROOT, "core", "guest", "programs", "linux-init", "init");
/** Enough for every kernel to be placed; the plan that results is thrown away. */
const TRIAL_MEMORY = 1024 * 1024 * 1024;
const LARGEST_OUTPUT = 1 << 30;

/** Something that the user can mend: printed without a stack. */
class Problem extends Error {
  constructor(message, mend) {
    super(mend === undefined ? message : `${message}\n  ${mend}`);
  }
}

/** Standard output of a program. @throws Problem when it is missing or fails */
function run(program, parameters, options = {}) {
  const result = spawnSync(program, parameters, { maxBuffer: LARGEST_OUTPUT, ...options });
  if (result.error?.code === "ENOENT") throw new Problem(`there is no program ${program} on this machine`);
  if (result.error !== undefined) throw new Problem(`${program}: ${result.error.message}`);
  if (result.status !== 0)
    throw new Problem(`${program} ${parameters.join(" ")}: ${result.stderr.toString().trim()}`);
  return result.stdout;
}

const has = (program) => spawnSync(program, ["--version"]).error === undefined;

/** The package with the kernel itself, at the version that the named package wants: it may only depend on it. */
function resolvePackage(name) {
  if (!has("apt-cache") || !has("apt-get")) {
    throw new Problem(
      "there is no apt on this machine, so Debian's package cannot be fetched",
      "give a kernel: --kernel /boot/vmlinuz-…, or a package file: --deb linux-image-….deb",
    );
  }
  const record = run("apt-cache", ["show", "--no-all-versions", name], { encoding: "utf8" });
  const depends = /^Depends:.*?\b(linux-image-\d[^\s,]*)(?: \(= ([^)]+)\))?/m.exec(record);
  if (depends !== null) return { name: depends[1], version: depends[2] };
  const version = /^Version: (.+)$/m.exec(record);
  if (version === null) throw new Problem(`apt knows no package ${name}`, "update its lists: apt-get update");
  return { name, version: version[1] };
}

/** @returns the bytes of the package file */
function download({ name, version }) {
  const folder = mkdtempSync(path.join(tmpdir(), "fetch-linux-"));
  try {
    const wanted = version === undefined ? name : `${name}=${version}`;
    console.log(`fetching ${wanted}`);
    run("apt-get", ["-q", "download", wanted], { cwd: folder });
    return readFileSync(
      path.join(
        folder,
        readdirSync(folder).find((file) => file.endsWith(".deb")),
      ),
    );
  } catch (error) {
    throw new Problem(error.message, "is there a network? are the lists up to date? try: apt-get update");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const AR_MAGIC = "!<arch>\n";
const AR_HEADER_BYTES = 60;

/** A package is an ar archive: 60-byte headers with the name in the first 16 bytes and the size at 48 (deb(5)). */
function dataArchive(deb) {
  if (deb.toString("latin1", 0, AR_MAGIC.length) !== AR_MAGIC) throw new Problem("it is no Debian package");
  for (let at = AR_MAGIC.length; at + AR_HEADER_BYTES <= deb.length; ) {
    const name = deb.toString("latin1", at, at + 16).trim();
    const size = Number(deb.toString("latin1", at + 48, at + 58));
    const start = at + AR_HEADER_BYTES;
    if (name.startsWith("data.tar")) return { name, bytes: deb.subarray(start, start + size) };
    at = start + size + (size % 2);
  }
  throw new Problem("the package has no data.tar");
}

/** The kernel in a package. tar decompresses with the program that the archive's name asks for. */
function kernelOf(deb) {
  const { name, bytes } = dataArchive(deb);
  const decompress = { ".xz": "--xz", ".zst": "--zstd", ".gz": "--gzip" }[path.extname(name)];
  const flags = decompress === undefined ? [] : [decompress];
  const kernel = run("tar", ["-x", "-O", ...flags, "--wildcards", "./boot/vmlinuz-*"], { input: bytes });
  if (kernel.length === 0) throw new Problem("the package has no file boot/vmlinuz-*");
  return kernel;
}

function readUserFile(name) {
  try {
    return readFileSync(name);
  } catch (error) {
    throw new Problem(`cannot read ${name}: ${error.message}`);
  }
}

function kernelFrom(options) {
  if (options.kernel !== undefined) return { kernel: readUserFile(options.kernel), source: options.kernel };
  if (options.deb !== undefined) return { kernel: kernelOf(readUserFile(options.deb)), source: options.deb };
  const wanted = resolvePackage(options.package);
  return { kernel: kernelOf(download(wanted)), source: [wanted.name, wanted.version].join(" ").trimEnd() };
}

async function main() {
  const string = { type: "string" };
  const { values } = parseArgs({
    options: { package: { ...string, default: DEFAULT_PACKAGE }, deb: string, kernel: string },
  });
  // With type errors elsewhere the compiler still writes what is needed here.
  if (!buildIfStale() && !existsSync(path.join(ROOT, "dist/guest/images/cpio.js"))) {
    throw new Problem("the build failed");
  }
  const { initramfs } = await import("../dist/guest/images/cpio.js");
  const { loadImage } = await import("../dist/guest/images/image.js");

  const { kernel, source } = kernelFrom(values);
  loadImage(kernel, { name: source, kind: "bzimage", memoryBytes: TRIAL_MEMORY });
  const origin = { source, bytes: kernel.length, sha256: createHash("sha256").update(kernel).digest("hex") };
  mkdirSync(TARGET, { recursive: true });
  writeFileSync(path.join(TARGET, "vmlinuz"), kernel);
  writeFileSync(path.join(TARGET, "initramfs.cpio"), initramfs(readFileSync(INIT)));
  writeFileSync(path.join(TARGET, "linux.json"), `${JSON.stringify(origin, undefined, 2)}\n`);
  console.log(
    `${path.relative(process.cwd(), TARGET) || "."}: vmlinuz (${source}), initramfs.cpio, linux.json`,
  );
}

try {
  await main();
} catch (error) {
  const isUsers =
    error instanceof Problem || error.name === "UserError" || error.code?.startsWith("ERR_PARSE_ARGS");
  console.error(isUsers ? `fetch-linux: ${error.text ?? error.message}` : error);
  process.exitCode = isUsers ? 2 : 1;
}
