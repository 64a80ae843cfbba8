/** Who owns a frame of the machine's memory: the memory ledger. The CSV columns are `<name>_bytes` and `<name>_peak_bytes`. */
export interface MemoryOwner {
  readonly name: string;
  readonly label: string;
  readonly description: string;
}

export const MEMORY_OWNERS = [
  { name: "guest_memory", label: "Guest memory", description: "Machine frames given to the guest: its data, its page tables, and what its kernel has not used yet." },
  { name: "guest_data", label: "Guest data", description: "Of the guest's memory: frames its kernel uses for data pages." },
  { name: "guest_tables", label: "Guest page tables", description: "Of the guest's memory: frames its kernel uses as page tables." },
  { name: "shadow_tables", label: "Shadow page tables", description: "Frames of shadow page tables." },
  { name: "nested_tables", label: "Nested page tables", description: "Frames of the EPT or NPT." },
  { name: "monitor_maps", label: "Monitor's maps", description: "Guest-physical to machine maps that a monitor keeps besides (p2m, m2p)." },
  { name: "control_blocks", label: "Control blocks", description: "VMCSs and VMCBs, their bitmaps, virtual-APIC pages, and a monitor's identity tables." },
  { name: "monitor_memory", label: "Monitor's memory", description: "A monitor's own code and data in its guest's address spaces: descriptor tables, translated code." },
] as const satisfies readonly MemoryOwner[];

export type MemoryOwnerName = (typeof MEMORY_OWNERS)[number]["name"];
export const OWNER = Object.fromEntries(MEMORY_OWNERS.map((owner, index) => [owner.name, index])) as Readonly<
  Record<MemoryOwnerName, number>
>;
