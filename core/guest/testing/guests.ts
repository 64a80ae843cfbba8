/**
 * Guests for tests: a booted kernel on a flat vcpu, in every paging format, native or on the fake hypervisor.
 */
import type { Gva } from "../../machine/address.js";
import { highHalf, lowHalf } from "../../machine/address.js";
import type { PagingName } from "../../machine/mmu/format.js";
import { GuestKernel } from "../kernel/kernel.js";
import { FakeXen } from "./fake-xen.js";
import { FlatVcpu } from "./flat-vcpu.js";

export const FORMATS: readonly PagingName[] = ["32-bit", "pae", "4-level", "5-level"];

export interface TestGuest {
  readonly cpu: FlatVcpu;
  readonly kernel: GuestKernel;
  readonly xen: FakeXen | undefined;
}

export interface TestGuestOptions {
  readonly pcid?: boolean;
  readonly page1G?: boolean;
  readonly xen?: boolean;
  /** Data frames. Default 16,384 (64 MiB). */
  readonly dataFrames?: number;
}

const BACKED_FRAMES = 1024;

/** A booted guest that remembers translations, so that a missing flush fails the test. */
export function bootGuest(paging: PagingName, options: TestGuestOptions = {}): TestGuest {
  const { pcid = false, page1G = false, dataFrames = 16_384 } = options;
  const cpu = new FlatVcpu({
    paging,
    backedFrames: BACKED_FRAMES,
    frames: BACKED_FRAMES + dataFrames,
    features: { pcid, page1G, largePages: options.xen !== true },
    remembersTranslations: true,
  });
  const xen = options.xen === true ? new FakeXen(cpu, 0x2545f491) : undefined;
  const kernel = new GuestKernel(cpu, { pcid });
  kernel.boot();
  return { cpu, kernel, xen };
}

/** A batch of references of one kind (0 read, 1 write, 2 fetch). */
export function batchOf(addresses: readonly Gva[], kind: number): Int32Array {
  return Int32Array.from(addresses.flatMap((va) => [(lowHalf(va) & ~7) | kind, highHalf(va)]));
}

/** User references to one address; the frame (machine frame under Xen) of the page it reached. */
export function reach({ kernel, cpu }: TestGuest, va: Gva, kind = 0): number {
  kernel.user(batchOf([va], kind), 1);
  return cpu.frame;
}
