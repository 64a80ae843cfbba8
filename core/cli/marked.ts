/** Numbers of the README that commands keep current: what stands between `<!-- name -->` and `<!-- /name -->` is theirs. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Disk } from "../results/index.js";
import { PROJECT_ROOT } from "./project.js";

/** Puts words between the marks of a name in README.md; a README without the marks stays as it is. */
export function writeMarked(name: string, words: string): void {
  const file = path.join(PROJECT_ROOT, "README.md");
  if (!existsSync(file)) return;
  const before = readFileSync(file, "utf8");
  const after = withMarked(before, name, words);
  if (after !== before) new Disk().replace(file, after);
}

/** Whether README.md has other words between the marks of a name; false of a README without the marks. */
export function isMarkedStale(name: string, words: string): boolean {
  const file = path.join(PROJECT_ROOT, "README.md");
  if (!existsSync(file)) return false;
  const text = readFileSync(file, "utf8");
  return withMarked(text, name, words) !== text;
}

export function withMarked(text: string, name: string, words: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  return from < 0 || to < from ? text : text.slice(0, from + begin.length) + words + text.slice(to);
}
