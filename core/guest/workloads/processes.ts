/** What several workloads do with processes. */
import { REF_WRITE } from "../../machine/address.js";
import type { PageSizeName } from "../../util/units.js";
import type { GuestKernel } from "../kernel/kernel.js";
import { pageNumber, touchAll } from "./batches.js";

/** Makes a process with a region that it has initialised, and switches to it. Returns the region's first virtual page number. */
export function processWith(kernel: GuestKernel, bytes: number, page: PageSizeName): number {
  kernel.switchTo(kernel.spawn());
  const va = kernel.mmap(bytes, { page, populate: true });
  touchAll(kernel, va, bytes, REF_WRITE);
  return pageNumber(va);
}

/** Forks the current process and waits for the child, which makes references and exits. @param references a batch. */
export function forkAndWait(kernel: GuestKernel, references: Int32Array): void {
  const parent = kernel.current;
  const child = kernel.fork();
  kernel.systemCall(); // wait
  kernel.switchTo(child);
  kernel.user(references, references.length / 2);
  kernel.exit(child);
  kernel.switchTo(parent);
}
