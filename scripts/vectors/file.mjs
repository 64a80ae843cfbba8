/** Writes files of vectors; core/machine/testing/vectors/reader.ts reads them. */
import { differences, FORMAT, formatDifferences, formatFault, NOTHING } from "./shared.mjs";

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** One code and its cases as `Case`s of the reader, to be run. */
export function casesOfCode(code, mode) {
  const shared = {
    title: code.title,
    bytes: Uint8Array.from(code.bytes),
    mode,
    kinds: code.kinds,
    setup: code.setup.join(" "),
    ignored: [],
  };
  return code.cases.map((setup, ordinal) => ({
    code: shared,
    source: code,
    ordinal,
    setup: setup.join(" "),
  }));
}

/** What a file says of a case: a fault, and what changed. RIP behind the code goes without saying. */
export function outcomeOf(one, initial, final, fault) {
  if (fault === undefined) initial.rip += BigInt(one.code.bytes.length);
  const changes = formatDifferences(differences(initial, final));
  const words = [fault === undefined ? "" : `!${formatFault(fault)}`, changes].filter((one) => one !== "");
  return words.length === 0 ? NOTHING : words.join(" ");
}

/** The text of a file. `results` are [case, outcome] in order. */
export function formatFile(mode, comment, results) {
  const lines = [FORMAT, `# ${comment}`, `mode ${mode}`];
  let title = "";
  let kinds = "";
  let code;
  for (const [one, outcome] of results) {
    const { source } = one;
    if (source !== code) {
      const nextKinds = `operands ${source.kinds.memory} ${source.kinds.x87}`;
      if (nextKinds !== kinds) lines.push(nextKinds);
      if (source.title !== title) lines.push(`: ${source.title}`);
      lines.push([`> ${hexOf(source.bytes)}`, ...source.setup, ...source.ignored].join(" "));
      kinds = nextKinds;
      title = source.title;
      code = source;
    }
    lines.push(` ${one.setup === "" ? "" : `${one.setup}|`}${outcome}`);
  }
  return `${lines.join("\n")}\n`;
}
