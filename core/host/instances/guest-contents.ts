/**
 * What of a guest's kernel other guests of its image hold as well, byte for byte: the measured shares (measured/guest-pages.ts) of
 * the kernel's image, of what it allocates and of what was freed. Random addresses (KASLR) make half of a kernel's image
 * differ from guest to guest, since it holds addresses; what is allocated as objects (slab) differs with them and without.
 */
import type { Constant } from "../../events/profile.js";
import { MACHINE, MEASURED } from "../measured/guest-pages.js";
import { measured } from "../measured/measurement.js";

/** Of a part of a guest's memory, shares: pages of zeros; of the others, those that hold the same in all guests of an image. */
export interface Contents {
  readonly zero: Constant;
  readonly equal: Constant;
}

export interface KernelContents {
  /** The kernel's image: text, read-only data, what was set up while it started. */
  readonly image: Contents;
  /** What it allocates: objects, pages, tables. */
  readonly data: Contents;
  /** Freed, and not zero. */
  readonly freedEqual: Constant;
}

type Addresses = "random" | "fixed";
type Use = "image" | "slab" | "kernel" | "tables" | "freed";

/** With kernels at random addresses, as Linux has had them by default since 4.12, and at fixed ones. */
export const KERNEL_CONTENTS: Readonly<Record<Addresses, KernelContents>> = {
  random: contentsWith("random"),
  fixed: contentsWith("fixed"),
};

function contentsWith(addresses: Addresses): KernelContents {
  return {
    image: together(addresses, ["image"], "the kernel's image"),
    data: together(addresses, ["slab", "kernel", "tables"], "what the kernel allocates"),
    freedEqual: measured(
      MEASURED[`${addresses}-freed-equal`],
      `of freed pages that are not zero, equal in another guest, addresses ${addresses}`,
      MACHINE,
    ),
  };
}

/** Shares of several uses, by their sizes. */
function together(addresses: Addresses, uses: readonly Use[], what: string): Contents {
  let [bytes, zero, equal] = [0, 0, 0];
  for (const use of uses) {
    const size = MEASURED[`${addresses}-${use}-bytes`].p50;
    const zeros = size * MEASURED[`${addresses}-${use}-zero`].p50;
    bytes += size;
    zero += zeros;
    equal += (size - zeros) * MEASURED[`${addresses}-${use}-equal`].p50;
  }
  const source = (of: string): string => `measured: of ${what}, ${of}, addresses ${addresses}; ${MACHINE}`;
  return {
    zero: { value: zero / bytes, source: source("pages of zeros") },
    equal: { value: equal / (bytes - zero), source: source("other pages equal in another guest") },
  };
}
