/**
 * The benchmarks of the mini-kernel by name: single operations first, then lmbench's, then mixes. Names and
 * words are those of user/benchmarks/. Sizes: `tiny` takes up to a million instructions between the marks,
 * `small` some millions, `full` what the papers ran where that is known.
 */
import type { ParameterSpec, ParameterSpecs } from "../../util/parameters.js";
import { type KernelBenchmark, WIDTHS } from "./benchmark.js";

const KIBIBYTE = 1024;

function count(description: string, tiny: number, small: number, full: number): ParameterSpec {
  return { kind: "count", description, default: { tiny, small, full }, minimum: 1 };
}

/** What every benchmark understands besides. */
export const COMMON_PARAMETERS = {
  entry: {
    kind: "choice",
    description:
      "How programs call the kernel; fast: SYSENTER in 32-bit, SYSCALL in 64-bit mode, where the kernel has them.",
    choices: ["fast", "int80"],
    default: "fast",
  },
  timer: {
    kind: "choice",
    description: "Where ticks come from: the 8254 behind the 8259s, or the local APIC's timer.",
    choices: ["pit", "apic"],
    default: "pit",
  },
  sensitive: {
    kind: "choice",
    description:
      "Whether the kernel uses PUSHF, POPF and IRET for the interrupt flag, which do not trap where it is deprivileged.",
    choices: ["use", "avoid"],
    default: "use",
  },
  fpu: {
    kind: "choice",
    description:
      "Floating-point registers: loaded when a process first uses them after a switch (CR0.TS, #NM), or saved and loaded at each switch.",
    choices: ["lazy", "eager"],
    default: "lazy",
  },
  hz: { kind: "count", description: "Ticks a second.", default: 100, minimum: 19, maximum: 10_000 },
  multicall: {
    kind: "choice",
    description: "Of the Xen port: whether requests of different kinds go together, by a multicall.",
    choices: ["on", "off"],
    default: "on",
  },
  tables: {
    kind: "choice",
    description:
      "Of the Xen port: entries of lowest tables change by requests, or by stores that Xen emulates (writable page tables).",
    choices: ["explicit", "writable"],
    default: "explicit",
  },
} as const satisfies ParameterSpecs;

function benchmark(
  name: string,
  title: string,
  description: string,
  parameters: ParameterSpecs,
  widths: KernelBenchmark["widths"] = WIDTHS,
): KernelBenchmark {
  return { name, title, description, parameters, widths };
}

const OPERATIONS = { n: count("Operations.", 50, 1_000, 100_000) };
const CALLS = { n: count("Calls.", 100, 2_000, 100_000) };
const WRITTEN = {
  kind: "bytes",
  description: "Memory of the process that it writes after each fork, as does a child that runs no program.",
  default: 0,
  minimum: 0,
  maximum: 256 * KIBIBYTE,
} as const satisfies ParameterSpec;
const PROCESSES = {
  n: count("Processes.", 3, 50, 1_000),
  size: WRITTEN,
  linking: {
    kind: "choice",
    description:
      "Whether programs begin at once, or are linked first: a program with one library of 256 KiB, a shell with three.",
    choices: ["static", "dynamic"],
    default: "static",
  },
} as const satisfies ParameterSpecs;

export const KERNEL_BENCHMARKS: readonly KernelBenchmark[] = [
  benchmark("syscall", "System call", "A system call that does nothing, and back.", OPERATIONS),
  benchmark("in", "IN", "IN from port 0x80, in the kernel.", OPERATIONS),
  benchmark("cr8wr", "MOV to CR8", "Writes the task priority to CR8, in the kernel.", OPERATIONS, [64]),
  benchmark("callret", "CALL and RET", "Calls an empty function, in the kernel.", OPERATIONS),
  benchmark(
    "pgfault",
    "Page fault",
    "Takes a page of the kernel's away and touches it; the handler makes it present.",
    OPERATIONS,
  ),
  benchmark("divzero", "#DE", "Divides by zero, in the kernel; the handler goes on behind it.", OPERATIONS),
  benchmark("ptemod", "Page-table entry", "Stores into a page table in use, in the kernel.", OPERATIONS),
  benchmark("cpuid", "CPUID", "CPUID, in the kernel.", OPERATIONS),
  benchmark(
    "hypercall",
    "Hypercall",
    "VMCALL or VMMCALL, in the kernel, or Xen's xen_version where the kernel is ported to it; fails where there is no monitor.",
    OPERATIONS,
  ),
  benchmark("out", "OUT", "OUT to port 0x80, in the kernel.", OPERATIONS),
  benchmark("tpr", "APIC's TPR", "Writes the task priority through the APIC's page.", OPERATIONS),
  benchmark("self-ipi", "Interrupt to oneself", "Sends an interrupt by the APIC, and takes it.", OPERATIONS),
  benchmark("rdmsr", "RDMSR", "Reads IA32_APIC_BASE, in the kernel.", OPERATIONS),
  benchmark("wrmsr", "WRMSR", "Writes IA32_SYSENTER_CS, in the kernel.", OPERATIONS),
  benchmark("set-timer", "APIC's timer", "Writes the initial count of the APIC's timer.", OPERATIONS),

  benchmark("null-call", "getpid", "The simplest system call with a result.", CALLS),
  benchmark("read", "read", "Reads a byte from /dev/zero.", CALLS),
  benchmark("write", "write", "Writes a byte to /dev/null.", CALLS),
  benchmark("stat", "stat", "Asks for a file's size.", CALLS),
  benchmark("open-close", "open and close", "Opens a file and closes it.", CALLS),
  benchmark("signal-install", "Signal: install", "Sets a handler.", CALLS),
  benchmark("signal-handle", "Signal: handle", "Sends itself a signal, whose handler returns.", CALLS),
  benchmark("ticks", "Timer ticks", "Lets ticks of the timer pass.", {
    n: count("Ticks.", 2, 10, 100),
    wait: {
      kind: "choice",
      description: "What the ticks interrupt: the idle loop, or a program.",
      choices: ["sleep", "work"],
      default: "sleep",
    },
  }),
  benchmark("forkwait", "fork and wait", "Forks a process that ends at once, and waits for it.", {
    n: count("Processes.", 5, 100, 40_000),
    size: WRITTEN,
  }),
  benchmark("exec", "exec", "Forks a process that runs a program that does nothing.", PROCESSES),
  benchmark("shell", "sh", "Runs a program that does nothing through a shell.", PROCESSES),
  benchmark("mmap", "mmap", "Maps a file, touches each page, and unmaps it.", {
    n: count("Mappings.", 3, 50, 1_000),
    size: {
      kind: "bytes",
      description: "Of the file, a multiple of 4 KiB.",
      default: 64 * KIBIBYTE,
      minimum: 4 * KIBIBYTE,
      maximum: 256 * KIBIBYTE,
    },
  }),
  benchmark("page-fault", "Page fault on a file", "Touches pages of a mapped file.", {
    n: count("Pages.", 100, 2_000, 100_000),
  }),
  benchmark("protection-fault", "Protection fault", "Writes to a protected page; a handler allows it.", {
    n: count("Faults.", 20, 500, 20_000),
  }),
  benchmark("context-switch", "Context switch", "A token goes round a ring of processes by pipes.", {
    n: count("Rounds.", 10, 100, 10_000),
    processes: {
      kind: "count",
      description:
        "Processes in the ring; 1: what passing the token costs without a switch, which lmbench subtracts.",
      default: 2,
      minimum: 1,
      maximum: 16,
    },
    size: {
      kind: "bytes",
      description: "Memory that each sums up when it has the token.",
      default: 0,
      minimum: 0,
      maximum: 64 * KIBIBYTE,
    },
  }),
  benchmark(
    "fpu-switch",
    "Context switch with floating point",
    "A token goes round a ring of processes by pipes, some of which keep sums in the registers of x87 and SSE.",
    {
      n: count("Rounds.", 10, 100, 10_000),
      processes: {
        kind: "count",
        description: "Processes in the ring.",
        default: 2,
        minimum: 2,
        maximum: 16,
      },
      computing: {
        kind: "count",
        description: "Processes of these that use floating point.",
        default: 2,
        minimum: 0,
        maximum: 16,
      },
    },
  ),
  benchmark("pipe", "Pipe", "Two processes pass a token to and fro by pipes.", {
    n: count("Round trips.", 20, 500, 20_000),
  }),

  benchmark("compute", "Compute", "CRC-32, sorting and a matrix product in user mode.", {
    n: count("Rounds.", 1, 10, 1_000),
  }),
  benchmark(
    "compile",
    "Compile",
    "Runs a compiler, a process of its own for each source, and reads the objects.",
    {
      n: count("Sources.", 2, 20, 1_000),
      passes: {
        kind: "count",
        description: "How often the compiler goes over a source besides, in user mode.",
        default: 0,
        minimum: 0,
      },
    },
  ),
  benchmark(
    "database",
    "Database",
    "A client asks a server for random records, which has some of them in shared memory and reads the others.",
    {
      n: count("Requests.", 30, 500, 20_000),
      storage: {
        kind: "choice",
        description: "Where records are: a file in memory, or a disk by programmed I/O or by DMA.",
        choices: ["ram", "pio", "dma"],
        default: "ram",
      },
      cache: {
        kind: "count",
        description: "Records in shared memory, of 128.",
        default: 16,
        minimum: 1,
        maximum: 64,
      },
    },
  ),
  benchmark(
    "web",
    "Web server",
    "A client's requests come in bursts, one a tick; the server sends files by a pipe.",
    {
      n: count("Requests.", 6, 100, 10_000),
      burst: {
        kind: "count",
        description: "Requests in a burst; 0: all at once.",
        default: 10,
        minimum: 0,
      },
    },
  ),
];

export function findBenchmark(name: string): KernelBenchmark | undefined {
  return KERNEL_BENCHMARKS.find((benchmark) => benchmark.name === name);
}
