/** The registry of techniques: a monitor with a memory virtualization, by name. */
import type { CpuProfile } from "../events/profile.js";

export interface TechniqueDefinition {
  /** `monitor/memory`, or `native`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly source: string;
  /** Why this profile cannot run it, or undefined when it can. */
  unsupported(profile: CpuProfile): string | undefined;
}

export const TECHNIQUES: readonly TechniqueDefinition[] = [
  {
    name: "native",
    title: "Native",
    description: "No virtualization: the guest's page tables are the hardware's. The baseline.",
    source: "Intel SDM vol. 3, chapter 4",
    unsupported: () => undefined,
  },
  {
    name: "hardware/shadow",
    title: "Hardware-assisted, shadow paging",
    description:
      "VT-x or AMD-V with page tables kept by the monitor: each guest table has a shadow that maps guest-virtual to machine addresses; guest tables are write-protected and page faults, CR3 loads and INVLPG exit.",
    source: "Adams & Agesen, ASPLOS 2006, section 2.4; Linux Documentation/virt/kvm/x86/mmu.rst",
    unsupported: (profile) =>
      profile.features.hardwareAssist ? undefined : `${profile.name} has no VT-x or AMD-V`,
  },
  {
    name: "hardware/nested",
    title: "Hardware-assisted, nested paging",
    description:
      "VT-x with EPT or AMD-V with NPT: the walker translates in two dimensions; only EPT violations exit.",
    source: "Intel SDM vol. 3, chapter 29 (EPT); AMD APM vol. 2, 15.25 (NPT); Bhargava et al., ASPLOS 2008",
    unsupported: (profile) =>
      profile.features.nestedPaging ? undefined : `${profile.name} has no EPT or NPT`,
  },
  {
    name: "paravirtual/direct",
    title: "Paravirtual, direct paging",
    description:
      "Xen's way: the guest's own tables hold machine addresses and are used by the hardware; the guest may read them but changes them by hypercall, and the hypervisor validates each update.",
    source: "Barham et al., SOSP 2003, section 3.3.3; Xen public/xen.h",
    unsupported: () => undefined,
  },
  {
    name: "trap-and-emulate/shadow",
    title: "Trap and emulate, shadow paging",
    description:
      "The guest's kernel runs at CPL 1: what is privileged traps and is emulated, what is sensitive and does not trap goes wrong. 32-bit guests that are code.",
    source: "Popek & Goldberg, CACM 1974; Robin & Irvine, USENIX Security 2000",
    unsupported: () => undefined,
  },
  {
    name: "binary-translation/shadow",
    title: "Binary translation, shadow paging",
    description:
      "VMware's way: the guest's kernel is translated piece by piece into a cache and executed there at CPL 1, user code runs directly; page tables have shadows. 32-bit guests that are code.",
    source: "Adams & Agesen, ASPLOS 2006, section 3; Agesen et al., OSR 2010",
    unsupported: () => undefined,
  },
  {
    name: "hardware/agile",
    title: "Proposed hardware: agile paging",
    description:
      "Hardware that nobody has built: a walk begins in shadow tables and goes over to the guest's own, in two dimensions, where a shadow entry says so; the monitor has tables walked so that are written often, and shadows the others. Reference streams with 4- or 5-level paging.",
    source: "Gandhi, Hill & Swift, ISCA 2016",
    unsupported: (profile) =>
      profile.features.nestedPaging
        ? undefined
        : `${profile.name} has no EPT or NPT, which agile paging extends`,
  },
];
