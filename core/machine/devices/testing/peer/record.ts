/** Asks QEMU for its answers to a script. Needs qemu-system-x86_64 and nasm. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { answersOfStub, type Operation, tableOf } from "./operations.js";

const ASSEMBLER = "nasm";
const QEMU = "qemu-system-x86_64";
const STUB = fileURLToPath(new URL("stub.asm", import.meta.url));
const TIMEOUT_MILLISECONDS = 60_000;

/** Runs the operations on QEMU's PC with one disk. @returns what they read. */
export function answersOfQemu(operations: readonly Operation[], disk: Uint8Array): number[] {
  const folder = mkdtempSync(path.join(tmpdir(), "peer-"));
  const file = (name: string): string => path.join(folder, name);
  try {
    execFileSync(ASSEMBLER, ["-f", "bin", "-o", file("kernel"), STUB]);
    writeFileSync(file("kernel"), Buffer.concat([readFileSync(file("kernel")), tableOf(operations)]));
    writeFileSync(file("disk"), disk);
    // biome-ignore format: an option and its value a line
    const options = [
      "-machine", "pc", "-accel", "tcg", "-cpu", "qemu64", "-m", "64",
      "-nodefaults", "-display", "none", "-vga", "none", "-no-reboot",
      "-serial", "null", "-serial", "null",
      "-drive", `if=ide,format=raw,file=${file("disk")}`,
      "-kernel", file("kernel"),
      "-debugcon", `file:${file("answers")}`,
      "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
    ];
    const { status, stderr } = spawnSync(QEMU, options, { timeout: TIMEOUT_MILLISECONDS });
    if (status !== 1) throw new Error(`QEMU ended with ${status}: ${stderr}`);
    return answersOfStub(operations, readFileSync(file("answers")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
