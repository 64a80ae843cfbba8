/**
 * Every translation a CPU may still hold: an unbounded TLB by PCID and 4 KiB page, where an entry stays until
 * it is invalidated (Intel SDM vol. 3, 4.10.4.1). A global translation serves every PCID and outlives flushes
 * of one.
 */
import type { Gva } from "../../machine/address.js";
import type { Access, Translation } from "./reference-translator.js";

type Page = Extract<Translation, { kind: "page" }>;

interface Remembered {
  /** Of this 4 KiB page. */
  readonly frame: bigint;
  readonly page: Page;
}

const GLOBAL = -1;

export class RememberedTranslations {
  /** By context (a PCID or GLOBAL), then page number. */
  private readonly contexts = new Map<number, Map<number, Remembered>>();

  /** The frame that would be used without a walk, or undefined where hardware would walk. */
  find(pcid: number, va: Gva, access: Access): bigint | undefined {
    const number = Math.floor(va / 4096);
    const held = this.contexts.get(pcid)?.get(number) ?? this.contexts.get(GLOBAL)?.get(number);
    if (held === undefined) return undefined;
    const { page } = held;
    const allowed =
      (!access.user || page.user) &&
      (!access.write || (page.writable && page.dirty)) &&
      (!access.fetch || page.executable);
    return allowed ? held.frame : undefined;
  }

  add(pcid: number, va: Gva, page: Page): void {
    const context = page.global ? GLOBAL : pcid;
    const pages = this.contexts.get(context) ?? new Map<number, Remembered>();
    this.contexts.set(context, pages);
    pages.set(Math.floor(va / 4096), { frame: page.address >> 12n, page });
  }

  /** INVLPG: the whole page of any size that holds the address, in a PCID and among the global ones. */
  forgetPage(pcid: number, va: Gva): void {
    for (const context of [pcid, GLOBAL]) {
      const pages = this.contexts.get(context);
      for (const [number, { page }] of pages ?? []) {
        const start = Math.floor((number * 4096) / Number(page.pageBytes));
        if (start === Math.floor(va / Number(page.pageBytes))) pages!.delete(number);
      }
    }
  }

  forgetContext(pcid: number): void {
    this.contexts.delete(pcid);
  }

  forgetAll(): void {
    this.contexts.clear();
  }
}
