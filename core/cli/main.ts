#!/usr/bin/env node
/**
 * The process: parse, call, print, exit. Every outcome of a command ends here as an exit code; a `UserError` is told without
 * a stack, anything else is our bug and says how to replay it.
 */
import { heedBranchHints } from "../scenario/branch-hints.js";
import { UserError } from "../util/errors.js";
import { runCommand } from "./commands.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { projectVersion } from "./project.js";
import { processTerminal, type Terminal } from "./terminal.js";

async function main(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await runCommand({ args, terminal });
  } catch (error) {
    if (error instanceof UserError) {
      terminal.note(`${terminal.paintNote("red", "error:")} ${error.text}`);
      const { message, where = null, mend = null } = error;
      if (args.includes("--json"))
        terminal.print(JSON.stringify({ error: { message, where, mend } }, undefined, 2));
      return EXIT_CODE.userError;
    }
    return reportBug(error, args, terminal);
  }
}

function reportBug(error: unknown, args: readonly string[], terminal: Terminal): ExitCode {
  terminal.note(messages.bugReport(error, args, projectVersion()));
  return EXIT_CODE.bug;
}

heedBranchHints();
const args = process.argv.slice(2);
const terminal = processTerminal();
process.on("uncaughtException", (error) => process.exit(reportBug(error, args, terminal)));
void main(args, terminal).then((code) => {
  process.exitCode = code;
});
