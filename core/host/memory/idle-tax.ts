/**
 * Whom to take memory from: min-funding revocation with a tax on idle memory (Waldspurger, OSDI 2002, section 5). A client pays
 * more for a page that it does not use: with S shares, P pages of which a fraction f is active, and a tax τ, its price is
 * ρ = S / (P · (f + k · (1 − f))), k = 1 / (1 − τ). Memory is taken from the client with the lowest ρ. With τ = 0 shares alone
 * decide; with τ near 1 idle memory is nearly free to take.
 */

export interface MemoryClient {
  readonly shares: number;
  readonly pages: number;
  /** Fraction of its pages that it uses. */
  readonly active: number;
  /** Pages that can be taken from it at all: not more than it has. */
  readonly available: number;
}

/** ESX's default tax (Waldspurger, OSDI 2002, section 5.2). */
export const DEFAULT_IDLE_TAX = 0.75;

/** The price that a client pays for a page: who pays least loses first. */
export function priceOf({ shares, active }: MemoryClient, pages: number, tax: number): number {
  const idleCost = 1 / (1 - tax);
  return pages <= 0 ? Number.POSITIVE_INFINITY : shares / (pages * (active + idleCost * (1 - active)));
}

/**
 * How many pages each client gives up so that `wanted` are had in all, or as many as there are. Taken in steps from whoever
 * pays least, since a client that has given pages pays more for the rest; what it gives is idle first.
 * @param step pages taken at a time
 */
export function revoke(
  clients: readonly MemoryClient[],
  wanted: number,
  tax: number,
  step: number,
): number[] {
  const taken = clients.map(() => 0);
  let left = wanted;
  while (left > 0) {
    let cheapest = -1;
    let lowest = Number.POSITIVE_INFINITY;
    clients.forEach((client, index) => {
      if (taken[index]! >= client.available) return;
      const price = priceAfter(client, taken[index]!, tax);
      if (price >= lowest) return;
      lowest = price;
      cheapest = index;
    });
    if (cheapest < 0) break;
    const amount = Math.min(step, left, clients[cheapest]!.available - taken[cheapest]!);
    taken[cheapest]! += amount;
    left -= amount;
  }
  return taken;
}

/** Its price when it has given up pages, idle ones first: the fraction of active ones rises. */
function priceAfter(client: MemoryClient, given: number, tax: number): number {
  const pages = client.pages - given;
  const active = Math.min(1, (client.active * client.pages) / Math.max(1, pages));
  return priceOf({ ...client, active }, pages, tax);
}
