/** `virtlab run` as commands.ts declares it: what it takes, and what its help says. */
import { IMAGE_KINDS } from "../guest/images/boot-plan.js";
import { ENGINES } from "../scenario/config.js";
import { GIB } from "../util/units.js";
import { choiceOf, flagOf, numberOf, sizeOf, textOf, wholeNumberOf } from "./arguments.js";
import type { Command } from "./commands.js";

const value = (description: string, written: string) => ({
  nargs: 1,
  description: `${description} [${written}]`,
});
const flag = (description: string) => ({ type: "boolean", description }) as const;

const KINDS = ["auto", ...IMAGE_KINDS] as const;
const CACHES = ["all", "walker", "off"] as const;
const RAW_MODES = ["16", "32", "64"] as const;
const MOST_MEMORY = 3 * GIB;
const MOST = Number.MAX_SAFE_INTEGER;

export const RUN_COMMAND: Command = {
  usage: "run <image>",
  summary: "Boot one image: its serial port on stdout, then what it did and cost on stderr",
  positionals: {
    image: "ELF file, Multiboot or PVH kernel, Linux bzImage, raw code, or a program of the lab",
  },
  options: {
    append: value("The kernel's command line", "text"),
    initrd: value("The initramfs of a Linux kernel, or the first module", "file"),
    modules: value("Modules for a Multiboot or PVH kernel", "file,file"),
    disk: value("Contents of the first IDE disk; what the guest writes is not kept", "file"),
    kind: value("How to start it; default auto, by its contents", KINDS.join(" | ")),
    "raw-mode": value("Mode in which raw code starts", RAW_MODES.join(" | ")),
    "raw-address": value("Where raw code lies; default 0x7c00 in 16-bit mode, else 1MiB", "address"),
    "raw-entry": value("Where raw code is entered; default its first byte", "address"),
    profile: value("CPU profile; default nehalem-2008", "name"),
    memory: value("Memory; default 256MiB, at most 3GiB", "size"),
    caches: value("References that go through the modelled data caches; default all", CACHES.join(" | ")),
    engine: value("What executes code, the same either way; default translator", ENGINES.join(" | ")),
    budget: value("Instructions after which the guest has failed; default 2e9", "number"),
    seconds: value("Seconds of the machine's time after which it has failed; default 60", "number"),
    seed: value("Seed of all chance", "number"),
    json: flag("One JSON document on stdout, with the serial output in it, and nothing else there"),
  },
  examples: [
    ["run my-kernel.elf --append 'n=100'", "your own kernel; it ends by writing 0 to port 0xf4"],
    ["run program/gups --append n=1000", "a program that comes along: virtlab list workloads"],
    ["run vmlinuz --initrd initramfs.cpio --append console=ttyS0", "Linux, on the serial console"],
    ["run sector.bin --kind raw --raw-mode 16", "a boot sector"],
    ["run my-kernel.elf --profile zen-3-2020 --caches off --json", "for a program to read"],
  ],
  run: async (values, { terminal }) => {
    const text = (name: string): string | undefined => textOf(name, values[name]);
    const address = (name: string): number | undefined => sizeOf(name, values[name], 0, MOST_MEMORY);
    const options = {
      image: String(values["image"]),
      append: text("append"),
      initrd: text("initrd"),
      modules: text("modules"),
      disk: text("disk"),
      kind: choiceOf("kind", values["kind"], KINDS),
      rawMode: choiceOf("raw-mode", values["raw-mode"], RAW_MODES),
      rawAddress: address("raw-address"),
      rawEntry: address("raw-entry"),
      profile: text("profile"),
      memory: sizeOf("memory", values["memory"], 1, MOST_MEMORY),
      caches: choiceOf("caches", values["caches"], CACHES),
      engine: choiceOf("engine", values["engine"], ENGINES),
      budget: wholeNumberOf("budget", values["budget"], 1, MOST),
      seconds: numberOf("seconds", values["seconds"]),
      seed: wholeNumberOf("seed", values["seed"], 0, 0xffff_ffff),
      json: flagOf(values["json"]),
    };
    return (await import("./run.js")).run(options, terminal);
  },
};
