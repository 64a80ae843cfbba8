/**
 * Memory that guests give back. By free-page reporting a guest tells the host of what it has freed (Linux's page reporting, with
 * its delay of 2 s). A balloon driver takes pages from its guest when the host asks: first what the guest has free, then its
 * spare page cache, which it has to read again when it wants it. How much from whom is decided with the idle-memory tax.
 *
 * Left out: a guest that has to swap because its balloon is too large; none is asked for more than its spare memory.
 */
import { type AreaId, PAGE_BYTES } from "./contracts.js";
import type { Host } from "./host.js";
import type { Instance } from "./instances/instance.js";
import { DEFAULT_IDLE_TAX, type MemoryClient, revoke } from "./memory/idle-tax.js";
import { SECOND } from "./time.js";

/** PAGE_REPORTING_DELAY of mm/page_reporting.c: 2 s. */
const REPORTING_DELAY = 2 * SECOND;
/** How often the host looks whether it is short of memory. */
const INTERVAL = SECOND;
/** ESX begins to balloon when less than 6% of memory is free, its "high" state (Waldspurger, OSDI 2002, section 6.3). */
const HIGH = 0.06;
/** Pages taken from one guest before the next is looked at: 1 MiB. */
const STEP = 256;
const SHARES = 1000;

/** Guests that report free pages: what they have freed goes back after the delay. */
export class FreePageReporting {
  bytes = 0;

  constructor(host: Host, instances: readonly Instance[]) {
    const report = (): void => {
      for (const instance of instances)
        for (const area of instance.freed)
          this.bytes += giveBack(host, area, Number.POSITIVE_INFINITY) * PAGE_BYTES;
      host.clock.after(REPORTING_DELAY, report);
    };
    host.clock.after(REPORTING_DELAY, report);
  }
}

/** Balloons in all guests, inflated when the host runs short. */
export class Ballooning {
  bytes = 0;

  constructor(
    private readonly host: Host,
    private readonly instances: readonly Instance[],
    private readonly tax = DEFAULT_IDLE_TAX,
  ) {
    const look = (): void => {
      this.relieve();
      host.clock.after(INTERVAL, look);
    };
    host.clock.after(INTERVAL, look);
  }

  /** Takes what is missing to the high state, if so much can be had. @returns frames */
  relieve(): number {
    const { host, instances } = this;
    const { framesTotal, framesFree } = host.memory;
    const wanted = Math.ceil(framesTotal * HIGH) - framesFree;
    if (wanted <= 0) return 0;
    const clients = instances.map((instance) => this.clientOf(instance));
    let taken = 0;
    revoke(clients, wanted, this.tax, STEP).forEach((pages, index) => {
      taken += this.inflate(instances[index]!, pages);
    });
    this.bytes += taken * PAGE_BYTES;
    return taken;
  }

  private clientOf(instance: Instance): MemoryClient {
    const { memory } = this.host;
    const pages = memory.residentOf(instance.owner);
    return {
      shares: SHARES,
      pages,
      active: activePart(this.host, instance),
      available: availableOf(this.host, instance),
    };
  }

  private inflate(instance: Instance, pages: number): number {
    let left = pages;
    for (const area of takeable(instance)) left -= giveBack(this.host, area, left);
    return pages - left;
  }
}

/** What a balloon takes, in this order. */
function takeable({ freed, spare }: Instance): AreaId[] {
  return spare === undefined ? [...freed] : [...freed, spare];
}

function availableOf(host: Host, instance: Instance): number {
  return takeable(instance).reduce((sum, area) => sum + host.memory.areas.resident[area]!, 0);
}

/** The fraction of its pages that it touched since it was last asked: the working-set estimate. */
export function activePart(host: Host, { owner }: Instance): number {
  const { areas, owners } = host.memory;
  let [pages, active] = [0, 0];
  for (let area = owners.firstArea[owner]!; area >= 0; area = areas.nextOfOwner[area]!) {
    pages += areas.resident[area]!;
    active += Math.min(areas.resident[area]!, areas.touched[area]!);
    areas.touched[area] = 0;
  }
  return pages === 0 ? 0 : active / pages;
}

/** Releases resident pages of an area from its end on. @returns frames */
function giveBack(host: Host, area: AreaId, most: number): number {
  const { memory } = host;
  const before = memory.framesFree;
  const size = memory.areas.pages[area]!;
  let at = size;
  while (at > 0 && memory.framesFree - before < most && memory.areas.resident[area]! > 0) {
    const pages = Math.min(at, STEP, Math.ceil(most - (memory.framesFree - before)));
    at -= pages;
    memory.release(area, at, pages);
  }
  return memory.framesFree - before;
}
