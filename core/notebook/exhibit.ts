/** What `show` shows: values that know how they look, and do nothing until they are shown. */
import { display, type MimeBundle } from "./kernel.js";

/** A value that can be shown. Printed without `show`, it says what it is. */
export abstract class Exhibit {
  /** What it is, in a line. */
  abstract readonly caption: string;
  /** How it looks, in each format. @throws UserError where that cannot be drawn */
  abstract bundle(): MimeBundle | Promise<MimeBundle>;

  /** For a cell that ends with the value and forgot `show`; a specification of a thousand lines tells nobody anything. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.caption} (await show(…) shows it)`;
  }

  /** The same for Deno's kernel, which asks the last value of a cell how it looks. */
  async [Symbol.for("Jupyter.display")](): Promise<MimeBundle["data"]> {
    return (await this.bundle()).data;
  }
}

/**
 * Shows values under the cell, one below the other; a string is Markdown. Charts are interactive in JupyterLab and VS Code, and
 * pictures elsewhere.
 */
export async function show(...things: readonly (Exhibit | string)[]): Promise<void> {
  for (const thing of things) {
    const bundle =
      typeof thing === "string"
        ? { data: { "text/markdown": thing, "text/plain": thing }, metadata: {} }
        : await thing.bundle();
    await display(bundle);
  }
}
