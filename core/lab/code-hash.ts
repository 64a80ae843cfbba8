/**
 * A hash of the simulator's own code. A run that was interrupted may go on only under the code that began it: rows of two
 * versions in one table would answer nothing.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const LAYERS = ["util", "events", "machine", "guest", "monitor", "container", "host", "system", "scenario"];
/** The file of a run's folder that says under which code its rows were made. */
export const CODE_FILE = "code.sha256";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** SHA-256 (hex) of all code that rows depend on. */
export function codeHash(): string {
  const hash = createHash("sha256");
  const add = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) add(name);
      else if (/(?<!\.test|\.d)\.[jt]s$/.test(name))
        hash.update(`${path.relative(ROOT, name)}\n`).update(readFileSync(name));
    }
  };
  const present = new Set(readdirSync(ROOT));
  for (const layer of LAYERS) if (present.has(layer)) add(path.join(ROOT, layer));
  return hash.digest("hex");
}
