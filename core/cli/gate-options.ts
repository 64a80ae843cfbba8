/** `virtlab compare`, `merge`, `baseline` and `history` as commands.ts declares them: what they take, and what their help says. */
import { RUN_SIZES } from "../util/parameters.js";
import { actionOf, choiceOf, flagOf, textOf, textsOf } from "./arguments.js";
import type { Command } from "./commands.js";
import * as messages from "./messages.js";

const value = (description: string, written: string) => ({
  nargs: 1,
  description: `${description} [${written}]`,
});
const flag = (description: string) => ({ type: "boolean", description }) as const;

const BASELINE_ACTIONS = ["list", "update"] as const;
const HISTORY_ACTIONS = ["show", "add"] as const;

export const GATE_COMMANDS: readonly Command[] = [
  {
    usage: "compare <a> <b>",
    summary: "The gate: equal modelled numbers, or what differs and why (exit code 1; 3 without a baseline)",
    positionals: {
      a: "Before: a run, a folder of runs or baselines, a CSV, a scenario's name (its baseline), or a commit's baselines (main, HEAD~1:ept)",
      b: "After: the same; a scenario's name is its latest run",
    },
    options: {
      strict: flag("Red also for scenarios without a baseline, and for new columns"),
      all: flag("Every difference, nothing folded"),
      markdown: flag("A summary in Markdown"),
      json: flag("One JSON document on stdout, and nothing else there"),
      summary: value("Append the Markdown to a file, as $GITHUB_STEP_SUMMARY wants it", "file"),
      junit: value("Write JUnit XML: a suite for each scenario, a case for each cell", "file"),
      "action-benchmark": value("Write the cycles of B's cells for github-action-benchmark", "file"),
    },
    examples: [
      ["compare results/baselines results/runs", "every scenario's latest run against its baseline"],
      ["compare ept ept", "one scenario: its baseline against its latest run"],
      ["compare main results/runs", "against the baselines of a branch"],
      ["compare before/rows.csv after/rows.csv --markdown", "for a pull request"],
    ],
    run: async (values, { terminal }) => {
      const [markdown, json] = [flagOf(values["markdown"]), flagOf(values["json"])];
      if (markdown && json) throw messages.optionsExclude("markdown", "json");
      const options = {
        a: String(values["a"]),
        b: String(values["b"]),
        markdown,
        json,
        strict: flagOf(values["strict"]),
        all: flagOf(values["all"]),
        summary: textOf("summary", values["summary"]),
        junit: textOf("junit", values["junit"]),
        actionBenchmark: textOf("action-benchmark", values["action-benchmark"]),
      };
      return (await import("./compare.js")).compare(options, terminal);
    },
  },
  {
    usage: "merge <shards..>",
    summary: "Shards of a run into the run: rows, expectations, charts, as if one machine had run it all",
    positionals: {
      shards: "Folders that `bench --shard k/n --out <folder>` wrote, or one that holds them all",
    },
    options: {
      out: value("Folder for the run; default: results/runs/<scenario>/<time>-<hash>", "folder"),
      "no-charts": flag("Draw no charts and write no report"),
      quiet: flag("No table"),
      json: flag("One JSON document on stdout, and nothing else there"),
    },
    examples: [
      ["merge shards/1 shards/2", "after `bench ept --shard 1/2 --out shards/1` and the other"],
      ["merge shards --out merged", "all of a folder, as a job of CI collects them"],
    ],
    run: async (values, { terminal, args }) => {
      const options = {
        shards: textsOf("shards", values["shards"]),
        out: textOf("out", values["out"]),
        charts: !flagOf(values["no-charts"]),
        quiet: flagOf(values["quiet"]),
        json: flagOf(values["json"]),
        args,
      };
      return (await import("./merge.js")).mergeShards(options, terminal);
    },
  },
  {
    usage: "baseline <action> [what..]",
    summary: "Baselines in results/baselines: list them with their reasons, or bless new rows",
    positionals: {
      action: BASELINE_ACTIONS.join(" or "),
      what: "Scenarios, which are run now, or folders of runs; default: every scenario that comes along",
    },
    options: {
      why: value("Why the numbers change; kept beside the baseline", "text"),
      size: value("Size of runs made now; default tiny", RUN_SIZES.join(" | ")),
      json: flag("One JSON document on stdout, and nothing else there"),
    },
    examples: [
      ["baseline list", "what is blessed, and why"],
      [
        'baseline update ept --why "nested walks count the leaf reference"',
        "run ept at tiny and bless its rows",
      ],
      ['baseline update results/runs/ept/latest --why "…"', "bless a run that is there"],
    ],
    run: async (values, { terminal, args }) => {
      const options = {
        action: actionOf("baseline", values["action"], BASELINE_ACTIONS)!,
        what: textsOf("what", values["what"]),
        why: textOf("why", values["why"]),
        size: choiceOf("size", values["size"], RUN_SIZES),
        json: flagOf(values["json"]),
        args,
      };
      return (await import("./baseline.js")).baseline(options, terminal);
    },
  },
  {
    usage: "history [action] [what..]",
    summary: "Results over commits: append a run, or show the series and where they changed",
    positionals: {
      action: `${HISTORY_ACTIONS.join(" or ")}; default show`,
      what: "add: runs, or folders of runs. show: scenarios; default all",
    },
    options: {
      folder: value("Where the series are; default results/history", "folder"),
      html: value("Write a page with charts, tables and changes", "file"),
      json: flag("One JSON document on stdout, and nothing else there"),
    },
    examples: [
      ["history add results/runs/ept/latest", "one line more, under the commit that the run was made with"],
      ["history", "every series: last value, sparkline, last change"],
      ["history show speed --html history.html", "one scenario's, as a page"],
    ],
    run: async (values, { terminal }) => {
      const options = {
        action: actionOf("history", values["action"], HISTORY_ACTIONS) ?? "show",
        what: textsOf("what", values["what"]),
        folder: textOf("folder", values["folder"]),
        html: textOf("html", values["html"]),
        json: flagOf(values["json"]),
      };
      return (await import("./history.js")).history(options, terminal);
    },
  },
];
