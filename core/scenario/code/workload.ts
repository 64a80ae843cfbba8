/**
 * Workloads that are code: an image that the machine's CPU executes, in place of a reference stream. A scenario names and
 * parameterises them as it does every workload; what differs is said here.
 */

import type { CpuProfile } from "../../events/profile.js";
import type { ImageKind } from "../../guest/images/boot-plan.js";
import type { ParameterValue } from "../../util/parameters.js";
import type { WorkloadEntry } from "../catalogue.js";
import type { CellConfig, GuestPaging } from "../config.js";

export interface CodeWorkload extends WorkloadEntry {
  /** What to load, with paths as they are written. @throws UserError for parameters that contradict one another */
  request(config: CellConfig): ImageRequest;
  /** Why the image cannot run in this cell, as far as its configuration tells. */
  unsupported(config: CellConfig, profile: CpuProfile): string | undefined;
  /** Format of its page tables when the scenario does not say. */
  paging?(parameters: Readonly<Record<string, ParameterValue>>): GuestPaging;
}

export interface ImageRequest {
  /** A path relative to the scenario, or to the lab's programs where they are meant. */
  readonly image: string;
  /** The image comes along with the lab. */
  readonly isShipped: boolean;
  readonly kind: "auto" | ImageKind;
  readonly append: string;
  readonly modules: readonly string[];
  /** "" for none. */
  readonly disk: string;
  readonly raw: { readonly address: number; readonly entry: number; readonly mode: number };
}

/** Of an image that is not raw. */
export const NOT_RAW: ImageRequest["raw"] = { address: 0, entry: 0, mode: 0 };

export function isCodeWorkload(workload: WorkloadEntry | undefined): workload is CodeWorkload {
  return workload !== undefined && "request" in workload;
}
