/** What a cell shows while a scenario runs: one line that is replaced in place, and at its end what was run and where it is. */

import { escapeHtml } from "../charts/html.js";
import { duration, progressLine } from "../cli/progress.js";
import type { LabEvent } from "../lab/run.js";
import { LiveOutput, type MimeBundle } from "./kernel.js";

const REDRAW_MS = 250;

export class CellProgress {
  private readonly output = new LiveOutput();
  private readonly began = performance.now();
  private readonly running = new Set<string>();
  private drawn = Number.NEGATIVE_INFINITY;
  private before = 0;
  private done = 0;
  private total = 0;

  readonly event = (event: LabEvent): void => {
    if (event.kind === "folder") [this.before, this.done, this.total] = [event.done, event.done, event.total];
    else if (event.kind === "started") this.running.add(event.cell.id);
    else if (event.kind === "finished") {
      this.running.delete(event.cell.id);
      this.done = event.done;
    }
    const now = performance.now();
    if (now - this.drawn < REDRAW_MS) return;
    this.drawn = now;
    const { done, total, before } = this;
    const state = { done, total, finished: done - before, seconds: (now - this.began) / 1000 };
    this.output.replace(lineBundle(progressLine(state, [...this.running].at(-1) ?? "")));
  };

  /** @param what was run @param isReused nothing had to run @param folder where it is, for people */
  async end(what: string, isReused: boolean, folder: string): Promise<void> {
    const how = isReused ? "as run before" : `in ${duration((performance.now() - this.began) / 1000)}`;
    await this.output.end(lineBundle(`${what} ${how}, kept in ${folder}`));
  }
}

function lineBundle(line: string): MimeBundle {
  const html = `<small style="color:#57606a">${escapeHtml(line)}</small>`;
  return { data: { "text/html": html, "text/plain": line }, metadata: {} };
}
