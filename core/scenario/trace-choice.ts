/**
 * What is traced when not everything was said: the usual machine, or, where a seed asks a question, whatever the seed picks
 * among all that the lab can run.
 */
import { PROFILES } from "../events/profiles/index.js";
import { PAGING_FORMATS } from "../machine/mmu/format.js";
import { TECHNIQUES } from "../system/techniques.js";
import { UserError } from "../util/errors.js";
import { Random } from "../util/random.js";
import { PAGE_SIZES, type PageSizeName } from "../util/units.js";
import type { CellConfig, GuestPaging } from "./config.js";
import { DEFAULT_SETTINGS } from "./settings.js";
import { untraceableReason } from "./support.js";
import { ACCESS_KINDS, type AccessKind } from "./trace-data.js";

/** What was said; the rest is open. */
export interface TraceChoice {
  readonly technique?: string | undefined;
  readonly profile?: string | undefined;
  readonly paging?: GuestPaging | undefined;
  readonly page?: PageSizeName | undefined;
  readonly hostPage?: PageSizeName | undefined;
  readonly walkCaches?: boolean | undefined;
}

interface Point {
  readonly technique: string;
  readonly profile: string;
  readonly paging: GuestPaging;
  readonly page: PageSizeName;
  readonly hostPage: PageSizeName;
}

const USUAL: Point = {
  technique: "hardware/nested",
  profile: DEFAULT_SETTINGS.machine.profile,
  paging: DEFAULT_SETTINGS.guest.paging,
  page: DEFAULT_SETTINGS.page,
  hostPage: DEFAULT_SETTINGS.host.page,
};

export const TRACE_PAGINGS = Object.keys(PAGING_FORMATS) as GuestPaging[];
export const TRACE_PAGES = Object.keys(PAGE_SIZES) as PageSizeName[];

/** The cell as said, the rest as usual. @throws UserError naming what can, where the combination cannot be. */
export function usualCell(choice: TraceChoice): CellConfig {
  const said = Object.entries(choice).filter(([, value]) => value !== undefined);
  const point = { ...USUAL, ...(Object.fromEntries(said) as Partial<Point>) };
  refuseIdleHostPage(choice, point.technique);
  refuseImpossible([point], choice);
  return configOf(point, choice);
}

/** Four levels are what most machines run. */
const WEIGHTS: Readonly<Record<string, number>> = { "4-level": 4 };

/** The cell as said, the rest drawn from a seed: each dimension in turn among what is still possible. */
export function drawnCell(choice: TraceChoice, seed: number): CellConfig {
  if (choice.technique !== undefined) refuseIdleHostPage(choice, choice.technique);
  const random = new Random(seed).fork("cell");
  const all = points(choice);
  let left = all.filter((point) => reasonAgainst(point) === undefined);
  if (left.length === 0) refuseImpossible(all, choice);
  for (const key of ["technique", "profile", "paging", "page", "hostPage"] as const) {
    const values = [...new Set(left.map((point) => point[key]))];
    const weighted = values.flatMap((value) => Array<string>(WEIGHTS[value] ?? 1).fill(value));
    const value = weighted[random.below(weighted.length)];
    left = left.filter((point) => point[key] === value);
  }
  return configOf(left[0]!, choice);
}

/** How the address is accessed, where nothing was said and a seed asks. */
export function drawnKind(seed: number): AccessKind {
  return ACCESS_KINDS[new Random(seed).fork("kind").below(ACCESS_KINDS.length)]!;
}

/** Every combination of what is open; pages of 1 GiB and host pages of 4 MiB only where they were asked for. */
function points(choice: TraceChoice): Point[] {
  const pages = choice.page === undefined ? TRACE_PAGES.filter((page) => page !== "1G") : [choice.page];
  const hostPages = choice.hostPage === undefined ? (["4K", "2M"] as const) : [choice.hostPage];
  const techniques = choice.technique === undefined ? TECHNIQUES.map(({ name }) => name) : [choice.technique];
  const profiles = choice.profile === undefined ? PROFILES.map(({ name }) => name) : [choice.profile];
  const pagings = choice.paging === undefined ? TRACE_PAGINGS : [choice.paging];
  return techniques.flatMap((technique) =>
    profiles.flatMap((profile) =>
      pagings.flatMap((paging) =>
        pages.flatMap((page) =>
          (hasHostPage(technique) ? hostPages : [USUAL.hostPage]).map(
            (hostPage): Point => ({ technique, profile, paging, page, hostPage }),
          ),
        ),
      ),
    ),
  );
}

function configOf(point: Point, { walkCaches = true }: TraceChoice): CellConfig {
  const { machine, guest, host, shadow, agile, translation, paravirtual, budget, seed } = DEFAULT_SETTINGS;
  return {
    technique: point.technique,
    workload: "trace",
    parameters: {},
    page: point.page,
    machine: { ...machine, profile: point.profile, walkCaches },
    guest: { ...guest, paging: point.paging },
    host: { ...host, page: point.hostPage },
    shadow,
    agile,
    translation,
    paravirtual,
    budget,
    seed,
    size: "tiny",
  };
}

/** Only a monitor that maps guest-physical memory has pages of its own. */
function hasHostPage(technique: string): boolean {
  return technique.startsWith("hardware/");
}

function refuseIdleHostPage({ hostPage }: TraceChoice, technique: string): void {
  if (hostPage === undefined || hasHostPage(technique)) return;
  throw new UserError(`--host-page ${hostPage}: ${technique} has no host pages`, {
    mend: "leave it out, or take --technique hardware/nested or hardware/shadow",
  });
}

/** Why a combination cannot be traced. */
function reasonAgainst(point: Point): string | undefined {
  const isParavirtual = point.technique.startsWith("paravirtual/");
  if (isParavirtual && point.page !== "4K") return "a paravirtual guest has 4K pages only";
  return untraceableReason(configOf(point, {}));
}

/** @throws UserError with the first reason, and the profiles that can. */
function refuseImpossible(candidates: readonly Point[], choice: TraceChoice): void {
  const point = candidates[0]!;
  const reason = reasonAgainst(point);
  if (reason === undefined) return;
  const able = PROFILES.map(({ name }) => name).filter(
    (profile) => reasonAgainst({ ...point, profile }) === undefined,
  );
  const whole =
    choice.profile === undefined && candidates.length > 1 ? "no profile can do that together" : reason;
  throw new UserError(able.length > 0 ? reason : whole, {
    mend:
      able.length > 0
        ? `profiles that can: ${able.join(", ")}`
        : "change --technique, --paging, --page or --host-page; `virtlab list techniques` says what there is",
  });
}
