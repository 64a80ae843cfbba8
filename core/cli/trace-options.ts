/** `virtlab trace` as commands.ts declares it: what it takes, and what its help says. */
import { PAGING_FORMATS, type PagingName } from "../machine/mmu/format.js";
import { ACCESS_KINDS, TRACE_STATES } from "../scenario/trace-data.js";
import { PAGE_SIZES, type PageSizeName } from "../util/units.js";
import { choiceOf, flagOf, textOf, wholeNumberOf } from "./arguments.js";
import type { Command } from "./commands.js";

const value = (description: string, written: string) => ({
  nargs: 1,
  description: `${description} [${written}]`,
});
const flag = (description: string) => ({ type: "boolean", description }) as const;

const PAGINGS = Object.keys(PAGING_FORMATS) as PagingName[];
const PAGES = Object.keys(PAGE_SIZES) as PageSizeName[];

export const TRACE_COMMAND: Command = {
  usage: "trace",
  summary: "One translation, reference by reference: what is read, where it was found, what it costs",
  positionals: {},
  options: {
    technique: value("How the guest is virtualized; default hardware/nested", "name"),
    profile: value("CPU profile; default nehalem-2008", "name"),
    paging: value("Format of the guest's page tables; default 4-level", PAGINGS.join(" | ")),
    page: value("Page of the guest; default 4K", PAGES.join(" | ")),
    "host-page": value("Page of the EPT, NPT or shadow; default 4K", PAGES.join(" | ")),
    "no-walk-caches": flag("No paging-structure caches and no nested TLB: every walk is whole"),
    scenario: value("Take machine and guest from a cell of this scenario instead", "file or name"),
    cell: value("Number of the cell, as `virtlab plan` shows it; default 0", "number"),
    address: value("User address: the 8 bytes that hold it; default: drawn from the seed", "0x…"),
    kind: value("Access; default read", ACCESS_KINDS.join(" | ")),
    state: value("Only this state; default all four", TRACE_STATES.join(" | ")),
    seed: value("An exercise: draws what was not said, hides values and asks for them", "number"),
    answers: flag("With --seed: the same exercise with its answers"),
    json: flag("One JSON document on stdout, and nothing else there"),
  },
  examples: [
    ["trace", "a nested walk on a Nehalem: first touch, whole walk, walk caches, TLB hit"],
    ["trace --no-walk-caches --state walk", "all 24 references of (4 + 1)(4 + 1) - 1"],
    ["trace --technique hardware/shadow --kind write", "hidden and true faults, and a walk of 4"],
    ["trace --profile zen-2-2019 --page 2M --host-page 2M --state walk", "both dimensions with large pages"],
    ["trace --scenario ept --cell 3 --address 0x7f0012345678", "machine and guest of a cell"],
    ["trace --seed 7", "an exercise; the same command with --answers gives its solution"],
  ],
  run: async (values, { terminal }) => {
    const options = {
      technique: textOf("technique", values["technique"]),
      profile: textOf("profile", values["profile"]),
      paging: choiceOf("paging", values["paging"], PAGINGS),
      page: choiceOf("page", values["page"], PAGES),
      hostPage: choiceOf("host-page", values["host-page"], PAGES),
      withoutWalkCaches: flagOf(values["no-walk-caches"]),
      scenario: textOf("scenario", values["scenario"]),
      cell: wholeNumberOf("cell", values["cell"], 0, 99_999),
      address: textOf("address", values["address"]),
      kind: choiceOf("kind", values["kind"], ACCESS_KINDS),
      state: choiceOf("state", values["state"], TRACE_STATES),
      seed: wholeNumberOf("seed", values["seed"], 0, 0xffff_ffff),
      answers: flagOf(values["answers"]),
      json: flagOf(values["json"]),
    };
    return (await import("./trace.js")).trace(options, terminal);
  },
};
