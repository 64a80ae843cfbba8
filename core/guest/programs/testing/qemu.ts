/**
 * Runs an image under QEMU's translator, where QEMU is installed, and reads what it printed. With `-icount shift=0` a
 * time-stamp counter tick is an instruction, which the images report when asked to (`count=yes`).
 */
import { execFile, spawnSync } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { commandLine, imageFile, type ProgramValues, type Width } from "../program.js";

const FOLDER = path.dirname(import.meta.dirname);
const BINARY: Record<Width, string> = { 32: "qemu-system-i386", 64: "qemu-system-x86_64" };
/** SYSENTER in 64-bit mode is for processors by Intel. */
const PROCESSOR: Record<Width, readonly string[]> = { 32: [], 64: ["-cpu", "qemu64,vendor=GenuineIntel"] };
/** isa-debug-exit ends QEMU with twice the value written and one. */
const EXIT_STATUS_OK = 1;

export interface QemuRun {
  readonly status: number;
  /** What the guest wrote to its serial port. */
  readonly console: string;
  readonly checksum: string | undefined;
  readonly instructions: number | undefined;
}

export function hasQemu(): boolean {
  return Object.values(BINARY).every((binary) => spawnSync(binary, ["--version"]).status === 0);
}

export async function runInQemu(program: string, width: Width, values: ProgramValues): Promise<QemuRun> {
  const image = path.join(FOLDER, imageFile(program, width));
  const child = promisify(execFile)(
    BINARY[width],
    [
      ...["-accel", "tcg", "-icount", "shift=0,sleep=off", "-m", "256", ...PROCESSOR[width]],
      ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"],
      ...["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
      ...["-kernel", image, "-append", commandLine({ ...values, count: "yes" })],
    ],
    { timeout: 60_000 },
  );
  const { stdout, code } = await child.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  );
  const instructions = /^instructions (\d+)$/m.exec(stdout)?.[1];
  return {
    status: code === EXIT_STATUS_OK ? 0 : code >> 1,
    console: stdout,
    checksum: /^checksum ([0-9a-f]{8})$/m.exec(stdout)?.[1],
    instructions: instructions === undefined ? undefined : Number(instructions),
  };
}
