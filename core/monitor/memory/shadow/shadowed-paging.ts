/**
 * What control registers do to a guest that is code and whose paging is shadowed: CR0, CR3, CR4 and EFER say what the guest's
 * tables are, and the hardware walks their shadows (or flat tables while paging is off). The monitor calls `fault` for each
 * page fault of the hardware's, and charges `takeWork` with the exit.
 */
import { addressOf, type Gfn, type Gva, type Hfn, highHalf, lowHalf } from "../../../machine/address.js";
import type { CodeMachine } from "../../../machine/code-machine.js";
import { CR0, CR4, EFER } from "../../../machine/cpu/control-bits.js";
import type { PagingControl } from "../../../machine/cpu/host.js";
import { STATE } from "../../../machine/cpu/state.js";
import type { Machine } from "../../../machine/machine.js";
import { PF_FETCH, PF_USER, PF_WRITE } from "../../../machine/mmu/entry.js";
import { PAGING_FORMATS, type PagingFormat, type PagingName } from "../../../machine/mmu/format.js";
import { FETCH, READ, WRITE } from "../../../machine/mmu/permissions.js";
import type { GuestRam } from "../../guest-ram.js";
import type { GuestMap } from "../guest-map.js";
import { FlatTables } from "./flat-tables.js";
import type { ReservedEntries, ShadowHardware } from "./shadow-hardware.js";
import { type ShadowFault, ShadowPaging, type ShadowPagingOptions } from "./shadow-paging.js";
import type { Role } from "./shadow-table.js";

export interface ShadowedPagingOptions extends Omit<ShadowPagingOptions, "memory" | "pdptes"> {
  /** The monitor's own addresses, in the format that the hardware walks. */
  reserved?(paging: PagingFormat): ReservedEntries;
}

/** Where no device of a PC is: stands for guest frames without memory that are the machine's own. */
const NOBODY = 0xf_0000;

/** The host frame by which the machine reaches a guest's device: its own, where the machine has no memory. */
export const deviceFrame = (gfn: Gfn, machineFrames: number): Hfn =>
  gfn >= machineFrames ? (gfn as number) : NOBODY;

const kindOf = (code: number): number =>
  (code & PF_WRITE) !== 0 ? WRITE : (code & PF_FETCH) !== 0 ? FETCH : READ;

/** The registers are what the shadow's root says. */
function loadPdptes({ machine }: CodeMachine): void {
  machine.mmuFor("pae").walker.loadPdptes(0);
}

/** A machine that executes code: its engine remembers translations too. */
class EngineShadowHardware implements ShadowHardware {
  readonly machine: Machine;

  constructor(
    private readonly hardware: CodeMachine,
    readonly paging: PagingFormat,
    readonly reserved: ReservedEntries | undefined,
  ) {
    this.machine = hardware.machine;
  }

  flush(): void {
    this.hardware.paging.flushAll(false);
  }

  invalidatePage(va: Gva): void {
    this.hardware.paging.invalidatePage(highHalf(va), lowHalf(va));
  }

  loadRegisters(): void {
    if (this.paging.name === "pae") loadPdptes(this.hardware);
  }
}

/** Names of roots that are no guest frames: PAE's are 32 bytes anywhere. */
const FIRST_REGISTER_ROOT = 2 ** 32;

export class ShadowedPaging implements PagingControl {
  private readonly state: Int32Array;
  private readonly pdptes = new Int32Array(8);
  /** A table as it was before a write; kept, for there are very many. */
  private readonly before = new Int32Array(1024);
  private readonly flat: FlatTables;
  /** By the guest's format; shadows of a format that it left are dropped. */
  private readonly shadows = new Map<PagingName, ShadowPaging>();
  private format: PagingName | undefined;
  private work = 0;
  private role: Role = "guest";
  /** Changes with the format of the guest's tables: what was guarded before is so no longer. */
  generation = 0;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly map: GuestMap,
    private readonly ram: GuestRam,
    private readonly options: ShadowedPagingOptions,
  ) {
    this.state = hardware.machine.code!.cpu.words;
    this.flat = new FlatTables(this.shadowHardware("32-bit"), map);
  }

  /** Begins with paging off. */
  start(): void {
    this.format = undefined;
    this.hardware.paging.useTables("32-bit", this.flat.root);
  }

  /** The shadow of the guest's present format; undefined while its paging is off. */
  get shadow(): ShadowPaging | undefined {
    return this.format === undefined ? undefined : this.shadows.get(this.format);
  }

  /** Cycles of work since this was last asked. */
  takeWork(): number {
    const work = this.work + (this.shadow?.takeWork() ?? 0);
    this.work = 0;
    return work;
  }

  /** The guest frame behind an address that its kernel may read, or -1. */
  translate(va: Gva): Gfn {
    return this.shadow?.translate(va) ?? Math.floor(va / 4096);
  }

  // Faults.

  /**
   * A page fault of the hardware's, at a linear address and with an error code as the hardware gives it.
   * Of a "true" one the guest's code is in `errorCode`, of the others the guest frame in `frame`.
   */
  fault(va: Gva, code: number): ShadowFault {
    const { shadow } = this;
    if (shadow === undefined) return this.flatFault(va, kindOf(code));
    const fault = shadow.fault(va, kindOf(code), this.isProgram(code));
    this.frame = shadow.frame;
    this.errorCode = shadow.errorCode;
    if (fault === "hidden") this.reloadPdptes();
    return fault;
  }
  frame: Gfn = 0;
  errorCode = 0;

  /** Whether the guest's own tables allow an access; if not, `errorCode` is the guest's. Changes no shadow. */
  isMapped(va: Gva, code: number): boolean {
    const { shadow } = this;
    if (shadow === undefined) return true;
    const isMapped = shadow.allows(va, kindOf(code), this.isProgram(code));
    this.errorCode = shadow.errorCode;
    return isMapped;
  }

  /** A kernel at CPL 3 makes the accesses of a program as the hardware sees it. */
  private isProgram(code: number): boolean {
    return (code & PF_USER) !== 0 && this.role === "guest";
  }

  private flatFault(va: Gva, kind: number): ShadowFault {
    this.frame = Math.floor(va / 4096);
    if (this.ram.isDevice(this.frame)) return "device";
    if (kind === WRITE && this.flat.traced.has(this.frame)) return "guarded";
    if (this.map.find(this.frame) < 0) {
      const { ept_violation, host_zero_page } = this.hardware.machine.costs;
      this.work += ept_violation + host_zero_page * 2 ** this.map.order;
    }
    this.flat.fill(this.frame);
    return "hidden";
  }

  /**
   * After `fault` found a write to a guarded page: makes it, by `step`, and has the shadows follow where it is a table.
   */
  writeTable(va: Gva, step: () => void): void {
    const { shadow, frame } = this;
    const host = this.map.require(frame);
    if (shadow === undefined || this.format === undefined) {
      this.flat.during(frame, host, step);
      return;
    }
    const { ram } = this.hardware.machine;
    const words = ram.subarray(host * 1024, host * 1024 + 1024);
    const { before } = this;
    before.set(words);
    shadow.write(va, step);
    let first = 0;
    while (first < words.length && words[first] === before[first]) first++;
    let last = words.length - 1;
    while (last >= first && words[last] === before[last]) last--;
    const stride = PAGING_FORMATS[this.format].entryBytes / 4;
    // A store of what was there changes no entry, and counts towards a flood all the same, as it does in KVM.
    shadow.wrote(frame, Math.floor(first / stride), Math.floor(last / stride));
    if (first <= last) this.reloadPdptes();
  }

  /** After `fault` found a device: has one instruction, made by `step`, reach it. */
  reachDevice(va: Gva, step: () => void): void {
    const frame = deviceFrame(this.frame, this.hardware.machine.options.frames);
    if (this.shadow === undefined) this.flat.during(this.frame, frame, step);
    else this.shadow.during(va, frame, step);
    this.reloadPdptes();
  }

  /** After `fault` found a guarded table, where emulation is to write: it is a table no longer. */
  unguard(): void {
    if (this.shadow === undefined) this.flat.traced.delete(this.frame);
    else this.shadow.unguard(this.frame);
    this.reloadPdptes();
  }

  /** Guards a guest frame that is no table, until the format of the guest's tables is another (`generation`). */
  trace(frame: Gfn): void {
    if (this.shadow === undefined) this.flat.trace(frame);
    else this.shadow.tables.trace(frame);
  }

  untrace(frame: Gfn): void {
    (this.shadow?.tables ?? this.flat).traced.delete(frame);
  }

  // Control registers.

  changed(): void {
    const format = this.presentFormat();
    if (format === this.format) {
      this.protectWrites();
      return;
    }
    this.role = "guest";
    (this.shadow?.tables ?? this.flat).traced.clear();
    this.shadow?.tables.dropAll();
    this.generation++;
    this.format = format;
    this.loadRoot();
  }

  loadRoot(): void {
    const { format } = this;
    if (format === undefined) {
      this.hardware.paging.useTables("32-bit", this.flat.root);
      return;
    }
    const shadow = this.shadowOf(format);
    this.protectWrites();
    this.hardware.paging.useTables(format, shadow.setRoot(this.rootName(), this.role));
  }

  /** CR4.PGE, and CR0.WP as the guest has it. What its kernel was let write without goes. */
  private protectWrites(): void {
    const { shadow } = this;
    if (shadow === undefined) return;
    shadow.hasGlobalPages = (this.state[STATE.cr4 / 4]! & CR4.PGE) !== 0;
    const writeProtect = (this.state[STATE.cr0 / 4]! & CR0.WP) !== 0;
    if (writeProtect === shadow.guestWalk.writeProtect) return;
    shadow.guestWalk.writeProtect = writeProtect;
    if (!shadow.hasForced) return;
    shadow.hasForced = false;
    shadow.tables.dropAll();
    this.loadRoot();
  }

  /** Has the shadow walked that gives a kernel at CPL 3 its rights, or the one that gives the guest's programs theirs. */
  setRole(role: Role): void {
    const { format, shadow } = this;
    if (role === this.role || format === undefined || shadow === undefined) return;
    this.role = role;
    this.hardware.paging.useTables(format, shadow.setRole(role));
    this.work += this.hardware.machine.costs.cr3_load;
  }

  loadPdptes(pdptes: Int32Array): void {
    this.pdptes.set(pdptes.subarray(0, 8));
  }

  invalidatePage(high: number, low: number): void {
    if (this.shadow === undefined) return;
    this.shadow.invalidate(addressOf(high, low));
    this.reloadPdptes();
  }

  invalidatePageOf(_pcid: number, high: number, low: number): void {
    this.invalidatePage(high, low);
  }

  invalidatePcid(): void {
    this.flushAll();
  }

  flushAll(): void {
    this.shadow?.synchronise();
    this.reloadPdptes();
    this.hardware.paging.flushAll(false);
  }

  /** PAE: the hardware holds the root's entries in registers. */
  private reloadPdptes(): void {
    if (this.format === "pae") loadPdptes(this.hardware);
  }

  private shadowOf(format: PagingName): ShadowPaging {
    const known = this.shadows.get(format);
    if (known !== undefined) return known;
    const shadow = new ShadowPaging(this.shadowHardware(format), this.map, {
      ...this.options,
      memory: this.ram,
      ...(format === "pae" ? { pdptes: this.pdptes } : {}),
    });
    this.shadows.set(format, shadow);
    return shadow;
  }

  private shadowHardware(format: PagingName): ShadowHardware {
    const paging = PAGING_FORMATS[format];
    return new EngineShadowHardware(this.hardware, paging, this.options.reserved?.(paging));
  }

  private presentFormat(): PagingName | undefined {
    const cr0 = this.state[STATE.cr0 / 4]!;
    const cr4 = this.state[STATE.cr4 / 4]!;
    if ((cr0 & CR0.PG) === 0) return undefined;
    if ((this.state[STATE.efer / 4]! & EFER.LMA) !== 0) return (cr4 & CR4.LA57) !== 0 ? "5-level" : "4-level";
    return (cr4 & CR4.PAE) !== 0 ? "pae" : "32-bit";
  }

  private rootName(): number {
    const low = this.state[STATE.cr3 / 4]!;
    const high = this.state[STATE.cr3 / 4 + 1]!;
    if (this.format === "pae") return FIRST_REGISTER_ROOT + (low >>> 5);
    return ((low >>> 12) | (high << 20)) >>> 0;
  }
}
