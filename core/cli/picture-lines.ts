/** The files of charts as a person wants them told: one line a picture, whatever formats it has. */

/** `charts/1-cycles.vl.json`, `.svg`, `.png` → `charts/1-cycles.svg (also .vl.json, .png)`; other files stay as they are. */
export function pictureLines(files: readonly string[]): string[] {
  const formats = new Map<string, string[]>();
  for (const file of files) {
    const [, stem = file, format = ""] = /^(.*?)(\.(?:vl\.json|svg|png))?$/.exec(file) ?? [];
    formats.set(stem, [...(formats.get(stem) ?? []), format]);
  }
  return [...formats].map(([stem, found]) => {
    const main = found.find((format) => format === ".svg") ?? found[0]!;
    const others = found.filter((format) => format !== main);
    return others.length === 0 ? `${stem}${main}` : `${stem}${main} (also ${others.join(", ")})`;
  });
}
