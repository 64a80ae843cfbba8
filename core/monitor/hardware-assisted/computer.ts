/** Computers that a hardware-assisted monitor shows its guest: VT-x or AMD-V, with nested paging or with shadow page tables. */
import type { ComputerOptions } from "../../machine/computer.js";
import { HardwareComputer } from "./user-side.js";
import type { HardwareAssist, NestedMemory, ShadowedMemory } from "./virtual-machine.js";

export interface HardwareOptions extends Omit<NestedMemory, "kind">, HardwareAssist {
  /** All memory at the start; else it is given at first touch, in host pages of the size asked for. */
  readonly populate: boolean;
}

export type HardwareShadowOptions = Omit<ShadowedMemory, "kind"> & HardwareAssist;

/** @throws UnsupportedError where the processor has no nested paging */
export const makeHardwareComputer = (
  options: ComputerOptions,
  { populate, hostOrder, vpid, accessedDirty, ...assist }: HardwareOptions,
): HardwareComputer =>
  new HardwareComputer(options, { kind: "nested", hostOrder, vpid, accessedDirty }, populate, assist);

/**
 * The same with shadow paging: page faults, loads of CR3 and INVLPG leave. Where the processor has no EPT or NPT there is no
 * other way. @throws UnsupportedError where it has no hardware assistance at all
 */
export const makeHardwareShadowComputer = (
  options: ComputerOptions,
  { shadow, vpid, ...assist }: HardwareShadowOptions,
): HardwareComputer => new HardwareComputer(options, { kind: "shadow", shadow, vpid }, false, assist);
