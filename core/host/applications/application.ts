/**
 * What an application asks of a host: memory by how often it is used, and requests with what each takes. A model of demand: it
 * computes nothing. Numbers that nobody published are assumed, with the range over which conclusions should hold.
 */
import type { Constant } from "../../events/profile.js";

/**
 * How requests come. poisson: at random, independently of one another; diurnal: the same at a rate that follows a day, which is
 * shortened to a minute; bursts: silence, then many at once, on for a tenth of the time at ten times the rate; closed: as soon as
 * the one before is done, which is batch work.
 */
export const ARRIVAL_PATTERNS = ["poisson", "diurnal", "bursts", "closed"] as const;
export type ArrivalPattern = (typeof ARRIVAL_PATTERNS)[number];

export interface Application {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Bytes. */
  readonly memory: {
    /** Program text and libraries that are used: from files, equal in all instances of an image. */
    readonly files: Constant;
    /** Private memory by use: in every request; now and then; at start alone. */
    readonly hot: Constant;
    readonly warm: Constant;
    readonly cold: Constant;
    /** Of the private memory: zero pages, as large heaps hold them. Share. */
    readonly zero: Constant;
  };
  readonly arrivals: ArrivalPattern;
  /** Requests a second of one instance. */
  readonly rate: Constant;
  readonly request: {
    /** ns of one processor. */
    readonly work: Constant;
    /** Pages of the hot and of the warm memory that it touches. */
    readonly hotPages: Constant;
    readonly warmPages: Constant;
    /** Bytes that it reads from the disk, beyond what is cached. */
    readonly diskBytes: Constant;
    /** Bytes of the answer, over the host's network; with any, a request is a round trip. */
    readonly answerBytes: Constant;
    /** System calls that it makes. */
    readonly systemCalls: Constant;
    /** VM exits that it causes where the instance is a guest: packets in and out, disk, interrupts. */
    readonly exits: Constant;
  };
  /** Threads that serve requests. */
  readonly threads: number;
  /** Processor time before it is ready, ns. */
  readonly startWork: Constant;
  /** Most time that 99 of 100 requests may take, ns. */
  readonly objective: Constant;
}
