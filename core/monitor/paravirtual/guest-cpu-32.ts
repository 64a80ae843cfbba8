/**
 * A 32-bit guest: its kernel runs at CPL 1, programs at CPL 3. Frames are the processor's, with the event mask beside CS
 * (xen-x86_32.h):
 *
 *      [SS ESP from a program]  EFLAGS  mask:CS  EIP  [error code]        iret: the same with EAX below, without an error code
 */
import { generalProtection } from "../../machine/cpu/fault.js";
import { BASE, GENERAL, RAX, RIP, RSP, segmentWord } from "../../machine/cpu/places.js";
import { dropPrivilegedSegments } from "../../machine/cpu/segments.js";
import { CS, SS } from "../../machine/cpu/state.js";
import { type Callback, GuestCpu } from "./guest-cpu.js";

const KERNEL_RING = 1;
const USER_RING = 3;
const MASK_SHIFT = 16;
const RPL = 3;

export class GuestCpu32 extends GuestCpu {
  get isInKernel(): boolean {
    return this.core.cpl === KERNEL_RING;
  }

  kernelSelector(selector: number): number {
    return (selector & RPL) >= KERNEL_RING ? selector : (selector & ~RPL) | KERNEL_RING;
  }

  enter({ selector, address }: Callback, errorCode: number | undefined, masksEvents: boolean): void {
    const { core, access, isInKernel, kernelStack } = this;
    const { words } = core;
    const stack = isInKernel ? core.selector(SS) : kernelStack.selector;
    if (!this.areSegments(selector, stack, KERNEL_RING)) throw generalProtection(selector);
    const base = core.returnData.base;
    let pointer = isInKernel ? words[GENERAL + 2 * RSP]! : kernelStack.pointer;
    const push = (value: number): void => {
      pointer = (pointer - 4) | 0;
      access.write32((base + pointer) >>> 0, value);
    };
    if (!isInKernel) {
      push(core.selector(SS));
      push(words[GENERAL + 2 * RSP]!);
    }
    push(this.savedFlags());
    push(core.selector(CS) | ((this.events.isMasked ? 1 : 0) << MASK_SHIFT));
    push(words[RIP]!);
    if (errorCode !== undefined) push(errorCode);
    this.loadSegments(selector, stack, KERNEL_RING);
    core.setRegister(RSP, 4, pointer);
    core.jump(address | 0, 0);
    this.begin(masksEvents);
  }

  leave(): boolean {
    const { core, access } = this;
    const { words } = core;
    const pointer = words[GENERAL + 2 * RSP]!;
    const base = words[segmentWord(SS) + BASE]!;
    const item = (index: number): number => access.read32((base + pointer + 4 * index) >>> 0);
    const code = item(2) & 0xffff;
    const flags = item(3);
    const ring = code & 3;
    const isToProgram = ring === USER_RING;
    const stack = isToProgram ? item(5) & 0xffff : core.selector(SS);
    if (ring < KERNEL_RING || !this.areSegments(code, stack, ring)) return false;
    const newPointer = isToProgram ? item(4) : pointer + 16;
    core.setRegister(RAX, 4, item(0));
    core.jump(item(1), 0);
    this.restoreFlags(flags);
    this.loadSegments(code, stack, ring);
    core.setRegister(RSP, 4, newPointer | 0);
    if (isToProgram) dropPrivilegedSegments(core, USER_RING);
    core.updateMode();
    return true;
  }
}
