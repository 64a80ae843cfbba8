/**
 * The commands and their options (the one file that touches yargs): what each is called, what it takes, and which function
 * answers it. Handlers are imported when their command runs, so that `--help` needs no simulator. Help texts live here.
 */

import type { Argv, Options } from "yargs";
import yargs from "yargs";
import { RUN_SIZES } from "../util/parameters.js";
import { choiceOf, flagOf, shardOf, textOf, textsOf, type Written, wholeNumberOf } from "./arguments.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { GATE_COMMANDS } from "./gate-options.js";
import { INSPECT_COMMANDS } from "./inspect-options.js";
import { LITERATURE_COMMANDS } from "./literature-options.js";
import * as messages from "./messages.js";
import { projectVersion } from "./project.js";
import { RUN_COMMAND } from "./run-options.js";
import type { Terminal } from "./terminal.js";
import { TRACE_COMMAND } from "./trace-options.js";

type OptionTable = Readonly<Record<string, Options>>;
type Values = Readonly<Record<string, Written>>;

export interface Command {
  /** In the notation of yargs: `bench <scenario>`. */
  readonly usage: string;
  readonly summary: string;
  readonly positionals: Readonly<Record<string, string>>;
  readonly options: OptionTable;
  /** [arguments after `virtlab`, what it does]. */
  readonly examples: readonly (readonly [string, string])[];
  run(values: Values, context: Context): Promise<ExitCode>;
}

export interface Context {
  readonly terminal: Terminal;
  /** As typed, without node and the script; for provenance. */
  readonly args: readonly string[];
}

/** An option with one value; its help ends in what to write. */
const text = (description: string, value: string): Options => ({
  nargs: 1,
  description: `${description} [${value}]`,
});
const flag = (description: string): Options => ({ type: "boolean", description });

const SCENARIO_OPTIONS: OptionTable = {
  set: text("Override anything in the scenario; may be repeated", "key=value"),
  size: text("Size of the run", RUN_SIZES.join(" | ")),
  seed: text("Seed of all chance", "number"),
  only: text("Only cells that match an expression over axes", "where"),
};
const JSON_OPTION: OptionTable = { json: flag("One JSON document on stdout, and nothing else there") };

const scenarioValues = (values: Values) => ({
  scenario: String(values["scenario"]),
  sets: textsOf("set", values["set"]),
  size: choiceOf("size", values["size"], RUN_SIZES),
  seed: wholeNumberOf("seed", values["seed"], 0, 0xffff_ffff),
  only: textOf("only", values["only"]),
  json: flagOf(values["json"]),
});

const COMMANDS: readonly Command[] = [
  {
    usage: "bench <scenario>",
    summary: "Run a scenario: rows, charts, a report, and whether its expectations hold",
    positionals: { scenario: "A YAML file, or the name of a scenario that comes along" },
    options: {
      ...SCENARIO_OPTIONS,
      workers: text("Worker threads; default: one a core. 0 runs in the main thread", "number"),
      out: text("Folder for the run; default: results/runs/<scenario>/<time>-<hash>", "folder"),
      shard: text("Only one part of the cells, for `virtlab merge`", "k/n"),
      resume: flag("Go on with an unfinished run of the same cells, or fail"),
      fresh: flag("Start anew, even where an unfinished run could go on"),
      "no-charts": flag("Draw no charts and write no report"),
      quiet: flag("No progress and no table"),
      against: text(
        "Compare with another revision instead: rows, and host times where there is timing:",
        "git ref or folder",
      ),
      pairs: text("With --against: pairs of processes for each cell; default 10", "7 to 20"),
      summary: text("With --against: append Markdown to a file", "file"),
      ...JSON_OPTION,
    },
    examples: [
      ["bench scenarios/ept.yaml", "shadow page tables or EPT?"],
      ["bench ept --size tiny --only \"workload == 'gups'\"", "some cells, quickly"],
      ["bench ept --set machine.profile=haswell-2013 --set seed=7", "another machine and seed"],
      ["bench speed --against main", "is this working tree slower than main?"],
      ["bench ept --json --quiet", "for a program to read"],
    ],
    run: async (values, context) => {
      const [resume, fresh] = [flagOf(values["resume"]), flagOf(values["fresh"])];
      if (resume && fresh) throw messages.optionsExclude("resume", "fresh");
      const against = textOf("against", values["against"]);
      const [pairs, summary] = [
        wholeNumberOf("pairs", values["pairs"], 7, 20),
        textOf("summary", values["summary"]),
      ];
      if (against !== undefined) {
        const other = ["workers", "out", "shard", "resume", "fresh", "no-charts"].find(
          (name) => values[name] !== undefined,
        );
        if (other !== undefined) throw messages.optionsExclude("against", other);
        const options = {
          ...scenarioValues(values),
          against,
          pairs,
          summary,
          quiet: flagOf(values["quiet"]),
        };
        return (await import("./against.js")).benchAgainst(options, context.terminal);
      }
      if (pairs !== undefined) throw messages.optionNeeds("pairs", "against");
      if (summary !== undefined) throw messages.optionNeeds("summary", "against");
      const options = {
        ...scenarioValues(values),
        workers: wholeNumberOf("workers", values["workers"], 0, 1024),
        out: textOf("out", values["out"]),
        resume: resume ? "always" : fresh ? "never" : "auto",
        shard: shardOf(values["shard"]),
        charts: !flagOf(values["no-charts"]),
        quiet: flagOf(values["quiet"]),
        args: context.args,
      } as const;
      return (await import("./bench.js")).bench(options, context.terminal);
    },
  },
  RUN_COMMAND,
  {
    usage: "plan <scenario>",
    summary: "The cells of a scenario, without running them",
    positionals: { scenario: "A YAML file, or the name of a scenario that comes along" },
    options: { ...SCENARIO_OPTIONS, ...JSON_OPTION },
    examples: [
      ["plan scenarios/ept.yaml", "every cell, and which are unsupported and why"],
      ["plan ept --size full --json", "for a program to read"],
    ],
    run: async (values, { terminal }) => (await import("./plan.js")).plan(scenarioValues(values), terminal),
  },
  {
    usage: "list [topic]",
    summary: "What there is: scenarios, workloads, profiles, techniques, events, columns, …",
    positionals: {
      topic:
        "scenarios, techniques, workloads, profiles, settings, events, columns, categories, exits, owners or costs",
    },
    options: JSON_OPTION,
    examples: [
      ["list", "what a scenario can be made of"],
      ["list events", "everything that is counted"],
    ],
    run: async (values, { terminal }) =>
      (await import("./list.js")).list(
        { topic: textOf("topic", values["topic"]), json: flagOf(values["json"]) },
        terminal,
      ),
  },
  {
    usage: "describe <thing..>",
    summary: "What one thing is: its meaning, parameters, numbers and source",
    positionals: {
      thing: "A workload, profile, technique, setting, event, cycle category, exit reason, cost or column",
    },
    options: JSON_OPTION,
    examples: [
      ["describe gups", "a workload: parameters with their defaults"],
      ["describe host.levels", "a setting: what it takes, and its default"],
      ["describe nehalem-2008", "a CPU profile: every number with its source"],
      ["describe cost vm_exit", "one kind of thing, where a name has several meanings"],
    ],
    run: async (values, { terminal }) =>
      (await import("./describe.js")).describe(
        { words: textsOf("thing", values["thing"]), json: flagOf(values["json"]) },
        terminal,
      ),
  },
  TRACE_COMMAND,
  ...INSPECT_COMMANDS,
  ...GATE_COMMANDS,
  ...LITERATURE_COMMANDS,
  {
    usage: "report <run>",
    summary: "Draw the charts and the report of a run again",
    positionals: { run: "A run folder" },
    options: JSON_OPTION,
    examples: [["report results/runs/ept/latest", "after a change to the charts"]],
    run: async (values, { terminal }) =>
      (await import("./report.js")).report(
        { run: String(values["run"]), json: flagOf(values["json"]) },
        terminal,
      ),
  },
  {
    usage: "schema",
    summary: "The schema of scenarios, for editors; and the files generated from the code",
    positionals: {},
    options: {
      write: flag("Rewrite scenarios/schema.json, results/COLUMNS.md and core/notebook/row.ts"),
      check: flag("Exit with 1 when one of them is stale"),
      ...JSON_OPTION,
    },
    examples: [
      ["schema > schema.json", "JSON Schema, draft 2020-12"],
      ["schema --check", "in CI"],
    ],
    run: async (values, { terminal }) => {
      const [write, check] = [flagOf(values["write"]), flagOf(values["check"])];
      if (write && check) throw messages.optionsExclude("write", "check");
      const action = write ? "write" : check ? "check" : "print";
      return (await import("./schema.js")).schema(action, flagOf(values["json"]), terminal);
    },
  },
];

const EXAMPLES: Command["examples"] = [
  ["bench scenarios/ept.yaml", "run a scenario"],
  ["run my-kernel.elf", "boot one image"],
  ["plan ept", "see its cells first"],
  ["describe hardware/nested", "what a name means"],
];
const EXIT_CODES_TEXT =
  "Exit codes: 0 ok, 1 a cell, an expectation or a comparison failed or no cell could run, 2 a mistake to mend, 3 no baseline, 70 a bug in virtlab, 130 or 143 stopped.";

const COMMAND_NAMES = COMMANDS.map(({ usage }) => usage.split(" ")[0]!);

/** Parses and runs. @throws UserError for a mistake in the arguments, and whatever the command throws */
export async function runCommand(context: Context): Promise<ExitCode> {
  const { terminal } = context;
  // `virtlab help bench`, as many commands understand it.
  const args = context.args[0] === "help" ? [...context.args.slice(1), "--help"] : context.args;
  let code: ExitCode = EXIT_CODE.ok;
  const parser = yargs([...args])
    .scriptName("virtlab")
    .usage("virtlab: the same guest under every way of virtualizing it\n\nUsage: $0 <command> [options]")
    .locale("en")
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "duplicate-arguments-array": true,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
    })
    .version(projectVersion())
    .help()
    .alias("h", "help")
    .wrap(Math.min(110, terminal.columns))
    .exitProcess(false)
    .strictOptions()
    .epilogue(`${examplesText(EXAMPLES)}\n\n${EXIT_CODES_TEXT}\nMore of a command: virtlab <command> --help`)
    .fail((message: string | null, error: Error | undefined) => {
      if (error !== undefined && error.name !== "YError") throw error;
      throw argumentError(message ?? error?.message ?? "", args);
    });
  for (const command of COMMANDS) {
    parser.command(
      command.usage,
      command.summary,
      (builder) => declare(builder, command),
      async (values) => {
        code = await command.run(values, context);
      },
    );
  }
  const word = args[0];
  if (word === undefined) {
    terminal.note(await parser.getHelp());
    return EXIT_CODE.userError;
  }
  if (!word.startsWith("-") && !COMMAND_NAMES.includes(word))
    throw messages.unknownCommand(word, COMMAND_NAMES);
  await parser.parseAsync();
  return code;
}

function examplesText(examples: Command["examples"]): string {
  return `Examples:\n${examples.map(([words, meaning]) => `  virtlab ${words}\n      ${meaning}`).join("\n")}`;
}

function declare(builder: Argv, command: Command): Argv {
  for (const [name, description] of Object.entries(command.positionals)) {
    builder.positional(name, { type: "string", description });
  }
  builder.options(command.options);
  builder.epilogue(examplesText(command.examples));
  return builder.usage(`Usage: $0 ${command.usage} [options]\n\n${command.summary}.`).strict();
}

/** What an option's help says to write: `file`. */
function valueWord(command: Command | undefined, option: string): string | undefined {
  return /\[(.*)\]$/.exec(command?.options[option]?.description ?? "")?.[1];
}

/** What yargs found wrong, in our words. */
function argumentError(message: string, args: readonly string[]): Error {
  const command = COMMANDS[COMMAND_NAMES.indexOf(args.find((argument) => !argument.startsWith("-")) ?? "")];
  const name = command === undefined ? "virtlab" : `virtlab ${command.usage.split(" ")[0]}`;
  const unknown = /^Unknown arguments?: (.*)$/s.exec(message)?.[1]?.split(", ");
  if (unknown === undefined) {
    const lacking = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
    if (lacking !== undefined) return messages.optionNeedsValue(lacking, valueWord(command, lacking));
    const missing = /^Not enough non-option arguments/.test(message) && command !== undefined;
    return messages.missingArgument(
      missing ? `${name} needs ${command.usage.replace(/^\S+ /, "")}` : message,
      name,
    );
  }
  const isOption = (word: string): boolean =>
    args.some((argument) => argument.replace(/=.*/s, "") === (word.length === 1 ? `-${word}` : `--${word}`));
  const option = unknown.find(isOption);
  const options = [...Object.keys(command?.options ?? {}), "help", "version"];
  return option === undefined
    ? messages.tooManyArguments(unknown, name)
    : messages.unknownOption(option, options, name);
}
