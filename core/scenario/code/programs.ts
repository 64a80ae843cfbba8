/**
 * The lab's programs (guest/programs) as workloads: `program/compute` with its parameters. The width of its code is a
 * parameter, `bits`; page tables and page size are those of the cell, and come to the image by its command line.
 */
import {
  commandLine,
  imageFile,
  PROGRAMS,
  type ProgramDefinition,
  WIDTHS,
  type Width,
} from "../../guest/programs/index.js";
import type { ParameterSpec, ParameterSpecs, ParameterValue } from "../../util/parameters.js";
import type { CellConfig } from "../config.js";
import { type CodeWorkload, NOT_RAW } from "./workload.js";

export const PROGRAM_PREFIX = "program/";

/** `size` is the size of a run here; what a program touches is called as it is for every workload. */
const SCENARIO_NAMES: Readonly<Record<string, string>> = { size: "footprint" };

const BITS: ParameterSpec = {
  kind: "number-choice",
  description: "Width of the code: protected mode or long mode.",
  choices: [...WIDTHS],
  default: 64,
};

/** How the programs' images call a format of page tables, and which large page it has. */
const PAGE_TABLES: Readonly<Record<Width, Readonly<Record<string, { name: string; large: string }>>>> = {
  32: { "32-bit": { name: "2-level", large: "4M" }, pae: { name: "pae", large: "2M" } },
  64: { "4-level": { name: "4-level", large: "2M" } },
};

export const PROGRAM_WORKLOADS: readonly CodeWorkload[] = PROGRAMS.map(programWorkload);

function programWorkload(program: ProgramDefinition): CodeWorkload {
  const names = Object.keys(program.parameters).map((name) => [SCENARIO_NAMES[name] ?? name, name] as const);
  const own: ParameterSpecs = Object.fromEntries(
    names.map(([written, name]) => [written, program.parameters[name]!]),
  );
  return {
    name: `${PROGRAM_PREFIX}${program.name}`,
    title: program.title,
    description: program.description,
    source: "core/guest/programs/README.md",
    parameters: { bits: BITS, ...own },
    paging: (parameters) => (parameters["bits"] === 32 ? "32-bit" : "4-level"),
    request: (config) => ({
      image: imageFile(program.name, widthOf(config.parameters)),
      isShipped: true,
      kind: "multiboot",
      append: appendOf(config, names),
      modules: [],
      disk: "",
      raw: NOT_RAW,
    }),
    unsupported: ({ parameters, guest, page }, profile) => {
      const bits = widthOf(parameters);
      const tables = PAGE_TABLES[bits][guest.paging];
      if (bits === 64 && !profile.features.longMode)
        return `${profile.name} has no long mode, which 64-bit code needs`;
      if (tables === undefined)
        return `the ${bits}-bit programs make ${Object.keys(PAGE_TABLES[bits]).join(" or ")} page tables, not ${guest.paging}`;
      if (page !== "4K" && page !== tables.large) return `${guest.paging} paging has no ${page} pages here`;
      if (bits === 32 && parameters["entry"] === "syscall")
        return "SYSCALL is an instruction of 64-bit code here";
      return undefined;
    },
  };
}

function widthOf(parameters: Readonly<Record<string, ParameterValue>>): Width {
  return parameters["bits"] === 32 ? 32 : 64;
}

function appendOf(
  { parameters, guest, page }: CellConfig,
  names: readonly (readonly [string, string])[],
): string {
  const tables = PAGE_TABLES[widthOf(parameters)][guest.paging];
  return commandLine({
    ...Object.fromEntries(names.map(([written, name]) => [name, parameters[written]!])),
    paging: tables?.name ?? guest.paging,
    page: page === "4K" ? "4K" : "large",
  });
}
