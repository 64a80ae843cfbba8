/** Memory of the machine that each engine gives the guest. */
export const MEMORY_MEBIBYTES = 256;
