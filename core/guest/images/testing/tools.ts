/** Programs of the machine that runs the tests: found, or the test is skipped and says why. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BootPlan } from "../boot-plan.js";
import { powerOnRom, ROM_START } from "./power-on-rom.js";

/** True when all these programs are here; otherwise prints what is missing. */
export function haveTools(test: string, ...programs: string[]): boolean {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).error !== undefined);
  if (missing.length > 0) console.log(`skipped: ${test}: no ${missing.join(", no ")} on this machine`);
  return missing.length === 0;
}

/** Runs `body` with a folder that is removed afterwards. */
export function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(path.join(tmpdir(), "guest-image-"));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns standard output @throws with standard error when the program fails */
export function run(program: string, parameters: readonly string[], input?: string): string {
  const result = spawnSync(program, parameters, { encoding: "utf8", input, maxBuffer: 1 << 26 });
  if (result.status !== 0) throw new Error(`${program} ${parameters.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

/** Compiles and links a freestanding program. @param source C, or assembly with the pre-processor when `language` says so */
export function compile(
  source: string,
  flags: readonly string[],
  language: "c" | "assembler-with-cpp" = "c",
): Uint8Array {
  return withFolder((folder) => {
    const output = path.join(folder, "image");
    const common = ["-x", language, "-", "-o", output, "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
    run("gcc", [...common, "-fcf-protection=none", "-Wl,--build-id=none", ...flags], source);
    return readFileSync(output);
  });
}

/** The exit code that a guest asks for is (value << 1) | 1 of what it writes to the debug-exit port. */
const DEBUG_EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"];
const QUIET = ["-accel", "tcg", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"];

/** What the guest wrote to the first serial port under QEMU, with these parameters. */
export function runQemu(parameters: readonly string[], seconds = 30): string {
  const command = [...QUIET, ...DEBUG_EXIT, ...parameters];
  const result = spawnSync("qemu-system-x86_64", command, { encoding: "utf8", timeout: seconds * 1000 });
  if (result.error !== undefined) throw result.error;
  return `${result.stdout}${result.stderr}`;
}

/** Executes a plan under QEMU: memory by its loader device, registers by a boot ROM. */
export function runPlan(plan: BootPlan, memoryMebibytes: number, machine: readonly string[] = []): string {
  return withFolder((folder) => {
    const rom = path.join(folder, "rom");
    const isInRom = ({ physical }: { physical: number }): boolean =>
      physical >= ROM_START && physical < 0x10_0000;
    writeFileSync(rom, powerOnRom(plan.start, plan.writes.filter(isInRom)));
    const parameters = ["-m", String(memoryMebibytes), "-bios", rom, ...machine];
    for (const [index, write] of plan.writes.filter((write) => !isInRom(write)).entries()) {
      const file = path.join(folder, String(index));
      writeFileSync(file, write.bytes);
      parameters.push("-device", `loader,file=${file},addr=${write.physical},force-raw=on`);
    }
    return runQemu(parameters);
  });
}
