/**
 * An instance of an application on a host, by some technology: its owner in the ledger, its areas, its threads. Building one
 * lays out its memory and touches what a running instance has touched.
 */

import type { Application } from "../applications/application.js";
import type { AreaId, AreaKind, GroupId, GroupSpec, OwnerId, ThreadId } from "../contracts.js";
import { PAGE_BYTES, ROOT_GROUP, ZERO } from "../contracts.js";
import { type Host, pagesOf } from "../host.js";
import { SECOND } from "../time.js";
import { type Contents, KERNEL_CONTENTS, type KernelContents } from "./guest-contents.js";
import { RESTORED } from "./prices.js";
import type { GuestSystem, Technology } from "./technology.js";

export interface InstanceOptions {
  /** Which of several images it runs: instances of one image hold equal files and kernels. */
  readonly image: number;
  /** Guests' memory is offered to content sharing. */
  readonly isMergeable: boolean;
  /** Guests' memory is backed by 2 MiB pages. */
  readonly isHuge: boolean;
  /** Limits of its group of threads, and of its memory (pages). */
  readonly group?: GroupSpec;
  readonly memoryLimit?: { readonly maximum?: number; readonly soft?: number; readonly swap?: number };
  /** How much of its spare memory a guest's page cache has filled, a share. */
  readonly cacheFill?: number;
  /** It is a guest that goes on from a snapshot which all of its kind map; what it writes is copied. */
  readonly isRestored?: boolean;
  /** It was forked from a process that had been set up (a zygote), whose memory it shares until it writes. */
  readonly isForked?: boolean;
  /** Its kernel lies at a fixed address, as before KASLR. */
  readonly hasFixedAddresses?: boolean;
  /** It computes on the input that all of its image have: data that it does not write again are theirs, too. */
  readonly hasCommonInput?: boolean;
}

/** Page-table entries of a page of tables. */
const ENTRIES = 512;
/** Tables above the lowest level: a few for each address space. */
const UPPER_TABLES = 6;

export class Instance {
  readonly owner: OwnerId;
  readonly group: GroupId;
  readonly threads: ThreadId[] = [];
  /** Private memory of the application; undefined where it has none of the kind. */
  readonly hot: AreaId | undefined;
  readonly warm: AreaId | undefined;
  /** The application's files: in the host's page cache, or in the guest's. */
  readonly files: AreaId | undefined;
  /** What a guest has freed and the host does not know of; what its page cache holds beyond what it needs. */
  readonly freed: readonly AreaId[] = [];
  readonly spare: AreaId | undefined;
  /** False when memory gave out while it was built. */
  isComplete = true;
  /** Pages that its tables map: its own, and of files. */
  private pages = 0;

  constructor(
    readonly host: Host,
    readonly application: Application,
    readonly technology: Technology,
    readonly options: InstanceOptions,
  ) {
    const { memory, scheduler } = host;
    this.owner = memory.addOwner();
    if (options.memoryLimit !== undefined) memory.limit(this.owner, options.memoryLimit);
    const { guest } = technology;
    const { image } = options;
    this.take("monitor", technology.monitor.value);
    this.take("kernel", technology.kernel.value);
    this.mapped(`/usr/bin/${technology.name}`, technology.monitorFiles.value);
    let tablePages = UPPER_TABLES;
    if (guest !== undefined) tablePages += UPPER_TABLES;
    const template = this.restoredFrom(guest);
    if (template !== undefined) {
      const parts = this.shareTemplate(template, guest === undefined ? "anonymous" : "guest");
      this.files = parts.files;
      this.hot = parts.hot;
      this.warm = parts.warm;
    } else {
      if (guest !== undefined) {
        this.bootGuest(guest);
        this.spare = this.take("guest-system", guest.spare.value * (options.cacheFill ?? 0));
        const equal = this.kernelContents(guest).freedEqual;
        this.freed = this.takeParts(guest.freed.value, "freed", { zero: guest.zero, equal });
      }
      const content = `/image/${image}/${application.name}`;
      const input = options.hasCommonInput === true ? `/input/${image}/${application.name}` : undefined;
      const { hot, warm, cold, zero, files } = application.memory;
      this.files =
        guest === undefined || technology.mapsHostFiles === true
          ? this.mapped(content, files.value)
          : this.take("guest-system", files.value, content);
      const kind: AreaKind = guest === undefined ? "anonymous" : "guest";
      const nonZero = 1 - zero.value;
      this.hot = this.take(kind, hot.value * nonZero);
      this.warm = this.take(kind, warm.value * nonZero, input && `${input}/warm`);
      this.take(kind, cold.value * nonZero, input && `${input}/cold`);
      this.take(kind, (hot.value + warm.value + cold.value) * zero.value, ZERO);
    }
    this.takeTables(tablePages);
    this.group = options.group === undefined ? ROOT_GROUP : scheduler.addGroup(options.group);
    const { request, threads } = application;
    const exitRate =
      guest !== undefined && request.work.value > 0 ? (request.exits.value / request.work.value) * SECOND : 0;
    const isGuest = guest !== undefined;
    for (let i = 0; i < threads; i++)
      this.threads.push(scheduler.addThread({ group: this.group, isGuest, exitRate }));
  }

  /** Ends it: its threads must sleep. Gives back all it had. */
  stop(): void {
    const { scheduler, memory } = this.host;
    for (const thread of this.threads) scheduler.removeThread(thread);
    if (this.group !== ROOT_GROUP) scheduler.removeGroup(this.group);
    memory.removeOwner(this.owner);
  }

  private bootGuest(guest: GuestSystem): void {
    const { image, data } = this.kernelContents(guest);
    this.takeParts(guest.kernelText.value, "kernel", image);
    this.takeParts(guest.kernelData.value, "kernel-data", data);
    this.take("guest-system", guest.serviceFiles.value, this.ofImage("services"));
    this.take("guest-system", guest.serviceData.value);
  }

  private kernelContents(guest: GuestSystem): KernelContents {
    const isFixed = this.options.hasFixedAddresses === true || guest.hasFixedAddresses === true;
    return KERNEL_CONTENTS[isFixed ? "fixed" : "random"];
  }

  /** The name of what all guests of an image and technology hold. */
  private ofImage(part: string): string {
    return `/${part}/${this.options.image}/${this.technology.name}`;
  }

  /** A part of the guest's system: pages of zeros, pages that all of its image hold, and pages of its own. */
  private takeParts(bytes: number, part: string, { zero, equal }: Contents): AreaId[] {
    const nonZero = bytes * (1 - zero.value);
    return [
      this.take("guest-system", bytes * zero.value, ZERO),
      this.take("guest-system", nonZero * equal.value, this.ofImage(part)),
      this.take("guest-system", nonZero * (1 - equal.value)),
    ].filter((area) => area !== undefined);
  }

  /** The path of the snapshot or zygote whose memory it shares, with the guest's system in place; undefined where it starts anew. */
  private restoredFrom(guest: GuestSystem | undefined): string | undefined {
    const { technology, application, options } = this;
    const name = `${options.image}/${technology.name}/${application.name}`;
    if (guest === undefined) return options.isForked === true ? `/zygote/${name}` : undefined;
    if (options.isRestored !== true) return undefined;
    const { kernelText, kernelData, serviceFiles, serviceData } = guest;
    const system = kernelText.value + kernelData.value + serviceFiles.value + serviceData.value;
    this.mapped(`/snapshot/${name}/system`, system * RESTORED.read.value);
    this.take("guest-system", system * RESTORED.written.value);
    return `/snapshot/${name}`;
  }

  /**
   * Its application's memory is a private mapping of what was set up once: files and warm memory as they are used, hot memory
   * copied because requests write it. What was set up and is not used again, what was freed and what holds zeros is not read at all.
   */
  private shareTemplate(path: string, kind: AreaKind): Pick<Instance, "files" | "hot" | "warm"> {
    const { hot, warm, zero, files } = this.application.memory;
    const nonZero = 1 - zero.value;
    this.mapped(`${path}/hot`, hot.value * nonZero);
    return {
      files: this.mapped(`${path}/files`, files.value),
      hot: this.take(kind, hot.value * nonZero),
      warm: this.mapped(`${path}/warm`, warm.value * nonZero),
    };
  }

  /** Memory that is touched at once. @param content a name, ZERO, or nothing: unlike any other */
  private take(kind: AreaKind, bytes: number, content?: string | typeof ZERO): AreaId | undefined {
    const pages = pagesOf(bytes);
    if (pages === 0) return undefined;
    this.pages += pages;
    const { memory, contents } = this.host;
    const { isMergeable, isHuge } = this.options;
    const isGuest = kind === "guest" || kind === "guest-system";
    const identity = typeof content === "string" ? contents.of(content, pages) : content;
    const area = memory.addArea({
      owner: this.owner,
      kind,
      pages,
      isMergeable: isGuest && isMergeable,
      isHuge: isGuest && isHuge,
      ...(identity === undefined ? {} : { content: identity }),
    });
    this.isComplete &&= memory.touch(area, 0, pages, content === undefined).isSatisfied;
    return area;
  }

  private mapped(path: string, bytes: number): AreaId | undefined {
    if (bytes === 0) return undefined;
    const { host, owner } = this;
    this.pages += pagesOf(bytes);
    const file = host.file(path, bytes);
    host.memory.mapFile(owner, file);
    this.isComplete &&= host.memory.touch(file, 0, pagesOf(bytes), false, owner).isSatisfied;
    return file;
  }

  /**
   * Page tables for what is mapped: of processes one set; of guests three, their own, the EPT or NPT, and the monitor's
   * process's on the host. Huge pages need no lowest level in the latter two.
   */
  private takeTables(upper: number): void {
    const { technology, options } = this;
    const lowest = Math.ceil(this.pages / ENTRIES);
    const sets = technology.guest === undefined ? 1 : options.isHuge ? 1 : 3;
    this.take("tables", (sets * lowest + upper) * PAGE_BYTES);
  }
}
