/** `virtlab step`, `translation`, `profile` and `lockstep` as commands.ts declares them: what they take, and what their help says. */
import { GIB } from "../util/units.js";
import { choiceOf, flagOf, sizeOf, textOf, type Written, wholeNumberOf } from "./arguments.js";
import type { Command } from "./commands.js";

const value = (description: string, written: string) => ({
  nargs: 1,
  description: `${description} [${written}]`,
});
const flag = (description: string) => ({ type: "boolean", description }) as const;

const ENGINES = ["interpreter", "translator"] as const;
const MOST = Number.MAX_SAFE_INTEGER;
/** Of a machine that executes code. */
const MOST_MEMORY = 3 * GIB;

const IMAGE_OPTIONS = {
  append: value("The guest's command line", "text"),
  initrd: value("The initramfs of a Linux kernel", "file"),
  profile: value("CPU profile; default nehalem-2008", "name"),
  memory: value("Memory; default 256MiB, at most 3GiB", "size"),
  budget: value("Instructions after which to give up; default 1000000000", "number"),
  json: flag("One JSON document on stdout, and nothing else there"),
};
const POSITIONALS = { image: "ELF file, Multiboot or PVH kernel, Linux bzImage, or a program of the lab" };

const imageOptions = (values: Readonly<Record<string, Written>>) => ({
  image: String(values["image"]),
  append: textOf("append", values["append"]),
  initrd: textOf("initrd", values["initrd"]),
  profile: textOf("profile", values["profile"]),
  memory: sizeOf("memory", values["memory"], 1, MOST_MEMORY),
  budget: wholeNumberOf("budget", values["budget"], 1, MOST),
  json: flagOf(values["json"]),
});

export const INSPECT_COMMANDS: readonly Command[] = [
  {
    usage: "step <image>",
    summary: "A guest instruction by instruction: what each changed, counted and cost",
    positionals: POSITIONALS,
    options: {
      ...IMAGE_OPTIONS,
      from: value("Number of the first instruction; default 0, the guest's first", "number"),
      count: value("Instructions to follow; default 30", "number"),
      engine: value("What executes the guest up to there; the same either way", ENGINES.join(" | ")),
    },
    examples: [
      ["step my-kernel.elf", "the first 30 instructions"],
      ["step program/system-call", "of a program that comes along"],
      ["step my-kernel.elf --from 1000000 --count 5", "five later ones"],
    ],
    run: async (values, { terminal }) => {
      const options = {
        ...imageOptions(values),
        from: wholeNumberOf("from", values["from"], 0, MOST),
        count: wholeNumberOf("count", values["count"], 1, 1_000_000),
        engine: choiceOf("engine", values["engine"], ENGINES),
      };
      return (await import("./inspect.js")).step(options, terminal);
    },
  },
  {
    usage: "translation <image>",
    summary: "Kernel code beside what a binary translator makes of it, in the image as it is loaded",
    positionals: POSITIONALS,
    options: {
      append: IMAGE_OPTIONS.append,
      initrd: IMAGE_OPTIONS.initrd,
      memory: IMAGE_OPTIONS.memory,
      at: value("Where the translator begins; default where the guest starts", "symbol or address"),
      count: value("Pieces to translate, one behind the other; default 1", "number"),
      json: IMAGE_OPTIONS.json,
    },
    examples: [
      [
        "translation program/nano --at program --count 4",
        "IN, branches and calls of a program that comes along",
      ],
      ["translation my-kernel.elf --at 0x101000", "at an address"],
    ],
    run: async (values, { terminal }) => {
      const { image, append, initrd, memory, json } = imageOptions(values);
      const options = {
        ...{ image, append, initrd, memory, json },
        at: textOf("at", values["at"]),
        count: wholeNumberOf("count", values["count"], 1, 10_000),
      };
      return (await import("./translation.js")).translation(options, terminal);
    },
  },
  {
    usage: "profile <image>",
    summary: "Where a guest spends its cycles, by symbol of its ELF file",
    positionals: POSITIONALS,
    options: {
      ...IMAGE_OPTIONS,
      interval: value("Instructions between two samples; default 9973", "number"),
    },
    examples: [["profile my-kernel.elf --append n=100", "the symbols in which most cycles pass"]],
    run: async (values, { terminal }) => {
      const options = {
        ...imageOptions(values),
        interval: wholeNumberOf("interval", values["interval"], 1, MOST),
      };
      return (await import("./inspect.js")).profile(options, terminal);
    },
  },
  {
    usage: "lockstep <image>",
    summary: "Interpreter and translator side by side, to the first instruction at which they differ",
    positionals: POSITIONALS,
    options: {
      ...IMAGE_OPTIONS,
      checkpoint: value("Instructions between two comparisons; default 100000", "number"),
    },
    examples: [["lockstep my-kernel.elf", "exit code 1 and the place, if they differ"]],
    run: async (values, { terminal }) => {
      const options = {
        ...imageOptions(values),
        checkpoint: wholeNumberOf("checkpoint", values["checkpoint"], 1, MOST),
      };
      return (await import("./inspect.js")).lockstep(options, terminal);
    },
  },
];
