/** Who owns a frame of the machine's memory: the memory ledger. The CSV columns are `<name>_bytes` and `<name>_peak_bytes`. */
export interface MemoryOwner {
  readonly name: string;
  readonly label: string;
  readonly description: string;
}

export const MEMORY_OWNERS = [
  { name: "guest_data", label: "Guest data", description: "Frames given to the guest for its data pages, and its kernel's." },
  { name: "guest_tables", label: "Guest page tables", description: "Frames that the guest uses as page tables." },
  { name: "shadow_tables", label: "Shadow page tables", description: "Frames of shadow page tables." },
  { name: "nested_tables", label: "Nested page tables", description: "Frames of the EPT or NPT." },
  { name: "monitor_maps", label: "Monitor's maps", description: "Guest-physical to machine maps that a monitor keeps besides (p2m, m2p, reverse maps)." },
] as const satisfies readonly MemoryOwner[];

export type MemoryOwnerName = (typeof MEMORY_OWNERS)[number]["name"];
export const OWNER = Object.fromEntries(MEMORY_OWNERS.map((owner, index) => [owner.name, index])) as Readonly<
  Record<MemoryOwnerName, number>
>;
