/** One guest in virtlab: `node virtlab-guest.mjs <image> <command line>`. Its serial port is the standard output. */
import { readFileSync, writeSync } from "node:fs";
import { findProfile } from "../../dist/events/profiles/index.js";
import { loadImage } from "../../dist/guest/images/image.js";
import { Computer } from "../../dist/machine/computer.js";
import { heedBranchHints } from "../../dist/scenario/branch-hints.js";
import { MEMORY_MEBIBYTES } from "./memory.mjs";

const STANDARD_OUTPUT = 1;
/** Modelled as always: TLBs, walk caches and cycles, exactly. Data caches are an option, and off. */
const PROFILE = "skylake-2015";
const INSTRUCTIONS_MOST = 1e11;
/** As other emulators do, it stays after the guest's end until it is killed: the times of its threads are read then. */
const LINGER_MS = 10_000;

const [image, append] = process.argv.slice(2);
const memoryBytes = MEMORY_MEBIBYTES * 2 ** 20;
heedBranchHints(); // as the command line does
const computer = new Computer({
  profile: findProfile(PROFILE),
  memoryBytes,
  caches: "off",
  walkCaches: true,
  tlb: true,
  seed: 1,
});
computer.load(loadImage(readFileSync(image), { name: image, append, memoryBytes }));
computer.onSerial = (byte) => writeSync(STANDARD_OUTPUT, Uint8Array.of(byte));
const outcome = computer.run(INSTRUCTIONS_MOST);
if (outcome.kind === "exit" && outcome.status === 0) {
  setTimeout(() => {}, LINGER_MS);
} else {
  console.error(`the guest ended with ${JSON.stringify(outcome)}`);
  process.exitCode = 1;
}
