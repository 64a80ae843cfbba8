/** Workloads that are 32-bit kernels without paging or parameters, a file each: loaded where they start. */
import { DEFAULT_SETTINGS } from "../settings.js";
import type { CodeWorkload } from "./workload.js";

/** @param image from the folder of the lab's programs. */
export function rawKernel(
  about: Pick<CodeWorkload, "name" | "title" | "description" | "source">,
  image: string,
): CodeWorkload {
  return {
    ...about,
    parameters: {},
    request: () => ({
      image,
      isShipped: true,
      kind: "raw",
      append: "",
      modules: [],
      disk: "",
      raw: { mode: 32, address: 0, entry: 0 },
    }),
    unsupported: ({ page, guest }) =>
      page === DEFAULT_SETTINGS.page && guest.paging === DEFAULT_SETTINGS.guest.paging
        ? undefined
        : "these guests have no page tables",
  };
}
