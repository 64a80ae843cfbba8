/** What the system side writes beyond a page's end is checked in the next page, wherever that is. */
import { expect, it } from "vitest";
import { findProfile } from "../../../events/profiles/index.js";
import { loadImage } from "../../../guest/images/image.js";
import { Computer } from "../../computer.js";
import type { GuestFault } from "../../cpu/fault.js";
import { PLAIN } from "../../testing/plain.js";
import { EngineMemory } from "./linear-access.js";

const HALT = Uint8Array.of(0xf4);
const MEMORY = 2 ** 21;
/** Four bytes of which two are beyond 4 GiB. */
const ACROSS = 0xffff_fffe | 0;

/** Memory as the system side has it, with a guest that has just started: in 64 bits 4 GiB are mapped to themselves. */
function memoryOf(bits: 32 | 64): EngineMemory {
  const computer = new Computer({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    ...PLAIN,
  });
  computer.load(loadImage(HALT, { kind: "raw", rawMode: bits, memoryBytes: MEMORY }));
  return new EngineMemory(computer.machine, computer.engine.runtime);
}

it("in 64-bit code the page after 4 GiB's last one is the first one above", () => {
  let fault: GuestFault | undefined;
  try {
    memoryOf(64).checkWrite(0, ACROSS, 4, false);
  } catch (error) {
    fault = error as GuestFault;
  }
  expect([fault?.addressHigh, fault?.addressLow]).toEqual([1, 0]);
});

it("in 32-bit code it is page 0", () => {
  expect(() => memoryOf(32).checkWrite(0, ACROSS, 4, false)).not.toThrow();
});

it("what a monitor refuses of the last 4 GiB faults as if no page were there, at its first byte", () => {
  const memory = memoryOf(64);
  memory.refusedFrom = 0xffc0_0000;
  const faultOf = (access: () => void): unknown => {
    try {
      access();
    } catch (error) {
      const { vector, errorCode, addressHigh, addressLow } = error as GuestFault;
      return [vector, errorCode, addressHigh, addressLow >>> 0];
    }
    return undefined;
  };
  expect(faultOf(() => memory.read(-1, 0xffc0_0010 | 0, 4, false))).toEqual([14, 0, -1, 0xffc0_0010]);
  expect(faultOf(() => memory.checkWrite(-1, 0xffff_fff0 | 0, 8, true))).toEqual([14, 6, -1, 0xffff_fff0]);
  // The page before it is not there either, and faults first.
  expect(faultOf(() => memory.write64(-1, 0xffbf_fffc | 0, 0, 0, false))).toEqual([14, 2, -1, 0xffbf_fffc]);
  expect(faultOf(() => memory.read(0, 0x10_0000, 4, false))).toBeUndefined();
});
