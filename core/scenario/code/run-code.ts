/** Runs a cell that executes code, and gives its row's values. The counterpart of run-cell.ts's reference streams. */

import { CYCLE_CATEGORIES } from "../../events/categories.js";
import { EVENT, EVENTS, type EventName } from "../../events/events.js";
import { MEMORY_OWNERS } from "../../events/memory-owners.js";
import { PAGE_BYTES } from "../../machine/address.js";
import type { Frames } from "../../machine/frames.js";
import { invariant } from "../../util/errors.js";
import { auditCounters } from "../audit.js";
import type { CellConfig, CellOutcome } from "../config.js";
import { exitsOf } from "../exits.js";
import { failureOf } from "./ending.js";
import { CodeGuest, type GuestEnd, type GuestHooks } from "./guest.js";

/** Of references one by one, which code's speed does not allow to count, and of the kernel model of reference streams. */
const NOT_COUNTED: ReadonlySet<EventName> = new Set<EventName>([
  "references",
  "reads",
  "writes",
  "fetches",
  "kernel_references",
  "tlb_lookups",
  "guest_table_writes",
  "guest_switches",
  "guest_forks",
  "guest_copies",
  "guest_zeroed",
  "guest_system_calls",
]);

const GUESTS_OWN: ReadonlySet<string> = new Set(["guest_data", "guest_tables"]);

/**
 * @throws UnsupportedError when the machine cannot be made or does not have what the image needs; UserError when a file has
 * changed. However the guest ends, that is an outcome.
 */
export function runCode(config: CellConfig, hooks?: GuestHooks): CellOutcome {
  const guest = new CodeGuest(config, hooks);
  const end = guest.run()!;
  const reason = failureOf(guest, end);
  const { console } = guest.computer;
  if (reason !== "") return { status: "failed", reason, values: {}, exits: [], console };
  const { counters } = guest.region;
  const { misbehaviour = "" } = guest.computer;
  return {
    status: "done",
    reason: misbehaviour,
    values: valuesOf(guest, end),
    exits: exitsOf(counters),
    console,
  };
}

/** The modelled numbers of the region of interest. Every cycle that passed was charged to somebody: none is unattributed. */
export function valuesOf(guest: CodeGuest, end: GuestEnd): Record<string, number | string> {
  const { counters, instructions, cycles } = guest.region;
  auditCounters(counters, guest.config.machine.caches !== "off");
  const total = counters.totalCycles;
  invariant(total === cycles, "cycles by category add up to the time that passed", () => ({ total, cycles }));
  const values: Record<string, number | string> = { cycles };
  CYCLE_CATEGORIES.forEach((category, index) => {
    values[`cycles_${category.name}`] = counters.cycles[index]!;
  });
  for (const { name } of EVENTS) values[name] = NOT_COUNTED.has(name) ? "" : counters.events[EVENT[name]]!;
  if (guest.config.technique !== "native") Object.assign(values, ledgerOf(guest.computer.machine.frames));
  values["instructions"] = instructions;
  values["exit_status"] = end.kind === "exit" ? end.status : "";
  values["fingerprint"] = guest.fingerprint(end);
  return values;
}

/** Bytes by owner at the end, and at their most in the region of interest. What the guest does inside its own is its secret. */
function ledgerOf({ owned, peak }: Frames): Record<string, number> {
  const values: Record<string, number> = {};
  MEMORY_OWNERS.forEach(({ name }, index) => {
    if (GUESTS_OWN.has(name)) return;
    values[`${name}_bytes`] = owned[index]! * PAGE_BYTES;
    values[`${name}_peak_bytes`] = peak[index]! * PAGE_BYTES;
  });
  return values;
}
