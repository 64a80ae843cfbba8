/** A trace for a person: what is traced, the address as bits, a table for each state, and the questions. */
import type { Amount, HeldIn, Trace, TracedAccess } from "../scenario/trace-data.js";
import type { Question } from "../scenario/trace-questions.js";
import type { Paint } from "./terminal.js";
import { wrapText } from "./text-table.js";
import { addressDrawing } from "./trace-drawing.js";
import { stepsTable } from "./trace-table.js";
import { categoriesText, counted, STATE_WORDS } from "./trace-words.js";

export function traceText(
  trace: Trace,
  questions: readonly Question[],
  columns: number,
  paint: Paint,
): string {
  const title = `${trace.kind} of ${trace.address} by a user process: ${trace.technique} on ${trace.profile}`;
  return [
    paint("bold", title),
    ...factLines(trace, columns, paint),
    "",
    ...addressDrawing(trace.fields, columns - 2).map((line) => `  ${line}`),
    ...trace.accesses.flatMap((access) => ["", ...accessLines(access, trace, columns, paint)]),
    ...(questions.length === 0 ? [] : ["", ...questionLines(questions, columns, paint)]),
  ].join("\n");
}

function factLines(trace: Trace, columns: number, paint: Paint): string[] {
  const { facts, nestedFormat, nestedRoot, technique } = trace;
  const { prices, latencies } = facts;
  const isNested = nestedRoot !== undefined;
  const cr3 =
    technique === "hardware/shadow" ? "the shadow's root" : isNested ? "guest-physical" : "host-physical";
  const tables = isNested
    ? `${nestedFormat} of ${facts.hostLevels} levels, root at ${nestedRoot}, ${trace.hostPage} pages, A and D bits ${facts.accessedDirty ? "on" : "off"}`
    : technique === "hardware/shadow"
      ? `shadow tables, mappings of ${trace.hostPage} at most`
      : technique === "native"
        ? "none"
        : "direct paging: the guest's tables hold machine addresses";
  const rows: readonly (readonly [string, string])[] = [
    ["guest", `${trace.paging} paging, ${trace.page} pages, CR3 = ${trace.cr3} (${cr3})`],
    ["monitor", tables],
    ["CPU", facts.profileTitle],
    [
      "cycles",
      `${Object.entries(latencies)
        .map(([place, cycles]) => `${place} ${cycles}`)
        .join(
          ", ",
        )}; a walk ${prices.walkStart} and its references; A or D bit ${prices.entryBits}; L2 TLB hit ${prices.tlbL2Hit}; data ${prices.reference}, and what it takes longer than L1`,
    ],
    ["TLBs", tlbsText(trace)],
    ["walk caches", walkCachesText(trace)],
    ["flags", flagsText(trace)],
  ];
  const indent = 2 + Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.flatMap(([name, text]) =>
    wrapText(text, columns - indent).map((line, index) =>
      index === 0 ? `  ${paint("dim", name.padEnd(indent - 2))}${line}` : " ".repeat(indent) + line,
    ),
  );
}

function tlbsText({ facts, kind }: Trace): string {
  const first = kind === "fetch" ? "L1I" : "L1D";
  const parts = ([first, "L2"] as const).flatMap((tlb) => {
    const arrays = facts.tlbs.filter((array) => array.tlb === tlb);
    const texts = arrays.map(
      ({ entries, ways, pages }) =>
        `${entries} × ${pages.join("/")} (${ways === entries ? "full" : `${ways}-way`})`,
    );
    return texts.length === 0 ? [] : [`${tlb} ${texts.join(", ")}`];
  });
  return parts.length === 0 ? "off" : parts.join("; ");
}

function walkCachesText({ facts, nestedFormat, nestedRoot }: Trace): string {
  const { guest, host, nestedTlb } = facts.walkCaches;
  const list = (caches: readonly Amount[]): string =>
    caches.map(({ name, count }) => `${count} ${name} entries`).join(", ");
  const parts = [
    guest.length === 0 ? "" : list(guest),
    host.length === 0 ? "" : `${nestedFormat}: ${list(host)}`,
    nestedRoot === undefined || nestedTlb === 0 ? "" : `nested TLB: ${nestedTlb}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "none" : parts.join("; ");
}

function flagsText({ nestedFormat, nestedRoot, paging }: Trace): string {
  const noExecute = paging === "32-bit" ? "" : ", NX not executable";
  const ordinary = `P present, RW writable, US user, A accessed, D dirty, PS large page${noExecute}`;
  return nestedRoot !== undefined && nestedFormat === "EPT"
    ? `${ordinary}; EPT: R, W, X read, write, execute`
    : ordinary;
}

function accessLines(access: TracedAccess, trace: Trace, columns: number, paint: Paint): string[] {
  const head = `${paint("bold", access.state)}: ${STATE_WORDS[access.state]}`;
  if (access.references === null) return [head, "  ?"];
  return [
    head,
    "",
    ...stepsTable(access, trace, columns, paint),
    "",
    ...summaryOf(access, trace).flatMap((text) => bullet(text, columns)),
  ];
}

function summaryOf(
  { state, references, cycles, categories, held }: TracedAccess,
  { closedForm }: Trace,
): string[] {
  const count = references ?? 0;
  const whole = closedForm === null ? "?" : formula(closedForm);
  const comparison = state === "walk" || state === "neighbour" ? `; without walk caches ${whole}` : "";
  const places = held.map(heldText).join("; ");
  return [
    `${count === 0 ? "No entry" : counted(count, "entry", "entries")} read${comparison}`,
    cycles === null ? "? cycles" : `${counted(cycles, "cycle")}: ${categoriesText(categories)}`,
    held.length === 0 ? "no TLB holds the page" : `${state === "warm" ? "held in" : "now held in"} ${places}`,
  ];
}

function bullet(text: string, columns: number): string[] {
  return wrapText(text, columns, "    ").map((line, index) =>
    index === 0 ? `  • ${line.trimStart()}` : line,
  );
}

function formula({ guest, host, references }: NonNullable<Trace["closedForm"]>): string {
  return host === 0 ? `${references}` : `(${guest} + 1)(${host} + 1) - 1 = ${references}`;
}

function heldText({ tlb, entries, ways, set, way, page, guestPage }: HeldIn): string {
  const place = ways === entries ? `entry ${way ?? "?"}` : `set ${set ?? "?"} way ${way ?? "?"}`;
  const size =
    page === null
      ? "as ? page"
      : page === guestPage
        ? `as a ${page} page`
        : `as a ${page} piece of the guest's ${guestPage} page (fractured)`;
  return `${tlb} TLB ${place} ${size}`;
}

function questionLines(questions: readonly Question[], columns: number, paint: Paint): string[] {
  const isOpen = questions.every(({ answer }) => answer === null);
  const lines = questions.flatMap(({ number, text, answer }) => {
    const head = `${String(number).padStart(3)}. `;
    const indent = " ".repeat(head.length);
    const asked = wrapText(text, columns, indent);
    const answered =
      answer === null ? [] : wrapText(answer, columns, indent).map((line) => paint("green", line));
    return [head + asked[0]!.slice(head.length), ...asked.slice(1), ...answered];
  });
  return [
    paint("bold", isOpen ? "Questions" : "Questions and answers"),
    ...lines,
    ...(isOpen ? ["", "  The same command with --answers shows them."] : []),
  ];
}
