/** The machine on which tests run code that is not about memory: TLBs and walk caches, no data caches. */
export const PLAIN = { caches: "off", walkCaches: true, tlb: true, seed: 1 } as const;
