/** Looks into boot plans: memory as a guest would read it. */

import { UserError } from "../../../util/errors.js";
import { MIB } from "../../../util/units.js";
import type { BootPlan } from "../boot-plan.js";
import { type ImageOptions, loadImage } from "../image.js";

export const load = (bytes: Uint8Array, options: Partial<ImageOptions> = {}): BootPlan =>
  loadImage(bytes, { name: "kernel.elf", memoryBytes: 64 * MIB, ...options });

/** The text of the error that loading gives. */
export function refusal(bytes: Uint8Array, options: Partial<ImageOptions> = {}): string {
  try {
    load(bytes, options);
  } catch (error) {
    if (error instanceof UserError) return error.text;
    throw error;
  }
  throw new Error("the image was accepted");
}

/** `length` bytes of physical memory after the plan's writes; what nobody wrote is 0. */
export function memory(plan: BootPlan, physical: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (const write of plan.writes) {
    const start = Math.max(physical, write.physical);
    const end = Math.min(physical + length, write.physical + write.bytes.length);
    if (start < end)
      bytes.set(write.bytes.subarray(start - write.physical, end - write.physical), start - physical);
  }
  return bytes;
}

export function u32(plan: BootPlan, physical: number): number {
  return new DataView(memory(plan, physical, 4).buffer).getUint32(0, true);
}

export function u64(plan: BootPlan, physical: number): number {
  return u32(plan, physical) + u32(plan, physical + 4) * 2 ** 32;
}

/** A zero-terminated string. */
export function text(plan: BootPlan, physical: number): string {
  const bytes = memory(plan, physical, 4096);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** What lies at an address, by the plan's regions. */
export function regionAt(plan: BootPlan, physical: number): string | undefined {
  return plan.regions.find(
    (region) => physical >= region.physical && physical < region.physical + region.length,
  )?.name;
}
