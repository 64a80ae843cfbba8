/**
 * `virtlab schema`: the JSON Schema of scenarios, and the files that are generated from the code: scenarios/schema.json
 * (editors complete and check scenarios by it), results/COLUMNS.md (the dictionary of columns) and core/notebook/row.ts (the
 * same as a type).
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { columnsMarkdown, Disk } from "../results/index.js";
import { rowTypeText } from "../results/row-type.js";
import { scenarioJsonSchema } from "../scenario/index.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { PROJECT_ROOT } from "./project.js";
import type { Terminal } from "./terminal.js";

export type SchemaAction = "print" | "write" | "check";

export async function schema(action: SchemaAction, json: boolean, terminal: Terminal): Promise<ExitCode> {
  // Indented by one: at two a fifth of the file would be spaces.
  const schemaText = JSON.stringify(scenarioJsonSchema(), undefined, 1);
  if (action === "print") {
    terminal.print(schemaText);
    return EXIT_CODE.ok;
  }
  const generated = [
    { file: "scenarios/schema.json", text: `${schemaText}\n` },
    { file: "results/COLUMNS.md", text: columnsMarkdown() },
    { file: "core/notebook/row.ts", text: rowTypeText() },
  ];
  const stale = generated.filter(({ file, text }) => current(file) !== text);
  for (const { file, text } of stale) {
    if (action === "write") {
      new Disk().replace(path.join(PROJECT_ROOT, file), text);
      if (!json) terminal.print(`wrote ${file}`);
    } else if (!json) {
      terminal.note(messages.staleFile(file));
    }
  }
  const names = (files: readonly { file: string }[]): string[] => files.map(({ file }) => file);
  if (json)
    terminal.print(JSON.stringify({ files: names(generated), stale: names(stale), action }, undefined, 2));
  else if (stale.length === 0) terminal.print(`${names(generated).join(", ")} are as the code has them`);
  return action === "check" && stale.length > 0 ? EXIT_CODE.gateFailed : EXIT_CODE.ok;
}

function current(file: string): string | undefined {
  const full = path.join(PROJECT_ROOT, file);
  return existsSync(full) ? readFileSync(full, "utf8") : undefined;
}
