/** A table of text for a terminal: columns padded to their widest field, numbers to the right. */

export interface TextColumn {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Lines without trailing blanks; the first is the header. Fields are single lines. */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)),
  );
  const line = (fields: readonly string[]): string =>
    columns
      .map(({ align }, i) => {
        const field = fields[i] ?? "";
        return align === "right" ? field.padStart(widths[i]!) : field.padEnd(widths[i]!);
      })
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

/** Text broken into lines of at most `width` at blanks, each indented. A longer word stands alone. */
export function wrapText(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  if (line !== "") lines.push(indent + line);
  return lines;
}
