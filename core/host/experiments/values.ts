/** What a host shows at a moment, as columns (metrics.ts): its ledger, its processors' time, its requests. */
import { PAGE_BYTES, PROCESSOR_STATES, type ProcessorState } from "../contracts.js";
import type { Host } from "../host.js";
import { ledgerOf } from "../memory/snapshot.js";
import type { RequestMeter } from "../meter.js";
import type { HostValues } from "../metrics.js";
import { SECOND } from "../time.js";

/** The memory ledger and what sharing and swap did. @throws Error when the ledger does not balance */
export function memoryValues(host: Host, instances: number, baseFrames: number): HostValues {
  const { memory, scanner } = host;
  const { categories, duplicate, mergedPages, swapped } = ledgerOf(memory);
  const bytes = (frames: number): number => frames * PAGE_BYTES;
  const used = memory.framesUsed - baseFrames;
  return {
    instances,
    bytes_per_instance: instances === 0 ? "" : Math.round(bytes(used) / instances),
    memory_used_bytes: bytes(memory.framesUsed),
    swapped_bytes: bytes(swapped),
    duplicate_bytes: bytes(duplicate),
    shared_saving_bytes: bytes(mergedPages - categories.merged),
    pages_scanned: scanner.work.scanned,
    page_copies: memory.copies,
    ledger_application_bytes: bytes(categories.anonymous + categories.guest),
    ledger_files_private_bytes: bytes(categories.filePrivate),
    ledger_files_shared_bytes: bytes(categories.fileShared),
    ledger_files_unmapped_bytes: bytes(categories.fileUnmapped),
    ledger_guest_system_bytes: bytes(categories.guestSystem),
    ledger_monitor_bytes: bytes(categories.monitor),
    ledger_tables_bytes: bytes(categories.tables),
    ledger_kernel_bytes: bytes(categories.kernel),
    ledger_merged_bytes: bytes(categories.merged),
    ledger_free_bytes: bytes(categories.free),
    events: host.clock.fired,
    simulated_time: host.clock.now,
  };
}

/** A stretch of time in which a host is watched. */
export class Window {
  private readonly start: number;
  private readonly before: Record<ProcessorState, number>;
  private readonly swapReads: number;
  private readonly swapWrites: number;

  constructor(private readonly host: Host) {
    this.start = host.clock.now;
    this.before = host.scheduler.account();
    this.swapReads = host.memory.traffic.swapReads;
    this.swapWrites = host.memory.traffic.swapWrites;
  }

  /** ns. */
  get length(): number {
    return this.host.clock.now - this.start;
  }

  /** Of all processors' time since the window was opened. */
  share(state: ProcessorState): number {
    const { scheduler } = this.host;
    return (scheduler.account()[state] - this.before[state]) / (scheduler.processors * this.length);
  }

  values(meter: RequestMeter): HostValues {
    const { traffic } = this.host.memory;
    const cpu = Object.fromEntries(
      PROCESSOR_STATES.map((state) => [`cpu_${state}_share`, this.share(state)]),
    );
    const isAsked = meter.completed + meter.refusals > 0;
    return {
      requests_per_second: (meter.completed / this.length) * SECOND,
      latency_p50: isAsked ? meter.percentile(0.5) : "",
      latency_p99: isAsked ? meter.percentile(0.99) : "",
      late_share: isAsked ? meter.lateShare : "",
      page_waits_share: isAsked ? meter.pageWaits / Math.max(1, meter.requests) : "",
      swap_reads: traffic.swapReads - this.swapReads,
      swap_writes: traffic.swapWrites - this.swapWrites,
      ...cpu,
    };
  }
}
