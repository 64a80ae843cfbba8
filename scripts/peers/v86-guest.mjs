/** One guest in v86: `node v86-guest.mjs <image> <command line>`. Its serial port is the standard output. */
import { readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { V86 } from "v86";
import { MEMORY_MEBIBYTES } from "./memory.mjs";

const STANDARD_OUTPUT = 1;
const [image, line] = process.argv.slice(2);
const emulator = new V86({
  wasm_path: fileURLToPath(new URL("v86.wasm", import.meta.resolve("v86"))),
  memory_size: MEMORY_MEBIBYTES * 2 ** 20,
  multiboot: { buffer: new Uint8Array(readFileSync(image)).buffer },
  cmdline: line,
  autostart: true,
  disable_keyboard: true,
  disable_mouse: true,
  disable_speaker: true,
});
// Written at once, byte by byte: the event loop stands still while the guest runs, and the reader takes the time.
emulator.add_listener("serial0-output-byte", (byte) => writeSync(STANDARD_OUTPUT, Uint8Array.of(byte)));
