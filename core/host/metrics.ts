/**
 * The columns of rows that speak of a host, declared once: what an experiment measures, in the order of rows.csv. An experiment
 * fills those that mean something for it. The dictionary, charts and expectations take them from here.
 */

export interface HostMetric {
  /** snake_case; the header in rows.csv. */
  readonly name: string;
  readonly label: string;
  readonly unit: "text" | "count" | "bytes" | "nanoseconds" | "per second" | "share" | "ratio";
  readonly better: "fewer" | "more" | "neither";
  readonly kind: "host" | "memory";
  readonly description: string;
}

const metric = (
  name: string,
  label: string,
  unit: HostMetric["unit"],
  better: HostMetric["better"],
  description: string,
): HostMetric => ({ name, label, unit, better, kind: "host", description });

const ledger = (name: string, label: string, description: string): HostMetric => ({
  name: `ledger_${name}_bytes`,
  label,
  unit: "bytes",
  better: name === "free" ? "more" : "fewer",
  kind: "memory",
  description: `${description} One of the categories that add up to the host's memory.`,
});

/** Categories of the memory ledger (memory/snapshot.ts), in the order of a stack. */
export const LEDGER_METRICS = [
  ledger(
    "application",
    "Applications",
    "Private memory of applications: heaps, of containers and inside guests.",
  ),
  ledger("files_private", "Files of one", "Page cache of the host that one instance maps."),
  ledger(
    "files_shared",
    "Files of several",
    "Page cache of the host that several instances map: text, libraries, images.",
  ),
  ledger("files_unmapped", "Files of nobody", "Page cache of the host that nobody maps now."),
  ledger("guest_system", "Guests' systems", "Kernels, services, page caches and freed memory inside guests."),
  ledger("monitor", "Monitors and shims", "Private memory of the processes that look after instances."),
  ledger("tables", "Page tables", "Page tables of processes and of guests, EPT or NPT included."),
  ledger(
    "kernel",
    "Host's own",
    "The host's kernel, with its structures of tasks, namespaces, virtual machines and pages, and the host's services.",
  ),
  ledger("merged", "Merged", "Frames that equal pages of guests share, found by scanning (KSM)."),
  ledger("free", "Free", "Frames that nobody has."),
] as const;

export const HOST_METRICS: readonly HostMetric[] = [
  metric(
    "instances",
    "Instances",
    "count",
    "more",
    "Instances that ran when the measurement was taken; of density, the most that fit.",
  ),
  metric(
    "limit",
    "What gave out",
    "text",
    "neither",
    "Why no more instances fit: memory, cpu, disk, objective (requests late for another reason), or none within the most that were tried.",
  ),
  metric(
    "bytes_per_instance",
    "Memory per instance",
    "bytes",
    "fewer",
    "Memory in use beyond that of the empty host, over the instances.",
  ),
  {
    name: "memory_used_bytes",
    label: "Memory in use",
    unit: "bytes",
    better: "fewer",
    kind: "memory",
    description: "Of the host's memory, what is not free: the sum of the other categories of the ledger.",
  },
  metric(
    "requests_per_second",
    "Throughput",
    "per second",
    "more",
    "Requests completed in each second of the measurement, of all instances.",
  ),
  metric("latency_p50", "Latency, median", "nanoseconds", "fewer", "Half of all requests took no longer."),
  metric(
    "latency_p99",
    "Latency, 99th percentile",
    "nanoseconds",
    "fewer",
    "99 of 100 requests took no longer.",
  ),
  metric(
    "late_share",
    "Late requests",
    "share",
    "fewer",
    "Requests that took longer than the application's objective, or were refused.",
  ),
  metric(
    "page_waits_share",
    "Requests that waited for pages",
    "share",
    "fewer",
    "Requests for which pages had to be read from swap or files.",
  ),
  metric("swap_reads", "Pages swapped in", "count", "fewer", "Pages read from swap during the measurement."),
  metric(
    "swap_writes",
    "Pages swapped out",
    "count",
    "fewer",
    "Pages written to swap during the measurement.",
  ),
  metric("swapped_bytes", "In swap", "bytes", "fewer", "What is in swap at the end."),
  metric(
    "cpu_work_share",
    "Processors: work",
    "share",
    "more",
    "Of all processors' time: work that was asked for.",
  ),
  metric(
    "cpu_warming_share",
    "Processors: warming",
    "share",
    "fewer",
    "Of all processors' time: caches that others have used are filled again.",
  ),
  metric(
    "cpu_switching_share",
    "Processors: switching",
    "share",
    "fewer",
    "Of all processors' time: changing from one thread to another.",
  ),
  metric(
    "cpu_exits_share",
    "Processors: exits",
    "share",
    "fewer",
    "Of all processors' time: VM exits and entries with the monitor's work.",
  ),
  metric(
    "cpu_sibling_share",
    "Processors: sibling",
    "share",
    "fewer",
    "Of all processors' time: lost to the sibling hardware thread of the core.",
  ),
  metric("cpu_idle_share", "Processors: idle", "share", "neither", "Of all processors' time: nothing to do."),
  metric(
    "duplicate_bytes",
    "Duplicate",
    "bytes",
    "fewer",
    "Of the memory in use: frames that hold what another frame holds as well; what perfect sharing could give back.",
  ),
  metric(
    "shared_saving_bytes",
    "Saved by sharing",
    "bytes",
    "more",
    "Pages that share a frame found by scanning, less those frames.",
  ),
  metric("pages_scanned", "Pages scanned", "count", "fewer", "Pages at which the sharing scanner looked."),
  metric(
    "page_copies",
    "Shared pages copied",
    "count",
    "fewer",
    "Shared pages that were written, and copied.",
  ),
  metric(
    "ballooned_bytes",
    "Given back",
    "bytes",
    "more",
    "Memory that guests gave back to the host, by balloon or by reporting free pages.",
  ),
  metric(
    "busy_guest_bytes",
    "The busy guest's memory",
    "bytes",
    "neither",
    "What a busy guest has, where memory is divided between it and an idle one.",
  ),
  metric(
    "idle_guest_bytes",
    "The idle guest's memory",
    "bytes",
    "neither",
    "What an idle guest has, where memory is divided between it and a busy one.",
  ),
  metric(
    "victim_cpu_share",
    "Victim's processor time",
    "share",
    "neither",
    "Work done for the victim, of all processors' time.",
  ),
  metric(
    "oom_kills",
    "Killed for want of memory",
    "count",
    "fewer",
    "How often the out-of-memory killer ended the hog.",
  ),
  metric(
    "work_processors",
    "Work done, in processors",
    "count",
    "more",
    "Work done for all tenants, in whole processors' worth: 4 is four processors that did nothing else.",
  ),
  metric(
    "busy_loss_share",
    "Lost while busy",
    "share",
    "fewer",
    "Of the time in which processors were not idle, what was not work: switching, cold caches, exits, the sibling thread.",
  ),
  metric(
    "fairness",
    "Fairness",
    "ratio",
    "more",
    "Jain's index of the work done for each tenant over its weight: 1 when all get their due, 1/n when one gets all.",
  ),
  metric("least_due", "Worst-off tenant", "ratio", "more", "What the worst-off tenant got, of its due."),
  metric("events", "Host events", "count", "neither", "Events of the host's clock that the run simulated."),
  metric(
    "simulated_time",
    "Time simulated",
    "nanoseconds",
    "neither",
    "What the host's clock shows at the end.",
  ),
  ...LEDGER_METRICS,
];

export type HostValues = Readonly<Record<string, number | string>>;
