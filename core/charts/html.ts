/**
 * HTML from values: everything is escaped unless it is HTML already. Titles, reasons and ids are anybody's
 * words.
 */

/** Text that is HTML. */
export class Html {
  constructor(readonly text: string) {}
}

export type HtmlPart = Html | string | number | readonly HtmlPart[];

/** html`<p>${anything}</p>`: strings and numbers are escaped, Html is not, lists are joined. */
export function html(literals: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(literals.reduce((text, literal, index) => text + textOf(parts[index - 1]!) + literal));
}

function textOf(part: HtmlPart): string {
  if (part instanceof Html) return part.text;
  return typeof part === "object" ? part.map(textOf).join("") : escapeHtml(String(part));
}

/** Safe in text and in quoted attributes. */
export function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => names[character]!);
}

/** A value as JSON inside a script element: no `<` remains that could end it. */
export function scriptJson(value: unknown): Html {
  return new Html(
    JSON.stringify(value)
      .replaceAll("<", "\\u003c")
      .replaceAll("\u2028", "\\u2028")
      .replaceAll("\u2029", "\\u2029"),
  );
}

/** Program text inside a script element; within its strings `<\/script` means the same. */
export function scriptText(code: string): Html {
  return new Html(code.replace(/<\/(script)/gi, "<\\/$1").replaceAll("<!--", "<\\!--"));
}

export interface TableColumn {
  readonly title: string;
  /** Shown when the pointer rests on the title. */
  readonly hint?: string;
  readonly isNumber?: boolean;
  /** Prose or a list of names, which may take several lines. */
  readonly isText?: boolean;
}

export interface TableCell {
  readonly text: string;
  /** What sorting compares, when it is not the text. */
  readonly value?: number;
}

/** A table that scrolls in its own box, with a header that stays and, with the page's script, sorts. */
export function tableHtml(columns: readonly TableColumn[], rows: readonly (readonly TableCell[])[]): Html {
  const head = columns.map((column) => {
    const { title, hint = "" } = column;
    return html`<th scope="col" class="${classOf(column)}" title="${hint}"><button type="button">${title}</button></th>`;
  });
  const body = rows.map((cells) => {
    const fields = cells.map((cell, index) => {
      const value = cell.value === undefined ? "" : html` data-value="${cell.value}"`;
      return html`<td class="${classOf(columns[index])}"${value}>${cell.text}</td>`;
    });
    return html`<tr>${fields}</tr>\n`;
  });
  return html`<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function classOf(column: TableColumn | undefined): string {
  return column?.isNumber ? "number" : column?.isText ? "text" : "";
}
