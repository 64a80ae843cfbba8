/**
 * Programs that come along (guest/programs), broken: bytes of the loaded image changed here and there. They are kernels with
 * paging, interrupts and user code that mostly work, so they come where random code does not.
 */

import type { Load } from "../../machine/computer.js";
import { Random } from "../../util/random.js";
import { loadImage } from "../images/image.js";
import { type ProgramValues, WIDTHS } from "../programs/index.js";
import { commandLine, imageFile } from "../programs/program.js";
import type { FuzzGuest } from "./guests.js";
import { pick } from "./random-code.js";

/** RAM that the mutants expect. */
export const MUTANT_BYTES = 8 * 2 ** 20;
/** Instructions after which every program here has done all that it does. */
export const MUTANT_BUDGET = 500_000;

const PROGRAMS: readonly (readonly [name: string, values: ProgramValues])[] = [
  ["address-spaces", { n: 100, pages: 64 }],
  ["context-switch", { n: 100, processes: 2, pages: 16 }],
  ["invlpg", { n: 2000, pages: 64 }],
  ["memcpy", { n: 2, size: 16384, by: "movs" }],
  ["n-body", { n: 100 }],
  ["page-fault", { n: 1000, pages: 64 }],
  ["system-call", { n: 1000, entry: "int80" }],
  ["system-call", { n: 1000, entry: "sysenter" }],
  ["timer", { n: 5, source: "apic", wait: "hlt" }],
];
const CHANGES = [1, 2, 4, 16, 64];

/** A mutant. The same seed always gives the same. @param read gives a file of guest/programs */
export function randomMutant(seed: number, read: (file: string) => Uint8Array): FuzzGuest {
  const random = new Random(seed);
  const [name, values] = pick(random, PROGRAMS);
  const width = pick(random, WIDTHS);
  const append = commandLine(values);
  const plan = loadImage(read(imageFile(name, width)), { append, memoryBytes: MUTANT_BYTES });
  const changes = pick(random, CHANGES);
  return {
    description: `${name} ${append}, ${width} bits, ${changes} changes`,
    load: mutate(random, changes, plan),
  };
}

/** Any byte, or one bit of it. */
function mutate(random: Random, changes: number, { writes, zero, start }: Load): Load {
  const copies = writes.map(({ physical, bytes }) => ({ physical, bytes: bytes.slice() }));
  const filled = copies.filter(({ bytes }) => bytes.length > 0);
  for (let change = 0; change < changes; change++) {
    const { bytes } = pick(random, filled);
    const at = random.below(bytes.length);
    bytes[at] = random.below(2) === 0 ? random.below(256) : bytes[at]! ^ (1 << random.below(8));
  }
  return { writes: copies, zero, start };
}
