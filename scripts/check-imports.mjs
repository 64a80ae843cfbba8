/**
 * Each npm package is touched by one file of core/ (tests aside), so that replacing it is one file's work. The direction of
 * imports between our own files is dependency-cruiser's part (.config/dependency-cruiser.cjs).
 */
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const IMPORT = /(?:^|[\s;}])(?:from|import)\s*\(?\s*["']([^"'./][^"']*)["']/g;

/** The package of a specifier (`yargs/helpers` is `yargs`), or undefined for Node's own modules. */
function packageOf(specifier) {
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return undefined;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** A package may be spread over the files of one folder where it is that folder's language. */
const SPREAD = { zod: "core/scenario/" };

const importers = new Map();
for (const name of readdirSync(path.join(ROOT, "core"), { recursive: true }).sort()) {
  if (!name.endsWith(".ts") || name.endsWith(".test.ts") || name.includes("testing/")) continue;
  const source = readFileSync(path.join(ROOT, "core", name), "utf8").replace(
    /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm,
    "",
  );
  for (const [, specifier] of source.matchAll(IMPORT)) {
    const owner = packageOf(specifier);
    if (owner !== undefined) importers.set(owner, (importers.get(owner) ?? new Set()).add(`core/${name}`));
  }
}

const isSpread = (name, files) => [...files].every((file) => file.startsWith(SPREAD[name] ?? "-"));
const shared = [...importers].filter(([name, files]) => files.size > 1 && !isSpread(name, files));
for (const [name, files] of shared) {
  console.error(
    `${name} is imported by ${files.size} files; let one of them wrap it: ${[...files].join(", ")}`,
  );
}
if (shared.length > 0) process.exit(1);
console.log(`${importers.size} npm packages, each touched by one file`);
