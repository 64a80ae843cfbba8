/** What a trace says in words: states, exits, and what kernel and monitor did. */
import { CYCLE_CATEGORIES } from "../events/categories.js";
import { EXIT_REASONS } from "../events/exit-reasons.js";
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import type { Amount, ExitGroup, Trace, TraceState, TraceStep, Work } from "../scenario/trace-data.js";
import { errorCodeWords, hex } from "../scenario/trace-entries.js";
import { formatBytes } from "../util/units.js";

export const STATE_WORDS: Readonly<Record<TraceState, string>> = {
  cold: "first touch: the guest has mapped the page and never used it",
  walk: "the page is there; TLBs and walk caches were emptied",
  neighbour: "TLBs were emptied, then the page beside it was walked",
  warm: "once more, at once",
};

export function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** "12 cycles", "1 cycle". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** Cycles by category: "Walk: page table 28, Guest user 1". */
export function categoriesText(categories: readonly Amount[]): string {
  const label = (name: string): string =>
    (CYCLE_CATEGORIES.find((category) => category.name === name)?.label ?? name).toLowerCase();
  return categories.map(({ name, count }) => `${label(name)} ${number(count)}`).join(", ");
}

/** What the TLBs answered. */
export function lookupText({ l1, l2 }: Extract<TraceStep, { kind: "lookup" }>, tlb: string): string {
  if (l1 === "off") return "no TLB";
  const said = { hit: "hit", miss: "miss", refused: "holds the page, not this right", off: "" };
  const second = l2 === undefined ? "" : `, L2 ${said[l2]}`;
  return `TLB: ${tlb} ${said[l1]}${second}`;
}

export function errorCodeText(code: number | null): string {
  return code === null ? "error code ?" : `error code ${hex(code)}: ${errorCodeWords(code)}`;
}

/** What leaving the guest was for. Kinds of exit that only a kernel causes are never alone in a step. */
export function exitText({ exits }: Work, { nestedFormat }: Trace): string {
  const reason = exits[0]?.reason ?? "";
  const words: Readonly<Record<string, string>> = {
    page_fault_hidden: "Exit, hidden fault: the guest's tables allow it; the monitor fills the shadow",
    page_fault_true: "Exit, true fault: the guest's tables do not allow it; the monitor hands it on",
    ept_violation: `Exit, ${violationName(nestedFormat)}: the monitor gives the guest a host page`,
    trap: "Trap: the hypervisor bounces the fault to the guest's kernel",
  };
  return words[reason] ?? `Exit: ${exitLabel(reason, nestedFormat)}`;
}

function violationName(format: Trace["nestedFormat"]): string {
  return format === "EPT" ? "EPT violation" : "nested page fault";
}

function exitLabel(reason: string, format: Trace["nestedFormat"]): string {
  if (reason === "ept_violation") return violationName(format);
  const label = EXIT_REASONS.find(({ name }) => name === reason)?.label ?? reason;
  return /^[A-Z]{2}/.test(label) ? label : label.toLowerCase();
}

/** Lines under an exit: how its price is made up, what the monitor did. */
export function monitorLines(work: Work): string[] {
  const of = (name: string): number => work.categories.find((category) => category.name === name)?.count ?? 0;
  return [
    `transition ${number(of("transition"))}, monitor ${number(of("monitor"))}`,
    ...listed([...shadowWork(work), ...memoryTaken(work)]),
  ];
}

/** Lines under a page fault that the guest's kernel handles. */
export function handlerLines(work: Work, trace: Trace): string[] {
  const event = (name: string): number => work.events.find((each) => each.name === name)?.count ?? 0;
  const did = [
    counted(event("guest_zeroed"), "page zeroed", "pages zeroed"),
    counted(event("guest_table_writes"), "table entry written", "table entries written"),
    `${counted(event("references"), "reference")} of its own with ${counted(event("walks"), "walk")} of ${counted(event("walk_refs"), "entry", "entries")}`,
  ];
  return [
    categoriesText(work.categories),
    did.join(", "),
    ...work.exits.map((exit) => exitLine(exit, trace)),
    ...listed([...shadowWork(work), ...memoryTaken(work)]),
  ];
}

function exitLine({ reason, count, cycles }: ExitGroup, { nestedFormat }: Trace): string {
  return `${number(count)} × ${exitLabel(reason, nestedFormat)}: ${counted(cycles, "cycle")}`;
}

/** Shadow paging's and direct paging's bookkeeping, as far as it happened. */
function shadowWork({ events }: Work): string[] {
  const words: readonly (readonly [string, string, string])[] = [
    ["shadow_tables_made", "shadow table made", "shadow tables made"],
    ["shadow_entries_filled", "shadow entry filled", "shadow entries filled"],
    ["shadow_unsynced", "guest table let out of sync", "guest tables let out of sync"],
    ["shadow_tables_dropped", "shadow table dropped", "shadow tables dropped"],
    ["shadow_large_split", "large page split", "large pages split"],
    ["mmu_updates", "update validated", "updates validated"],
  ];
  return words.flatMap(([name, one, many]) => {
    const count = events.find((event) => event.name === name)?.count ?? 0;
    return count === 0 ? [] : [counted(count, one, many)];
  });
}

function memoryTaken({ memory }: Work): string[] {
  return memory.map(({ name, count }) => {
    const label = MEMORY_OWNERS.find((owner) => owner.name === name)?.label ?? name;
    return `${formatBytes(count)} more of ${label.toLowerCase().replace("monitor's", "the monitor's")}`;
  });
}

function listed(parts: readonly string[]): string[] {
  return parts.length === 0 ? [] : [parts.join(", ")];
}
