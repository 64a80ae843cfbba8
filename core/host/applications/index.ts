/** The applications, lightest first. */
import { assumed, NONE, published } from "../../events/profiles/constants.js";
import { KIB, MIB } from "../../util/units.js";
import { MS, US } from "../time.js";
import type { Application } from "./application.js";

export type { Application } from "./application.js";

/** Private memory that is zero: in ESX's production guests about a tenth of all memory was (Waldspurger, OSDI 2002, 4.4). */
const ZERO_SHARE = assumed(
  0.05,
  "guests as a whole have more (Waldspurger, OSDI 2002, section 4.4); live heaps have few",
  [0, 0.2],
);

export const APPLICATIONS: readonly Application[] = [
  {
    name: "idle",
    title: "Idle",
    description: "A process that sleeps: what an instance costs for being there.",
    memory: {
      files: assumed(1.2 * MIB, "libc and a small program, the pages that are used"),
      hot: assumed(64 * KIB, "stack and a page or two of data"),
      warm: NONE,
      cold: assumed(300 * KIB, "data relocated and set up at start"),
      zero: NONE,
    },
    arrivals: "poisson",
    rate: NONE,
    request: {
      work: NONE,
      hotPages: NONE,
      warmPages: NONE,
      diskBytes: NONE,
      answerBytes: NONE,
      systemCalls: NONE,
      exits: NONE,
    },
    threads: 1,
    startWork: assumed(1 * MS, "exec and dynamic linking: lmbench's exec of a small program is 0.5 ms"),
    objective: published(Number.MAX_SAFE_INTEGER, "none: it serves nobody"),
  },
  {
    name: "web-server",
    title: "Web server",
    description: "A small web service: an HTTP server with application code, most answers from memory.",
    memory: {
      files: assumed(
        14 * MIB,
        "an HTTP server, an interpreter, TLS and C libraries, the pages that are used",
        [6 * MIB, 30 * MIB],
      ),
      hot: assumed(4 * MIB, "connections, buffers, the code's live objects", [1 * MIB, 10 * MIB]),
      warm: assumed(8 * MIB, "caches of templates and sessions", [2 * MIB, 30 * MIB]),
      cold: assumed(8 * MIB, "set up at start, hardly used again", [2 * MIB, 30 * MIB]),
      zero: ZERO_SHARE,
    },
    arrivals: "poisson",
    rate: assumed(
      5,
      "a service among many; most services of a cluster see a few requests a second",
      [0.5, 100],
    ),
    request: {
      work: assumed(1 * MS, "one dynamic page", [0.2 * MS, 10 * MS]),
      hotPages: assumed(200, "most of the hot memory", [50, 1000]),
      warmPages: assumed(20, "one or two entries of its caches", [5, 100]),
      diskBytes: NONE,
      answerBytes: assumed(20 * KIB, "a page without its pictures", [2 * KIB, 200 * KIB]),
      systemCalls: assumed(
        60,
        "accept, read, some files and a database or cache asked, write, close",
        [15, 300],
      ),
      exits: assumed(8, "packets in and out with notifications, interrupts, a timer or two", [2, 30]),
    },
    threads: 2,
    startWork: assumed(150 * MS, "starting an interpreter and loading an application", [30 * MS, 1_000 * MS]),
    objective: assumed(100 * MS, "a page in a tenth of a second feels immediate", [50 * MS, 500 * MS]),
  },
  {
    name: "key-value-cache",
    title: "Key-value cache",
    description: "A cache in memory: many small look-ups over a large heap.",
    memory: {
      files: assumed(3 * MIB, "one small program and the C library"),
      hot: assumed(16 * MIB, "hash table and popular values", [4 * MIB, 64 * MIB]),
      warm: assumed(64 * MIB, "the other values", [16 * MIB, 512 * MIB]),
      cold: assumed(48 * MIB, "values that nobody asks for", [8 * MIB, 512 * MIB]),
      zero: ZERO_SHARE,
    },
    arrivals: "poisson",
    rate: assumed(50, "batches of look-ups of one client service", [10, 1000]),
    request: {
      work: assumed(100 * US, "a batch of some ten look-ups, at 5 to 10 µs each with its packets", [
        20 * US,
        500 * US,
      ]),
      hotPages: assumed(30, "buckets and values of the batch", [5, 100]),
      warmPages: assumed(5, "the unpopular part of the batch", [1, 30]),
      diskBytes: NONE,
      answerBytes: assumed(4 * KIB, "some ten values of a few hundred bytes", [1 * KIB, 64 * KIB]),
      systemCalls: assumed(25, "epoll, a read and a write for each of some ten look-ups", [3, 40]),
      exits: assumed(4, "a packet in, a packet out, their interrupts", [1, 20]),
    },
    threads: 2,
    startWork: assumed(20 * MS, "a small program"),
    objective: assumed(10 * MS, "callers make many such calls for one page", [1 * MS, 50 * MS]),
  },
  {
    name: "database",
    title: "Database",
    description: "A relational database: transactions over a buffer pool, with reads from the disk.",
    memory: {
      files: assumed(30 * MIB, "server, libraries, catalogues", [15 * MIB, 80 * MIB]),
      hot: assumed(64 * MIB, "indices and busy tables in the buffer pool", [16 * MIB, 512 * MIB]),
      warm: assumed(128 * MIB, "the rest of what is asked for", [32 * MIB, 2048 * MIB]),
      cold: assumed(64 * MIB, "pages read once", [16 * MIB, 1024 * MIB]),
      zero: ZERO_SHARE,
    },
    arrivals: "poisson",
    rate: assumed(10, "transactions a second of one small database", [1, 200]),
    request: {
      work: assumed(3 * MS, "a transaction of several statements", [0.5 * MS, 20 * MS]),
      hotPages: assumed(300, "index pages and rows", [50, 2000]),
      warmPages: assumed(40, "rows that are not in the busy tables", [5, 500]),
      diskBytes: assumed(16 * KIB, "a log write and every now and then a page that is not cached", [
        4 * KIB,
        128 * KIB,
      ]),
      answerBytes: assumed(8 * KIB, "rows of several statements", [1 * KIB, 128 * KIB]),
      systemCalls: assumed(80, "reads and writes of a connection, of files and of the log", [20, 400]),
      exits: assumed(12, "packets, disk requests, their interrupts", [4, 50]),
    },
    threads: 4,
    startWork: assumed(500 * MS, "recovery of a clean log, and warming", [100 * MS, 5_000 * MS]),
    objective: assumed(250 * MS, "a transaction behind a page", [50 * MS, 1_000 * MS]),
  },
  {
    name: "java-heap",
    title: "Java-like heap",
    description: "A service in a language with a collector: the heap is written all over, again and again.",
    memory: {
      files: assumed(60 * MIB, "virtual machine, class archive and libraries", [30 * MIB, 150 * MIB]),
      hot: assumed(96 * MIB, "the young generation and what the collector visits", [32 * MIB, 512 * MIB]),
      warm: assumed(64 * MIB, "the old generation", [32 * MIB, 2048 * MIB]),
      cold: assumed(60 * MIB, "classes, compiled code, what was needed at start", [30 * MIB, 200 * MIB]),
      zero: ZERO_SHARE,
    },
    arrivals: "poisson",
    rate: assumed(10, "a service among many", [1, 200]),
    request: {
      work: assumed(2.5 * MS, "2 ms of its own and a fifth for the collector", [0.5 * MS, 20 * MS]),
      hotPages: assumed(1000, "some megabytes are allocated and collected for each request", [200, 5000]),
      warmPages: assumed(60, "long-lived objects", [10, 500]),
      diskBytes: NONE,
      answerBytes: assumed(10 * KIB, "a message of a service", [1 * KIB, 100 * KIB]),
      systemCalls: assumed(60, "a connection's reads and writes, locks of threads", [15, 400]),
      exits: assumed(10, "packets, interrupts, wake-ups among its threads", [3, 40]),
    },
    threads: 4,
    startWork: assumed(2_000 * MS, "loading and compiling classes", [500 * MS, 20_000 * MS]),
    objective: assumed(200 * MS, "a page behind one or two such calls", [50 * MS, 1_000 * MS]),
  },
  {
    name: "function",
    title: "Function as a service",
    description: "A function that is called in bursts, and is silent most of the time.",
    memory: {
      files: assumed(20 * MIB, "an interpreter and its libraries", [8 * MIB, 60 * MIB]),
      hot: assumed(8 * MIB, "what a call touches", [2 * MIB, 40 * MIB]),
      warm: assumed(4 * MIB, "modules that some calls use", [1 * MIB, 40 * MIB]),
      cold: assumed(20 * MIB, "imported and never used again", [4 * MIB, 100 * MIB]),
      zero: ZERO_SHARE,
    },
    arrivals: "bursts",
    rate: assumed(
      0.2,
      "most functions are called less than once a minute, few more than once a second (Shahrad et al., ATC 2020, section 3)",
      [0.01, 5],
    ),
    request: {
      work: assumed(
        50 * MS,
        "half of all functions run for less than a second (Shahrad et al., ATC 2020); this is a short one",
        [5 * MS, 1_000 * MS],
      ),
      hotPages: assumed(1500, "nearly all of its hot memory", [200, 8000]),
      warmPages: assumed(100, "a module or two", [10, 1000]),
      diskBytes: NONE,
      answerBytes: assumed(10 * KIB, "a message of a service", [1 * KIB, 1_000 * KIB]),
      systemCalls: assumed(300, "an interpreter opens and reads files, connects to others", [50, 3_000]),
      exits: assumed(30, "packets and timers of a call", [5, 200]),
    },
    threads: 1,
    startWork: assumed(200 * MS, "starting an interpreter and importing modules", [50 * MS, 2_000 * MS]),
    objective: assumed(1_000 * MS, "a caller waits for a second at the most", [200 * MS, 5_000 * MS]),
  },
  {
    name: "python-handler",
    title: "Python handler",
    description:
      "A function in Python with popular libraries: small work, after a start that is mostly imports.",
    memory: {
      files: assumed(12 * MIB, "interpreter and libraries", [6 * MIB, 40 * MIB]),
      hot: assumed(2 * MIB, "what a call touches", [1 * MIB, 10 * MIB]),
      warm: assumed(2 * MIB, "modules that some calls use", [1 * MIB, 20 * MIB]),
      cold: assumed(10 * MIB, "imported and never used again", [4 * MIB, 100 * MIB]),
      zero: ZERO_SHARE,
    },
    arrivals: "bursts",
    rate: assumed(0.2, "as a function's", [0.01, 5]),
    request: {
      work: assumed(5 * MS, "a call that does nearly nothing", [1 * MS, 100 * MS]),
      hotPages: assumed(300, "most of its hot memory", [100, 2000]),
      warmPages: assumed(30, "a module or two", [5, 300]),
      diskBytes: NONE,
      answerBytes: assumed(1 * KIB, "a short message", [100, 100 * KIB]),
      systemCalls: assumed(100, "a connection's reads and writes", [20, 1_000]),
      exits: assumed(15, "packets and timers of a call", [5, 100]),
    },
    threads: 1,
    startWork: published(
      100 * MS,
      "Oakes et al., ATC 2018 (SOCK), abstract: importing popular libraries adds about 100 ms to a start; the interpreter's own start is within that",
      [50 * MS, 500 * MS],
    ),
    objective: assumed(1_000 * MS, "a caller waits for a second at the most", [200 * MS, 5_000 * MS]),
  },
  {
    name: "batch",
    title: "Batch compute",
    description: "One thread that always has work.",
    memory: {
      files: assumed(4 * MIB, "a program and a numerical library"),
      hot: assumed(64 * MIB, "its arrays", [8 * MIB, 1024 * MIB]),
      warm: NONE,
      cold: assumed(16 * MIB, "input that was read once", [1 * MIB, 512 * MIB]),
      zero: ZERO_SHARE,
    },
    arrivals: "closed",
    rate: published(1, "not used: it always has work"),
    request: {
      work: assumed(20 * MS, "a step of its loop", [1 * MS, 100 * MS]),
      hotPages: assumed(16384, "all its arrays", [1000, 100_000]),
      warmPages: NONE,
      diskBytes: NONE,
      answerBytes: NONE,
      systemCalls: NONE,
      exits: NONE,
    },
    threads: 1,
    startWork: assumed(20 * MS, "a program and its input"),
    objective: assumed(
      40 * MS,
      "a step may take twice the time that it takes alone: beyond that a second host is cheaper",
      [25 * MS, 200 * MS],
    ),
  },
];

export function findApplication(name: string): Application | undefined {
  return APPLICATIONS.find((application) => application.name === name);
}

export const APPLICATION_NAMES: readonly string[] = APPLICATIONS.map(({ name }) => name);
