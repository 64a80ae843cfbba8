/** `virtlab validate`, `claims` and `sensitivity` as commands.ts declares it: what holds the lab against the literature. */
import { RUN_SIZES } from "../util/parameters.js";
import { choiceOf, flagOf, textOf, textsOf, wholeNumberOf } from "./arguments.js";
import type { Command } from "./commands.js";
import * as messages from "./messages.js";

const value = (description: string, written: string) => ({
  nargs: 1,
  description: `${description} [${written}]`,
});
const flag = (description: string) => ({ type: "boolean", description }) as const;

const MOST_WORKERS = 1024;
/** Percent: a price cannot be below 0. */
const MOST_SPREAD = 100;
const DEFAULT_SPREAD = 50;

export const LITERATURE_COMMANDS: readonly Command[] = [
  {
    usage: "validate",
    summary:
      "Hold the lab against the literature: scenarios/papers beside published figures, and how near they come",
    positionals: {},
    options: {
      size: value("Size of the runs", RUN_SIZES.join(" | ")),
      paper: value("Only scenarios with this in their name or text", "word"),
      workers: value("Worker threads; default: one a core", "number"),
      fresh: flag("Run everything anew; else runs of the same cells by the same code are taken"),
      "leave-one-out": flag(
        "Refit what was set from each publication without it, and tell how near its figures then come",
      ),
      write: flag("Make this results/validation.csv, FITS.md and leave-one-out.csv"),
      check: flag("Exit with 1 where results/validation.csv is not this"),
      out: value("Folder of validation.html and its charts; default results/runs/validation", "folder"),
      quiet: flag("The summary alone"),
      json: flag("One JSON document on stdout, and nothing else there"),
    },
    examples: [
      ["validate", "every paper: published, ours, error, fitted or predicted; and a summary"],
      ["validate --paper xen --size tiny", "one of them, quickly"],
      ["validate --check", "in CI: are the committed numbers what the scenarios give?"],
    ],
    run: async (values, { terminal, args }) => {
      const [write, check] = [flagOf(values["write"]), flagOf(values["check"])];
      if (write && check) throw messages.optionsExclude("write", "check");
      const paper = textOf("paper", values["paper"]);
      if (write && paper !== undefined) throw messages.optionsExclude("write", "paper");
      const leaveOneOut = flagOf(values["leave-one-out"]);
      if (leaveOneOut && paper !== undefined) throw messages.optionsExclude("leave-one-out", "paper");
      const options = {
        size: choiceOf("size", values["size"], RUN_SIZES),
        paper,
        workers: wholeNumberOf("workers", values["workers"], 0, MOST_WORKERS),
        fresh: flagOf(values["fresh"]),
        action: write ? "write" : check ? "check" : "show",
        leaveOneOut,
        out: textOf("out", values["out"]),
        quiet: flagOf(values["quiet"]),
        json: flagOf(values["json"]),
        args,
      } as const;
      return (await import("./validate.js")).validate(options, terminal);
    },
  },
  {
    usage: "claims [runs]",
    summary:
      "What a textbook claims, and what the scenarios make of it: confirmed, refuted, or on what it depends",
    positionals: {
      runs: "A folder of runs to take verdicts from; default: scenarios are run, or their finished runs taken",
    },
    options: {
      size: value("Size of the runs; default tiny", RUN_SIZES.join(" | ")),
      workers: value("Worker threads; default: one a core", "number"),
      write: flag("Rewrite results/CLAIMS.md"),
      check: flag("Exit with 1 where results/CLAIMS.md is stale"),
      quiet: flag("The counts alone"),
      json: flag("One JSON document on stdout, and nothing else there"),
    },
    examples: [
      ["claims", "every claim, its verdict and the scenarios that speak of it"],
      ["claims --write", "after a change to a line that carries a claim"],
    ],
    run: async (values, { terminal, args }) => {
      const [write, check] = [flagOf(values["write"]), flagOf(values["check"])];
      if (write && check) throw messages.optionsExclude("write", "check");
      const options = {
        runs: textOf("runs", values["runs"]),
        size: choiceOf("size", values["size"], RUN_SIZES) ?? "tiny",
        workers: wholeNumberOf("workers", values["workers"], 0, MOST_WORKERS),
        action: write ? "write" : check ? "check" : "show",
        quiet: flagOf(values["quiet"]),
        json: flagOf(values["json"]),
        args,
      } as const;
      return (await import("./claims.js")).claims(options, terminal);
    },
  },
  {
    usage: "sensitivity [scenario]",
    summary: "Over which range of each assumed constant a scenario's expectations hold",
    positionals: {
      scenario: "A YAML file, or the name of a scenario that comes along; default: the headline conclusions",
    },
    options: {
      over: value(
        "A constant to move, such as costs.vm_exit or start.client; may be repeated. Default: those that are assumed",
        "constant",
      ),
      spread: value("How far, unless its own range is wider; default 50", "percent"),
      set: value("Override anything in the scenario; may be repeated", "key=value"),
      size: value("Size of the runs; default tiny", RUN_SIZES.join(" | ")),
      only: value("Only cells that match an expression over axes", "where"),
      workers: value("Worker threads; default: one a core", "number"),
      out: value(
        "Folder of sensitivity.csv and its chart; default results/runs/<scenario>/sensitivity",
        "folder",
      ),
      write: flag("Rewrite results/SENSITIVITY.md and sensitivity.csv: the headline conclusions"),
      quiet: flag("No progress"),
      json: flag("One JSON document on stdout, and nothing else there"),
    },
    examples: [
      ["sensitivity --write", "the headline conclusions, over every assumed constant: minutes"],
      [
        "sensitivity ept --over costs.vm_exit --over costs.vm_entry --spread 80",
        "one scenario, two prices, farther",
      ],
    ],
    run: async (values, { terminal }) => {
      const scenario = textOf("scenario", values["scenario"]);
      const write = flagOf(values["write"]);
      if (write && scenario !== undefined) throw messages.optionsExclude("write", "scenario");
      const options = {
        scenario,
        write,
        sets: textsOf("set", values["set"]),
        size: choiceOf("size", values["size"], RUN_SIZES) ?? "tiny",
        only: textOf("only", values["only"]),
        over: textsOf("over", values["over"]),
        spread: wholeNumberOf("spread", values["spread"], 1, MOST_SPREAD) ?? DEFAULT_SPREAD,
        workers: wholeNumberOf("workers", values["workers"], 0, MOST_WORKERS),
        out: textOf("out", values["out"]),
        quiet: flagOf(values["quiet"]),
        json: flagOf(values["json"]),
      };
      return (await import("./sensitivity.js")).sensitivity(options, terminal);
    },
  },
];
