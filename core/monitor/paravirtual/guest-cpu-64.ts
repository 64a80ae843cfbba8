/**
 * A 64-bit guest: kernel and programs run at CPL 3, in two address spaces between which the monitor changes. Frames are the
 * processor's with RCX and R11 below, and a kernel's CS has RPL 0 in them (xen-x86_64.h):
 *
 *      SS RSP RFLAGS CS RIP [error code] R11 RCX                          iret: SS RSP RFLAGS CS RIP flags RCX R11 RAX
 */
import type { Core } from "../../machine/cpu/core.js";
import { generalProtection } from "../../machine/cpu/fault.js";
import { GENERAL, R11, RAX, RCX, RIP, RIP_HIGH, RSP } from "../../machine/cpu/places.js";
import { CS, SS } from "../../machine/cpu/state.js";
import { IN_SYSCALL, SELECTORS } from "./abi.js";
import type { EventChannels } from "./events.js";
import type { GuestAccess } from "./guest-access.js";
import { type Callback, GuestCpu } from "./guest-cpu.js";

const RING = 3;
const RPL = 3;
const STACK_ALIGNMENT = 16;
const HIGH = 2 ** 32;
const { kernelCode, kernelData } = SELECTORS[64];

export class GuestCpu64 extends GuestCpu {
  isInKernel = true;

  /** @param switchSpace the kernel's tables are to be walked, or the programs'; false where these have none. */
  constructor(
    core: () => Core,
    access: GuestAccess,
    events: EventChannels,
    private readonly switchSpace: (isKernel: boolean) => boolean,
  ) {
    super(core, access, events);
  }

  kernelSelector(selector: number): number {
    return selector | RPL;
  }

  enter({ address }: Callback, errorCode: number | undefined, masksEvents: boolean): void {
    const { core, access, isInKernel, kernelStack } = this;
    const { words } = core;
    if (!isInKernel) this.switchSpace(true);
    const old = this.register(RSP);
    const top = isInKernel ? old : kernelStack.pointer;
    let pointer = Math.floor(top / STACK_ALIGNMENT) * STACK_ALIGNMENT;
    const push = (low: number, high = 0): void => {
      pointer -= 8;
      access.write32(pointer, low);
      access.write32(pointer + 4, high);
    };
    push(core.selector(SS));
    push(words[GENERAL + 2 * RSP]!, words[GENERAL + 2 * RSP + 1]!);
    push(this.savedFlags());
    push(isInKernel ? core.selector(CS) & ~RPL : core.selector(CS));
    push(words[RIP]!, words[RIP_HIGH]!);
    if (errorCode !== undefined) push(errorCode);
    push(words[GENERAL + 2 * R11]!, words[GENERAL + 2 * R11 + 1]!);
    push(words[GENERAL + 2 * RCX]!, words[GENERAL + 2 * RCX + 1]!);
    this.isInKernel = true;
    if (!this.areSegments(kernelCode, kernelData, RING)) throw generalProtection(kernelCode);
    this.loadSegments(kernelCode, kernelData, RING);
    this.setRegister(RSP, pointer);
    core.jump(address | 0, Math.floor(address / HIGH) | 0);
    this.begin(masksEvents);
  }

  leave(): boolean {
    const { core, access } = this;
    const pointer = this.register(RSP);
    const low = (index: number): number => access.read32(pointer + 8 * index);
    const high = (index: number): number => access.read32(pointer + 8 * index + 4);
    const code = low(5) & 0xffff;
    const isToProgram = (code & RPL) === RPL;
    const stack = isToProgram ? low(8) & 0xffff : kernelData;
    const rip = [low(4), high(4)] as const;
    const rsp = [low(7), high(7)] as const;
    const flags = low(6);
    if (!core.isCanonical(rip[1]) || !this.areSegments(code | RPL, stack | RPL, RING)) return false;
    core.setRegister(RAX, 8, low(0), high(0));
    core.setRegister(R11, 8, low(1), high(1));
    if ((low(3) & IN_SYSCALL) === 0) core.setRegister(RCX, 8, low(2), high(2));
    if (isToProgram && !this.switchSpace(false)) return false;
    this.isInKernel = !isToProgram;
    core.jump(...rip);
    core.setRegister(RSP, 8, ...rsp);
    this.restoreFlags(flags);
    this.loadSegments(code | RPL, stack, RING);
    core.updateMode();
    return true;
  }

  private register(number: number): number {
    const { words } = this.core;
    return words[GENERAL + 2 * number + 1]! * HIGH + (words[GENERAL + 2 * number]! >>> 0);
  }
  private setRegister(number: number, value: number): void {
    this.core.setRegister(number, 8, value | 0, Math.floor(value / HIGH) | 0);
  }
}
