/**
 * A trace as an exercise: which of its values a student is to find, and the questions about them, after the homework of
 * Arpaci-Dusseau & Arpaci-Dusseau, Operating Systems: Three Easy Pieces (`-c` reveals). Each answer follows from what stays
 * visible: the tables' addresses, the entries' values, the machine's latencies.
 */

import type { Random } from "../util/random.js";
import type { PageSizeName } from "../util/units.js";
import type { CellConfig } from "./config.js";
import type { HeldIn, Trace, TracedAccess, TraceState, TraceStep } from "./trace-data.js";
import { closedForm, errorCodeWords, hex } from "./trace-entries.js";

export interface Question {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** Null until the answers are asked for. */
  readonly answer: string | null;
}

export interface Exercise {
  /** With null in place of what is asked. */
  readonly trace: Trace;
  readonly questions: readonly Question[];
}

type Reference = Extract<TraceStep, { kind: "reference" }>;
type Asked = readonly [text: string, answer: string];

/** @param random which steps are asked about. @param reveal gives answers, and the trace with nothing hidden. */
export function exerciseOf(trace: Trace, config: CellConfig, random: Random, reveal: boolean): Exercise {
  const inState = (state: TraceState): TracedAccess | undefined =>
    trace.accesses.find((access) => access.state === state);
  const asked: (Asked | undefined)[] = [
    addressQuestion(trace),
    ...entryQuestions(trace, inState("walk"), random),
    dataQuestion(trace),
    closedFormQuestion(trace, config),
    priceQuestion(inState("walk")),
    neighbourQuestion(trace, inState("neighbour")),
    tlbQuestion(trace.accesses.at(-1)?.held ?? []),
    faultQuestion(inState("cold")),
    placeQuestion(inState("cold"), random),
  ];
  const questions = asked
    .filter((question) => question !== undefined)
    .map(([text, answer], index) => ({ number: index + 1, text, answer: reveal ? answer : null }));
  return { trace: reveal ? trace : hidden(trace), questions };
}

/** The name of an entry's table with its dimension: "EPT PD", "guest PT". */
export function tableOf(trace: Trace, { dimension, table }: Pick<Reference, "dimension" | "table">): string {
  if (dimension === "host") return `${trace.nestedFormat} ${table}`;
  const owner: Readonly<Record<string, string>> = {
    "hardware/nested": "guest ",
    "hardware/shadow": "shadow ",
  };
  return `${owner[trace.technique] ?? ""}${table}`;
}

function addressQuestion({ address, fields }: Trace): Asked {
  const parts = fields
    .filter(({ name }) => name !== "sign")
    .map(({ name, value }) => `${name} ${name === "offset" ? hex(value!) : value}`);
  return [
    `Split the address ${address}: which index does it give each table, and which offset?`,
    parts.join(", "),
  ];
}

/** One entry of the table in CR3, and one of the second dimension where the walk shows it whole. */
function entryQuestions(trace: Trace, access: TracedAccess | undefined, random: Random): Asked[] {
  if (access === undefined) return [];
  const references = access.steps.filter((step) => step.kind === "reference");
  const guest = references.filter(({ dimension }) => dimension === "guest");
  const firstGuest = references.findIndex(({ dimension }) => dimension === "guest");
  const host = references.slice(1, firstGuest);
  return [guest, host]
    .filter((list) => list.length > 0)
    .map((list) => list[random.below(list.length)]!)
    .map((reference): Asked => {
      const bytes = reference.dimension === "host" || trace.paging !== "32-bit" ? 8 : 4;
      const base = hex(Number(reference.address) - reference.index! * bytes);
      const where = `step ${reference.number} of the walk (${tableOf(trace, reference)})`;
      return [
        `At which host-physical address lies the entry that is read in ${where}?`,
        `${base} + ${bytes} × ${reference.index} = ${reference.address}`,
      ];
    });
}

function dataQuestion({ accesses }: Trace): Asked | undefined {
  const data = accesses.at(-1)?.steps.find((step) => step.kind === "data");
  if (data === undefined || !accesses.some(({ state }) => state === "walk")) return undefined;
  return ["Which host-physical address does the access reach?", String(data.address)];
}

function closedFormQuestion(trace: Trace, config: CellConfig): Asked {
  const formula = (cell: CellConfig): string => {
    const { guest, host, references } = closedForm(cell);
    return host === 0 ? `${references}` : `(${guest} + 1)(${host} + 1) - 1 = ${references}`;
  };
  const larger: PageSizeName = config.guest.paging === "32-bit" ? "4M" : "2M";
  const text = "How many entries does the whole walk read when no walk cache helps";
  if (config.page !== "4K" || config.technique === "paravirtual/direct") return [`${text}?`, formula(config)];
  return [
    `${text}? And if the guest mapped ${larger} pages, the host still ${trace.hostPage}?`,
    `${formula(config)}; with ${larger} pages ${formula({ ...config, page: larger })}`,
  ];
}

function priceQuestion(access: TracedAccess | undefined): Asked | undefined {
  if (access === undefined) return undefined;
  return ["How many cycles does the access take in the state `walk`?", `${access.cycles}`];
}

function neighbourQuestion(trace: Trace, access: TracedAccess | undefined): Asked | undefined {
  if (access === undefined) return undefined;
  const references = access.steps.filter((step) => step.kind === "reference");
  const list = references.map((reference) => tableOf(trace, reference)).join(", ");
  return [
    "TLBs are empty, but the page beside it was just walked: which entries does the walker still read?",
    `${list} (${references.length} in all)`,
  ];
}

function tlbQuestion(held: readonly HeldIn[]): Asked | undefined {
  const [first] = held;
  if (first === undefined) return undefined;
  const answer =
    first.page === first.guestPage
      ? `${first.page}: whole`
      : `${first.page}: a piece of the guest's ${first.guestPage} page`;
  return [`With which page size does the ${first.tlb} TLB hold the translation? Is it fractured?`, answer];
}

function faultQuestion(access: TracedAccess | undefined): Asked | undefined {
  const handler = access?.steps.find((step) => step.kind === "handler");
  if (handler === undefined) return undefined;
  const code = handler.errorCode!;
  return ["Which error code does the guest's page fault have?", `${hex(code)}: ${errorCodeWords(code)}`];
}

/** An entry that was not in the first-level cache, if any: its price says where it was. */
function placeQuestion(access: TracedAccess | undefined, random: Random): Asked | undefined {
  const references = access?.steps.filter((step) => step.kind === "reference") ?? [];
  const far = references.filter(({ place }) => place !== "L1");
  const list = far.length > 0 ? far : references;
  if (list.length === 0) return undefined;
  const chosen = list[random.below(list.length)]!;
  return [
    `Was the entry of step ${chosen.number} of the first touch (state \`cold\`) in a cache, and in which?`,
    `${chosen.place}: it took ${chosen.cycles} cycles`,
  ];
}

/** The trace with null for what the questions ask. */
function hidden(trace: Trace): Trace {
  return {
    ...trace,
    fields: trace.fields.map((field) => (field.name === "sign" ? field : { ...field, value: null })),
    closedForm: null,
    accesses: trace.accesses.map(hiddenAccess),
  };
}

function hiddenAccess(access: TracedAccess): TracedAccess {
  const { state } = access;
  const held = access.held.map((entry) => ({ ...entry, page: null, set: null, way: null }));
  if (state === "neighbour")
    return { state, steps: [], references: null, cycles: null, categories: [], held };
  const steps = access.steps.map((step) => hiddenStep(step, state));
  const isPriceAsked = state === "walk";
  return {
    ...access,
    steps,
    held,
    cycles: isPriceAsked ? null : access.cycles,
    categories: isPriceAsked ? [] : access.categories,
  };
}

function hiddenStep(step: TraceStep, state: TraceState): TraceStep {
  switch (step.kind) {
    case "reference":
      return {
        ...step,
        index: null,
        address: null,
        place: state === "cold" ? null : step.place,
        cycles: state === "walk" ? null : step.cycles,
      };
    case "register":
      return { ...step, index: null };
    case "data":
      return { ...step, address: null };
    case "stop":
      return step.why === "page-fault" ? { ...step, errorCode: null } : step;
    case "handler":
      return { ...step, errorCode: null };
    default:
      return step;
  }
}
