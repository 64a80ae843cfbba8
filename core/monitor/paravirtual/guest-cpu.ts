/**
 * The guest's processor as Xen shows it: a table of traps, a stack for the kernel, callbacks; entries into the kernel, which
 * the monitor makes by frames on that stack, and the way out of it, the hypercall iret. What depends on the width is in
 * guest-cpu-32.ts and guest-cpu-64.ts.
 */
import type { Core } from "../../machine/cpu/core.js";
import type { Descriptor } from "../../machine/cpu/descriptor.js";
import { loadCodeSegment, loadSegment } from "../../machine/cpu/segments.js";
import { RFLAGS, SS } from "../../machine/cpu/state.js";
import type { EventChannels } from "./events.js";
import type { GuestAccess } from "./guest-access.js";

/** Where the kernel is entered. */
export interface Callback {
  readonly selector: number;
  /** 0: none. */
  readonly address: number;
}

export interface Trap extends Callback {
  /** Programs may raise it by INT from this ring on. */
  readonly ring: number;
  readonly masksEvents: boolean;
}

/** What a handler begins without (xen/arch/x86/x86_64/entry.S, create_bounce_frame). */
const CLEARED_IN_HANDLERS = RFLAGS.TF | RFLAGS.NT | RFLAGS.VM | RFLAGS.AC | RFLAGS.IOPL;
const RPL = 3;
const NOWHERE: Callback = { selector: 0, address: 0 };

export abstract class GuestCpu {
  readonly traps = new Map<number, Trap>();
  /** Of the kernel, as stack_switch set it. */
  readonly kernelStack = { selector: 0, pointer: 0 };
  eventCallback = NOWHERE;
  failsafeCallback = NOWHERE;
  syscallCallback = NOWHERE;
  /** The privilege for ports that the kernel has asked for. */
  ioPrivilege = 0;

  constructor(
    private readonly coreNow: () => Core,
    protected readonly access: GuestAccess,
    protected readonly events: EventChannels,
  ) {}

  protected get core(): Core {
    return this.coreNow();
  }

  /** A selector of the kernel's code as it can be loaded: of no ring above the kernel's (fixup_guest_code_selector). */
  abstract kernelSelector(selector: number): number;

  /** Whether the guest's kernel runs, not one of its programs. */
  abstract get isInKernel(): boolean;

  /**
   * Enters the kernel at a handler, to come back to RIP.
   * @throws GuestFault where its stack cannot be written, or the handler's segment is not fit.
   */
  abstract enter(to: Callback, errorCode: number | undefined, masksEvents: boolean): void;

  /**
   * Returns to where a frame on the kernel's stack says. Returns false where its selectors are not fit for that.
   * @throws GuestFault where the stack cannot be read.
   */
  abstract leave(): boolean;

  /** EFLAGS as the kernel is to find it in a frame: IF says whether events come. */
  protected savedFlags(): number {
    const flags = this.core.readFlags() & ~(RFLAGS.IF | RFLAGS.IOPL);
    return this.events.isMasked ? flags : flags | RFLAGS.IF;
  }

  /** In a handler: EFLAGS, and events are masked if it wants that. */
  protected begin(masksEvents: boolean): void {
    const { core } = this;
    core.writeFlags((core.readFlags() & ~CLEARED_IN_HANDLERS) | RFLAGS.IF);
    if (masksEvents) this.events.isMasked = true;
    core.updateMode();
  }

  /** EFLAGS of a frame, whose IF is the inverse of the mask. The real one stays set. */
  protected restoreFlags(flags: number): void {
    this.core.writeFlags((flags & ~(RFLAGS.IOPL | RFLAGS.VM | RFLAGS.NT)) | RFLAGS.IF);
    this.events.isMasked = (flags & RFLAGS.IF) === 0;
  }

  /** Whether CS and SS of a selector pair may be loaded at a ring; both are then in the core's two descriptors. */
  protected areSegments(code: number, stack: number, ring: number): boolean {
    const { returnCode, returnData } = this.core;
    const isOfRing = ({ isPresent, privilege }: Descriptor): boolean => isPresent && privilege === ring;
    return (
      returnCode.fetch(code) &&
      returnCode.isCode &&
      isOfRing(returnCode) &&
      returnData.fetch(stack) &&
      returnData.isWritableData &&
      isOfRing(returnData)
    );
  }

  /** Loads what `areSegments` found fit. */
  protected loadSegments(code: number, stack: number, ring: number): void {
    const { core } = this;
    loadSegment(core, SS, (stack & ~RPL) | ring, core.returnData);
    loadCodeSegment(core, code, ring, core.returnCode);
  }
}
