/** Spans of a host's virtual clock, in nanoseconds (event-queue.ts). */
export const US = 1000;
export const MS = 1000 * US;
export const SECOND = 1000 * MS;
