/** Guests that repeat one operation which leaves a virtual machine (guests.ts): their names and image files. */
export { EXIT_OPERATIONS, ROUNDS } from "./guests.js";

/** Of an operation, relative to this folder. */
export const exitFile = (name: string): string => `images/${name}.bin`;
