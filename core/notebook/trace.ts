/** One translation in a cell, reference by reference: what `virtlab trace` prints, as a value. */
import { escapeHtml } from "../charts/html.js";
import { traceText } from "../cli/trace-text.js";
import type { GuestPaging } from "../scenario/index.js";
import { drawnCell, usualCell } from "../scenario/trace-choice.js";
import type { AccessKind, Trace as TraceData, TraceState } from "../scenario/trace-data.js";
import { tracedAsWished } from "../scenario/trace-exercise.js";
import type { Question } from "../scenario/trace-questions.js";
import type { PageSizeName } from "../util/units.js";
import { Exhibit } from "./exhibit.js";
import type { MimeBundle } from "./kernel.js";

/** Everything may be left out. */
export interface TraceSettings {
  /** `native`, `hardware/shadow`, `hardware/nested`, `paravirtual/direct`; default hardware/nested. */
  readonly technique?: string;
  readonly profile?: string;
  readonly paging?: GuestPaging;
  readonly page?: PageSizeName;
  readonly hostPage?: PageSizeName;
  /** Paging-structure caches and nested TLB; default true. */
  readonly walkCaches?: boolean;
  readonly address?: number;
  readonly kind?: AccessKind;
  /** Only one of the four: cold, walk, neighbour, warm. */
  readonly state?: TraceState;
  /** Makes an exercise of it: what is not said is drawn from the seed, and what is to be found is hidden. */
  readonly seed?: number;
  /** Reveals what an exercise hides. */
  readonly answers?: boolean;
}

/** Columns of the text. */
const WIDTH = 110;

export class Trace extends Exhibit {
  readonly caption: string;

  constructor(
    readonly data: TraceData,
    readonly questions: readonly Question[],
  ) {
    super();
    this.caption = `trace of ${data.address} under ${data.technique}`;
  }

  get text(): string {
    return traceText(this.data, this.questions, WIDTH, (_style, text) => text);
  }

  /** Entries read by the access in a state; null where an exercise hides it. */
  references(state: TraceState): number | null {
    return this.data.accesses.find((access) => access.state === state)?.references ?? null;
  }

  bundle(): MimeBundle {
    const { text } = this;
    const html = `<pre style="line-height:1.25;overflow-x:auto">${escapeHtml(text)}</pre>`;
    return { data: { "text/html": html, "text/plain": text }, metadata: {} };
  }
}

/** @throws UserError for what a profile, a technique or an address space cannot do */
export function trace(settings: TraceSettings = {}): Trace {
  const { address, kind, state, seed, answers = false, ...choice } = settings;
  const config = seed === undefined ? usualCell(choice) : drawnCell(choice, seed);
  const { trace: data, questions } = tracedAsWished({ config, address, kind, state, seed, answers });
  return new Trace(data, questions);
}
