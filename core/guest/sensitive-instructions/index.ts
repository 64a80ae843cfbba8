/** Guests that execute one sensitive instruction each (guests.ts): their names and image files. */
export { SENSITIVE_GUESTS } from "./guests.js";

/** Of a guest, relative to this folder. */
export const sensitiveFile = (name: string): string => `images/${name}.bin`;
