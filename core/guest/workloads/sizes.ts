/** Sizes that several workloads share. */
import { PAGE_SIZES, type PageSizeName } from "../../util/units.js";

/** Bytes rounded up to whole pages. */
export function wholePages(bytes: number, page: PageSizeName): number {
  return Math.ceil(bytes / PAGE_SIZES[page]) * PAGE_SIZES[page];
}
