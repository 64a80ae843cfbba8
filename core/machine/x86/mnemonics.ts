/** Rows by the names that an assembler knows them by: the table's, and the other names the manual and assemblers use. */
import { CONDITIONS } from "./conditions.js";
import type { Row } from "./instruction.js";
import { ROWS } from "./table.js";

const ALIASES: Readonly<Record<string, string>> = {
  sal: "shl",
  xlatb: "xlat",
  wait: "fwait",
  loopz: "loope",
  loopnz: "loopne",
  retn: "ret",
  icebp: "int1",
  ud2a: "ud2",
};

function indexRows(): ReadonlyMap<string, readonly Row[]> {
  const index = new Map<string, Row[]>();
  const add = (name: string, row: Row): void => {
    const rows = index.get(name);
    if (rows === undefined) index.set(name, [row]);
    else rows.push(row);
  };
  for (const row of ROWS) {
    add(row.name, row);
    if (row.condition < 0) continue;
    const { name, aliases } = CONDITIONS[row.condition]!;
    for (const alias of aliases) add(row.name.slice(0, -name.length) + alias, row);
  }
  for (const [alias, name] of Object.entries(ALIASES)) index.set(alias, index.get(name)!);
  return index;
}

let known: ReadonlyMap<string, readonly Row[]> | undefined;

/** Rows by name, lower case; made when it is first asked for. */
export function rowsByName(): ReadonlyMap<string, readonly Row[]> {
  known ??= indexRows();
  return known;
}
