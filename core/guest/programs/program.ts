/**
 * What a program workload is, seen from outside: a freestanding image (images/, built from sources/), its parameters, and
 * the command line that sets them. README.md says what an image does and prints.
 */
import { defaultOf, type ParameterSpecs, type ParameterValue, type RunSize } from "../../util/parameters.js";

export const WIDTHS = [32, 64] as const;
/** Bits of the mode that an image's program runs in. */
export type Width = (typeof WIDTHS)[number];

export interface ProgramDefinition {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The program's own; MACHINE_PARAMETERS come on top. */
  readonly parameters: ParameterSpecs;
  /** Needs no privilege: the same object code also runs as a process of Linux. */
  readonly runsNatively: boolean;
}

/** Values by parameter; what is left out keeps the image's built-in value. */
export type ProgramValues = Readonly<Record<string, ParameterValue>>;

/** A program's parameters at a size of run. */
export function defaultsOf(program: ProgramDefinition, size: RunSize): ProgramValues {
  return Object.fromEntries(
    Object.entries(program.parameters).map(([name, spec]) => [name, defaultOf(spec, size)]),
  );
}

/** The multiboot command line that sets values: `n=100 part=sort`. */
export function commandLine(values: ProgramValues): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** The image's file, relative to this folder. Both widths are ELF files of 32 bits with a multiboot 1 header. */
export function imageFile(program: string, width: Width): string {
  return `images/${program}-${width}.elf`;
}
