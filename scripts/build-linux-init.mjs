/**
 * Builds the first process of the Linux guest from core/guest/programs/linux-init/init.c, with gcc. The program is committed, so
 * that nobody needs a compiler; run this after a change of the source:
 *
 *   node scripts/build-linux-init.mjs      writes core/guest/programs/linux-init/init, and the compiler's version beside it
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./build.mjs";

const FOLDER = path.join(ROOT, "core/guest/programs/linux-init");
const FLAGS = [
  "-std=gnu11",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Os",
  "-ffreestanding",
  "-nostdlib",
  "-static",
  "-fno-pie",
  "-no-pie",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-fcf-protection=none",
  "-mgeneral-regs-only",
  "-fno-ident", // no name of the compiler in the file
  "-Wa,-mx86-used-note=no",
  "-Wl,--build-id=none,-z,norelro,-z,noseparate-code,-z,noexecstack",
  "-s",
];

/** First line of `gcc --version`, or undefined without gcc. */
export function compilerVersion() {
  const result = spawnSync("gcc", ["--version"], { encoding: "utf8" });
  return result.error === undefined ? result.stdout.split("\n")[0] : undefined;
}

/** The program, as gcc here makes it. @throws with gcc's messages */
export function buildLinuxInit() {
  const folder = mkdtempSync(path.join(tmpdir(), "linux-init-"));
  try {
    const output = path.join(folder, "init");
    const source = path.join(FOLDER, "init.c");
    const result = spawnSync("gcc", [...FLAGS, "-o", output, source], { encoding: "utf8" });
    if (result.status !== 0) throw new Error(`gcc: ${result.error?.message ?? result.stderr}`);
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bytes = buildLinuxInit();
  writeFileSync(path.join(FOLDER, "init"), bytes, { mode: 0o755 });
  writeFileSync(path.join(FOLDER, "BUILT-WITH"), `${compilerVersion()}\n`);
  console.log(`${bytes.length} bytes, built with ${compilerVersion()}`);
}
