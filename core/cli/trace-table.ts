/**
 * The steps of an access as a table: a numbered row for each entry read, and rows of words between them for what else
 * happened. Where the terminal is narrow the running total goes first, then the entries' bits above the frame.
 */
import type { Trace, TracedAccess, TraceStep } from "../scenario/trace-data.js";
import { hex } from "../scenario/trace-entries.js";
import { tableOf } from "../scenario/trace-questions.js";
import type { Paint } from "./terminal.js";
import { wrapText } from "./text-table.js";
import { errorCodeText, exitText, handlerLines, lookupText, monitorLines, number } from "./trace-words.js";

type Reference = Extract<TraceStep, { kind: "reference" }>;

/** Fields of a reference's row: entry, address, value, flags, where found. */
type Fields = readonly [string, string, string, string, string];

interface Line {
  readonly number: string;
  /** A row of a reference, or words across its columns. */
  readonly content: Fields | string;
  readonly cycles: string;
  readonly total: string;
  readonly isDetail?: boolean;
}

const TITLES: Fields = ["entry", "at", "value", "flags", "found in"];
const GAP = "  ";
/** Columns that words have where the columns of references together are narrower. */
const ROOM_FOR_WORDS = 64;

interface Shape {
  readonly hasTotal: boolean;
  /** Of an entry's value only the frame: its flags have a column. */
  readonly isShort: boolean;
}

/** Widest first. */
const SHAPES: readonly Shape[] = [
  { hasTotal: true, isShort: false },
  { hasTotal: false, isShort: false },
  { hasTotal: false, isShort: true },
];

/** Lines of at most `columns` where that is possible. */
export function stepsTable(access: TracedAccess, trace: Trace, columns: number, paint: Paint): string[] {
  const lines = linesOf(access, trace);
  const layouts = SHAPES.map((shape) => layOut(lines, shape, columns));
  const layout = layouts.find(({ width }) => width <= columns) ?? layouts.at(-1)!;
  return [paint("dim", layout.header), ...lines.flatMap((line) => printed(line, layout, paint))];
}

interface Layout {
  readonly width: number;
  /** Of the columns of a reference's row together. */
  readonly contentWidth: number;
  readonly header: string;
  readonly numberWidth: number;
  readonly cyclesWidth: number;
  readonly totalWidth: number;
  row(fields: Fields): string;
}

function layOut(lines: readonly Line[], shape: Shape, columns: number): Layout {
  const rows = lines.map(({ content }) => content).filter((content) => typeof content !== "string");
  const shaped = (fields: Fields): Fields => (shape.isShort ? withFrameOnly(fields) : fields);
  const widths = TITLES.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => shaped(row)[column]!.length)),
  );
  const widest = (pick: (line: Line) => string, title: string): number =>
    Math.max(title.length, ...lines.map((line) => pick(line).length));
  const numberWidth = widest((line) => line.number, "step");
  const cyclesWidth = widest((line) => line.cycles, "cycles");
  const totalWidth = shape.hasTotal ? widest((line) => line.total, "total") : 0;
  const row = (fields: Fields): string =>
    shaped(fields)
      .map((field, column) =>
        column === 1 || column === 2 ? field.padStart(widths[column]!) : field.padEnd(widths[column]!),
      )
      .join(GAP);
  const besides = numberWidth + cyclesWidth + totalWidth + GAP.length * (shape.hasTotal ? 3 : 2);
  const contentWidth = Math.max(
    widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length),
    Math.min(ROOM_FOR_WORDS, columns - besides),
  );
  const end = totalWidth === 0 ? "" : GAP + "total".padStart(totalWidth);
  const titles = rows.length === 0 ? "" : row(TITLES);
  const header = `${(rows.length === 0 ? "" : "step").padStart(numberWidth)}${GAP}${titles.padEnd(contentWidth)}${GAP}${"cycles".padStart(cyclesWidth)}${end}`;
  return { width: header.length, contentWidth, header, numberWidth, cyclesWidth, totalWidth, row };
}

function withFrameOnly([entry, address, value, flags, place]: Fields): Fields {
  const isValue = value.startsWith("0x");
  const frame = isValue ? `0x${((BigInt(value) >> 12n) & ((1n << 40n) - 1n)).toString(16)}000` : "frame";
  return [entry, address, isValue && flags === "-" ? value : frame, flags, place];
}

function printed(
  { number: step, content, cycles, total, isDetail }: Line,
  layout: Layout,
  paint: Paint,
): string[] {
  const { contentWidth, numberWidth, cyclesWidth, totalWidth } = layout;
  const indent = /^ */.exec(typeof content === "string" ? content : "")![0];
  const texts = typeof content === "string" ? wrapText(content, contentWidth, indent) : [layout.row(content)];
  return texts.map((text, index) => {
    const isLast = index === texts.length - 1;
    const amounts = [isLast ? cycles : "", isLast ? total : ""];
    const end =
      amounts[0]!.padStart(cyclesWidth) + (totalWidth === 0 ? "" : GAP + amounts[1]!.padStart(totalWidth));
    const line =
      `${(index === 0 ? step : "").padStart(numberWidth)}${GAP}${text.padEnd(contentWidth)}${GAP}${end}`.trimEnd();
    return isDetail === true ? paint("dim", line) : line;
  });
}

/** All rows of an access, with the running total as far as it is known. */
function linesOf({ steps }: TracedAccess, trace: Trace): Line[] {
  let total: number | null = 0;
  return steps.flatMap((step, index): Line[] => {
    total = total === null || step.cycles === null ? null : total + step.cycles;
    if (isMerged(steps, index)) return [];
    const amount = step.cycles === null ? "?" : step.cycles === 0 ? "" : number(step.cycles);
    const amounts = { cycles: amount, total: amount === "" ? "" : total === null ? "?" : number(total) };
    if (step.kind === "reference") {
      return [{ number: String(step.number), content: fieldsOf(step, trace), ...amounts }];
    }
    const [first, ...details] = wordsOf(step, steps[index + 1], trace);
    return [
      { number: "", content: first!, ...amounts },
      ...details.map((detail) => ({
        number: "",
        content: `    ${detail}`,
        cycles: "",
        total: "",
        isDetail: true,
      })),
    ];
  });
}

/** A nested walk that begins below its root says so in the row of its address. */
function isMerged(steps: readonly TraceStep[], index: number): boolean {
  const [before, step] = [steps[index - 1], steps[index]];
  return step?.kind === "shortcut" && step.dimension === "host" && before?.kind === "translate";
}

function fieldsOf(step: Reference, trace: Trace): Fields {
  const indent = step.dimension === "host" ? "  " : "";
  return [
    `${indent}${tableOf(trace, step)}[${step.index ?? "?"}]`,
    step.address ?? "?",
    step.value,
    step.flags.length === 0 ? "-" : step.flags.join(" "),
    step.place ?? "?",
  ];
}

/** What a step that reads no entry says; the first line carries its price. */
function wordsOf(step: TraceStep, next: TraceStep | undefined, trace: Trace): string[] {
  const format = trace.nestedFormat;
  switch (step.kind) {
    case "lookup":
      return [lookupText(step, trace.kind === "fetch" ? "L1I" : "L1D")];
    case "walk":
      return ["Page walk starts"];
    case "shortcut":
      return [`walk cache: the ${tableOf(trace, step)} is known, the walk begins there`];
    case "register":
      return [`PDPTE[${step.index ?? "?"}] is a register since CR3 was loaded`];
    case "translate": {
      const what = step.what === "page" ? "the page" : `the guest's ${step.what}`;
      if (step.hit) return [`  ${step.address} (${what}): nested TLB hit`];
      const begins = next?.kind === "shortcut" ? `: walk cache, begins at the ${format} ${next.table}` : "";
      return [`  ${step.address} (${what})${begins}`];
    }
    case "bits":
      return [
        `${step.dimension === "host" ? `  ${format}: ` : ""}accessed or dirty bit set in ${entries(step.entries)}`,
      ];
    case "stop":
      return [
        step.why === "violation"
          ? `Nothing maps guest-physical ${step.address}`
          : `The walk ends: page fault (${errorCodeText(step.errorCode)})`,
      ];
    case "exit":
      return [exitText(step.work, trace), ...monitorLines(step.work)];
    case "handler":
      return [
        `Page fault ${step.errorCode === null ? "?" : hex(step.errorCode)} delivered: the guest's kernel handles it`,
        ...handlerLines(step.work, trace),
      ];
    case "data":
      return [
        `${trace.kind} at host-physical ${step.address ?? "?"}${step.place === "unmodelled" ? "" : `, in ${step.place}`}`,
      ];
    case "reference":
      return [];
  }
}

function entries(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`;
}
