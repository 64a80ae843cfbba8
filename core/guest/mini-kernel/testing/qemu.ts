/** Runs the mini-kernel under QEMU's translator, where QEMU is installed, and gives what it printed. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { DISK_FILE, imageFile, type Width } from "../benchmark.js";

const FOLDER = path.dirname(import.meta.dirname);
const BINARY: Record<Width, string> = { 32: "qemu-system-i386", 64: "qemu-system-x86_64" };
/** isa-debug-exit ends QEMU with twice the value written and one. */
const EXIT_STATUS_OK = 1;

export interface QemuRun {
  readonly status: number;
  /** What the guest wrote to its serial port. */
  readonly console: string;
}

/** @param hasDisk attach the disk, whose file is not written. */
export async function runInQemu(width: Width, line: string, hasDisk: boolean): Promise<QemuRun> {
  const disk = ["-drive", `file=${path.join(FOLDER, DISK_FILE)},format=raw,snapshot=on`];
  const child = promisify(execFile)(
    BINARY[width],
    [
      ...[
        "-accel",
        "tcg",
        "-m",
        "64",
        "-display",
        "none",
        "-monitor",
        "none",
        "-serial",
        "stdio",
        "-no-reboot",
      ],
      ...["-device", "isa-debug-exit,iobase=0xf4,iosize=4", ...(hasDisk ? disk : [])],
      ...["-kernel", path.join(FOLDER, imageFile(width)), "-append", line],
    ],
    { timeout: 60_000 },
  );
  const { stdout, code } = await child.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  );
  return { status: code === EXIT_STATUS_OK ? 0 : code >> 1, console: stdout };
}
