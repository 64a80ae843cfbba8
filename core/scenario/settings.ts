/**
 * The base values of a cell, as a scenario writes them: one schema for each section, and the value each has when the
 * scenario is silent. Keys and meanings are CellConfig's (config.ts). Sizes are read by parseBytes.
 */
import { z } from "zod";
import { COST_GRAIN, COSTS, inGrains } from "../events/costs.js";
import { HARDWARE_MONITORS } from "../monitor/hardware-assisted/monitor-path.js";
import type { UserError } from "../util/errors.js";
import type { ParameterSpec, ParameterSpecs } from "../util/parameters.js";
import { formatBytes, PAGE_SIZES, type PageSizeName, parseBytes } from "../util/units.js";
import type { Catalogue } from "./catalogue.js";
import { type CellConfig, ENGINES } from "./config.js";

/** What a cell is when the scenario does not say: a Nehalem, and a host as Linux and KVM would set it up. */
export const DEFAULT_SETTINGS = {
  page: "4K",
  seed: 1,
  machine: {
    profile: "nehalem-2008",
    memory: 0,
    caches: "all",
    sharers: 1,
    costs: {},
    walkCaches: true,
    tlb: true,
    engine: "translator",
  },
  guest: { paging: "4-level", pcid: false },
  host: {
    page: "4K",
    levels: 4,
    vpid: true,
    accessedDirty: true,
    populate: false,
    apicVirtualization: "kvm",
    pauseLoopExiting: false,
    monitor: "kvm",
    mitigations: false,
  },
  // KVM's limit of writes.
  shadow: {
    fill: "lazy",
    outOfSync: true,
    reuse: true,
    keepGlobal: false,
    prefetch: 1,
    maximumTables: 0,
    writeFlood: 3,
  },
  // Gandhi, Hill & Swift, ISCA 2016, with both of their hardware options. Assumed: an interval of about a second, which their
  // paper's summaries speak of, and a first wait of two milliseconds (monitor/memory/agile/nesting.ts says why).
  agile: {
    start: "nested",
    writes: 2,
    settle: 5_000_000,
    interval: 2_500_000_000,
    dirtyBits: true,
    rootCache: 8,
  },
  translation: { cache: 1024 * 1024, chaining: true, adaptive: true, iret: "call-out" },
  paravirtual: { batch: 32 },
  budget: { instructions: 2e9, seconds: 60 },
} as const satisfies Partial<CellConfig>;

/** Of the translation cache: it lies in the monitor's 4 MiB of linear addresses. */
const MINIMUM_CACHE = 8 * 2 ** 10;
const MAXIMUM_CACHE = 2 * 1024 * 1024;

const SIZE_ERROR = "expected a size such as 4096, 64MiB or 16GiB";
const yesOrNo = (meaning: string) => z.boolean().describe(meaning);

/** A size in bytes, written as a number or with a unit. */
export function bytesSchema(minimum = 0, maximum = Number.MAX_SAFE_INTEGER) {
  return z.union([z.string(), z.number()], { error: SIZE_ERROR }).transform((written, context) => {
    let bytes = Number.NaN;
    try {
      bytes = parseBytes(written);
    } catch (error) {
      const { message, mend } = error as UserError;
      context.addIssue({ code: "custom", input: written, message: `${message}: ${mend}` });
      return z.NEVER;
    }
    if (bytes < minimum || bytes > maximum) {
      const most = maximum === Number.MAX_SAFE_INTEGER ? "" : ` and at most ${formatBytes(maximum)}`;
      const limits = `at least ${formatBytes(minimum)}${most}`;
      context.addIssue({ code: "custom", input: written, message: `${written} is out of range: ${limits}` });
    }
    return bytes;
  });
}

const pageSchema = z.enum(Object.keys(PAGE_SIZES) as [PageSizeName, ...PageSizeName[]]);

function notInGrains(cycles: number): string {
  return `${cycles} is no multiple of 1/64 cycle, as all prices are, so that sums of them are exact: the nearest is ${inGrains(cycles)}`;
}

/** Everything of CellConfig that a scenario sets directly; every key may be left out. */
export function settingsShape(catalogue: Catalogue) {
  const costs: Record<string, z.ZodOptional<z.ZodNumber>> = {};
  for (const { name, description } of COSTS)
    costs[name] = z
      .number()
      .min(0)
      .multipleOf(COST_GRAIN, { error: ({ input }) => notInGrains(Number(input)) })
      .describe(description)
      .optional();
  return {
    technique: nameSchema(catalogue.techniques).optional().describe("A monitor with a memory virtualization"),
    workload: nameSchema(catalogue.workloads).optional().describe("What the guest does"),
    page: pageSchema.optional().describe("Page size with which the guest maps the workload's data"),
    machine: z
      .strictObject({
        profile: nameSchema(catalogue.profiles).describe("CPU profile"),
        memory: bytesSchema().describe(
          "Machine memory; 0 is as much as the cell needs, and 256 MiB where it executes code (at most 3 GiB there)",
        ),
        caches: z
          .enum(["all", "walker", "off"])
          .describe("References that go through the modelled data caches"),
        sharers: z
          .literal([1, 2, 4, 8, 16, 32])
          .describe(
            "Threads that work at once and share the third level of cache, in equal parts of its sets",
          ),
        costs: z.strictObject(costs).describe("Prices of the profile replaced, cycles"),
        walkCaches: yesOrNo("Paging-structure caches and nested TLB"),
        tlb: yesOrNo("Modelled TLBs; off: every reference walks"),
        engine: z.enum(ENGINES).describe("What executes code; both give the same rows, at different speeds"),
      })
      .partial()
      .optional(),
    guest: z
      .strictObject({
        paging: z.enum(["32-bit", "pae", "4-level", "5-level"]).describe("Format of the guest's page tables"),
        pcid: yesOrNo("Use PCIDs where the profile has them"),
      })
      .partial()
      .optional(),
    host: z
      .strictObject({
        page: pageSchema.describe("Page size of host mappings"),
        levels: z
          .literal([1, 4, 5])
          .describe(
            "Levels of the EPT or NPT; 1 is a flat table, proposed hardware (Ahn, Jin & Huh, ISCA 2012)",
          ),
        vpid: yesOrNo("Tag TLB entries by VPID or ASID where the profile has it"),
        accessedDirty: yesOrNo("Accessed and dirty bits in the EPT where the profile has them"),
        populate: yesOrNo("Give the guest its frames at boot; else on first touch"),
        apicVirtualization: z
          .enum(["kvm", "on", "off"])
          .describe(
            "Local APIC by the hardware (APICv, AVIC); on: the profile must have it; kvm: APICv where it has that, AVIC not",
          ),
        pauseLoopExiting: yesOrNo("Long loops of PAUSE leave, where the profile can tell"),
        monitor: z
          .enum(HARDWARE_MONITORS)
          .describe(
            "Whose way exits of code take: KVM's on Linux, or VirtualBox's on Windows, which turns virtualization off on the way to its process",
          ),
        mitigations: yesOrNo(
          "The host's kernel defends itself against speculative execution (2018 and later), at each exit of code",
        ),
      })
      .partial()
      .optional(),
    shadow: z
      .strictObject({
        fill: z.enum(["lazy", "eager"]).describe("Fill on fault, or a whole table when first shadowed"),
        outOfSync: yesOrNo("Let level-1 guest tables go out of sync between flushes"),
        reuse: yesOrNo("Keep shadows of address spaces that are not running"),
        keepGlobal: yesOrNo(
          "Without reuse: keep shadows of what the guest maps globally, which its own processor's TLB keeps at a load of CR3",
        ),
        prefetch: z
          .literal([1, 2, 4, 8, 16, 32, 64])
          .describe(
            "Entries of a guest's page table, aligned, that one fault fills as far as they were accessed; 8 as KVM, 1 the one alone",
          ),
        maximumTables: z.int().min(0).describe("Most shadow frames; 0 is no limit"),
        writeFlood: z
          .int()
          .min(0)
          .describe("Emulated writes without a use after which a shadow is dropped; 0 is never"),
      })
      .partial()
      .optional(),
    agile: z
      .strictObject({
        start: z
          .enum(["nested", "shadow"])
          .describe(
            "How an address space begins; nested ones are shadowed as their tables are left unwritten",
          ),
        writes: z
          .int()
          .min(1)
          .describe("Writes to a guest table within an interval after which the hardware walks it itself"),
        interval: z
          .int()
          .min(1000)
          .describe(
            "Cycles in which writes to a guest table are counted, and the most that it must be unwritten to be shadowed",
          ),
        settle: z
          .int()
          .min(1000)
          .describe(
            "Cycles that a guest table must be unwritten at first; doubled each time it is written after all",
          ),
        dirtyBits: yesOrNo("The hardware carries dirty bits from the shadow to the guest's tables"),
        rootCache: z
          .int()
          .min(0)
          .describe("Roots that the hardware switches to without the monitor; 0 is none"),
      })
      .partial()
      .optional(),
    translation: z
      .strictObject({
        cache: bytesSchema(MINIMUM_CACHE, MAXIMUM_CACHE).describe(
          "Translation cache, whole pages of 4 KiB: 8KiB to 2MiB",
        ),
        chaining: yesOrNo("Let direct branches go from unit to unit without the monitor"),
        adaptive: yesOrNo("Translate stores anew that fault often"),
        iret: z
          .enum(["call-out", "in-cache"])
          .describe(
            "What IRET is translated to: a call of the monitor, or for a 32-bit kernel's return to a program an IRET in the cache where nothing waits",
          ),
      })
      .partial()
      .optional(),
    paravirtual: z
      .strictObject({ batch: z.int().min(1).describe("Most updates in one mmu_update hypercall") })
      .partial()
      .optional(),
    budget: z
      .strictObject({
        instructions: z
          .int()
          .min(1)
          .describe("Instructions that a guest may execute before it has failed; 2,000,000,000 by default"),
        seconds: z
          .number()
          .positive()
          .describe(
            "Time of the simulated machine that a guest may take before it has failed; 60 by default",
          ),
      })
      .partial()
      .optional(),
  };
}

/** One of the names of a registry. */
export function nameSchema(definitions: readonly { readonly name: string }[]) {
  return z.enum(definitions.map((definition) => definition.name));
}

/** One path, or a list of them, which becomes one text. */
const filesSchema = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
    error: "expected a path or a list of paths",
  })
  .transform((written) => (typeof written === "string" ? written : written.join(",")));

/** The schema of one workload parameter. */
export function parameterSchema(spec: ParameterSpec): z.ZodType<number | string | boolean> {
  switch (spec.kind) {
    case "bytes":
      return bytesSchema(spec.minimum, spec.maximum).describe(spec.description);
    case "count":
      return z
        .int()
        .min(spec.minimum ?? 0)
        .max(spec.maximum ?? Number.MAX_SAFE_INTEGER)
        .describe(spec.description);
    case "number":
      return z
        .number()
        .min(spec.minimum ?? -Number.MAX_VALUE)
        .max(spec.maximum ?? Number.MAX_VALUE)
        .describe(spec.description);
    case "choice":
      return z.enum([...spec.choices]).describe(spec.description);
    case "number-choice":
      return z.literal([...spec.choices]).describe(spec.description);
    case "text":
      return z.string().describe(spec.description);
    case "file":
      return z.string().min(1).describe(spec.description);
    case "files":
      return filesSchema.describe(spec.description);
    case "boolean":
      return z.boolean().describe(spec.description);
  }
}

/** The schemas of all parameters of one workload, each optional. */
export function parametersShape(
  specs: ParameterSpecs,
): Record<string, z.ZodOptional<z.ZodType<number | string | boolean>>> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, parameterSchema(spec).optional()]),
  );
}
