/**
 * The process in which a build plans a scenario for itself: what a cell is made of is each revision's own affair, and the host's
 * times of two revisions are compared cell by cell (against.ts). One request from the parent, one reply.
 */
import { pathToFileURL } from "node:url";
import type { CellConfig } from "../scenario/index.js";

export interface PlanRequest {
  /** dist/index.js of the build. */
  readonly entry: string;
  readonly scenario: string;
  /** As planCells takes them. */
  readonly options: Readonly<Record<string, unknown>>;
}

export type PlanReply =
  | { readonly cells: readonly { readonly id: string; readonly config: CellConfig }[] }
  | { readonly error: string };

interface Entry {
  planCells(
    scenario: string,
    options: PlanRequest["options"],
  ): { readonly cells: readonly { readonly id: string; readonly config: CellConfig }[] };
}

process.once("message", (request: PlanRequest) => {
  void answer(request).then((reply) => process.send!(reply, () => process.disconnect()));
});

async function answer({ entry, scenario, options }: PlanRequest): Promise<PlanReply> {
  try {
    const { planCells } = (await import(pathToFileURL(entry).href)) as Entry;
    return { cells: planCells(scenario, options).cells.map(({ id, config }) => ({ id, config })) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
