/**
 * What the chapter on compute virtualization that virtlab takes its questions from claims, as claims that scenarios can confirm or
 * refute: lines of `expect:` carry a claim's id. "Observable" says what to look at.
 */

export interface Claim {
  readonly id: string;
  readonly area: string;
  readonly text: string;
  readonly observable: string;
}

const claim = <Id extends string>(id: Id, area: string, text: string, observable: string) => ({
  id,
  area,
  text,
  observable,
});

export const CLAIMS = [
  claim(
    "cpu-1",
    "CPU",
    "x86 has sensitive instructions that do not trap outside ring 0, so trap-and-emulate breaks",
    "a guest using POPF, SGDT, SMSW, … misbehaves under trap-and-emulate and is right under the others",
  ),
  claim(
    "cpu-2",
    "CPU",
    "Binary translation rewrites kernel code and caches it; user code runs directly at native speed",
    "user-mode compute: slowdown near 1.00; kernel-heavy work slower; translation-cache hit rate; translator's share of cycles",
  ),
  claim(
    "cpu-3",
    "CPU",
    "Full virtualization needs no change to the guest; paravirtualization replaces the non-virtualizable instructions by hypercalls, and has interfaces for memory, interrupts and time",
    "the same image under BT and hardware; a ported image under paravirtual; hypercall counts by kind",
  ),
  claim(
    "cpu-4",
    "CPU",
    "The advantage of paravirtualization depends strongly on the workload",
    "slowdown per workload: compute against system calls against page-table churn",
  ),
  claim(
    "cpu-5",
    "CPU",
    "VT-x and AMD-V trap sensitive instructions to root mode by themselves; the state lives in a VMCS or VMCB",
    "exits by reason, with neither translation nor hypercalls",
  ),
  claim(
    "cpu-6",
    "CPU",
    "First-generation hardware assistance (2006) was slower than optimised binary translation because switches were dear",
    "on profiles of 2005 and 2006 BT beats hardware/shadow on fork and page faults; later the two are even there, and hardware/nested beats both",
  ),
  claim(
    "cpu-7",
    "CPU",
    "One CPU serves many virtual CPUs, each scheduled like a process (KVM: an ordinary Linux thread)",
    "fairness and loss against the number of virtual CPUs",
  ),
  claim(
    "cpu-8",
    "CPU",
    "Virtualization, multitasking and hyper-threading are different things",
    "the same load as processes, as VMs, and on sibling threads that share a core",
  ),
  claim(
    "mem-1",
    "Memory",
    "Shadow tables map guest-virtual directly to machine addresses, so a TLB miss costs a one-dimensional walk",
    "references per walk: 4 against up to 24",
  ),
  claim(
    "mem-2",
    "Memory",
    "A shadow table is needed for each process of each guest: large memory overhead",
    "shadow bytes against the number of processes; one nested table a guest",
  ),
  claim(
    "mem-3",
    "Memory",
    "Keeping shadow tables in step with the guest's is complex and costly",
    "exits per page-table change; cost of fork, mmap, context switch",
  ),
  claim(
    "mem-4",
    "Memory",
    "EPT/NPT need no table per process, are simpler, and raise performance",
    "slowdown by workload and page size; where shadow still wins (TLB-miss-bound, few table changes)",
  ),
  claim(
    "mem-5",
    "Memory",
    "Physical memory is dynamically allocated to machines",
    "ballooning, sharing, overcommitment: memory recovered and its cost",
  ),
  claim(
    "io-1",
    "Devices and networks",
    "Software I/O is richer to manage but costs CPU; passthrough is near native",
    "throughput and cycles per packet or block: emulated, paravirtual, passthrough with an IOMMU",
  ),
  claim(
    "io-2",
    "Devices and networks",
    "A virtual switch connects machines on one host without using physical bandwidth",
    "bytes on the physical link",
  ),
  claim(
    "io-3",
    "Devices and networks",
    "Bonded links fail over without the guest noticing",
    "packets lost and connection state across a failure",
  ),
  claim(
    "io-4",
    "Devices and networks",
    "Xen: the hypervisor does CPU and memory only; a DomU's I/O passes through Dom0",
    "the path of a request, Dom0's cycles per request",
  ),
  claim(
    "io-5",
    "Devices and networks",
    "KVM: I/O exits go out to QEMU in user mode; memory faults and interrupts are handled in the kernel",
    "cycles of an exit by where it is handled",
  ),
  claim(
    "io-6",
    "Devices and networks",
    "Bare-metal hypervisors are more efficient than hosted ones",
    "the same technique under both topologies",
  ),
  claim(
    "io-7",
    "Devices and networks",
    "Live migration keeps a service running, and its network address",
    "downtime, total time, rounds, bytes, against the dirtying rate",
  ),
  claim(
    "con-1",
    "Containers and density",
    "A host carries about ten times as many containers as virtual machines",
    "instances until memory or a service objective gives out, for several applications",
  ),
  claim(
    "con-2",
    "Containers and density",
    "Starting a container costs almost nothing and is very fast",
    "start time by phase, container against VM (cold, warm, microVM)",
  ),
  claim(
    "con-3",
    "Containers and density",
    "Containers share the kernel, even binaries and libraries; VMs repeat them",
    "the memory ledger: private, shared, duplicate; what page sharing recovers",
  ),
  claim(
    "con-4",
    "Containers and density",
    "Namespaces isolate: pid, net, ipc, mnt, uts",
    "what one container can see of another, per namespace switched on or off",
  ),
  claim(
    "con-5",
    "Containers and density",
    "cgroups share CPU, memory and block I/O fairly and keep one container from harming others",
    "throughput of a victim beside a hog, with and without limits",
  ),
  claim(
    "con-6",
    "Containers and density",
    "Union file systems (AUFS, btrfs, vfs, devicemapper; today overlay) make copies light and starts fast",
    "storage, page cache, copy-up and start cost per driver",
  ),
  claim(
    "con-7",
    "Containers and density",
    "docker run: client → daemon → image present? else pull from a registry → layers, writable layer, network, start",
    "time and bytes by phase, cold and warm cache",
  ),
  claim(
    "con-8",
    "Containers and density",
    "The history: chroot, jails, Zones, Virtuozzo/OpenVZ, LXC, lmctfy, Docker (libcontainer, runC); orchestrated by Kubernetes, Mesos, Swarm",
    "each as a preset: which isolation and which control it has, and what a misbehaving tenant can do",
  ),
  claim(
    "con-9",
    "Containers and density",
    "The greatest challenge of containers is security",
    "a kernel flaw's reach under each system",
  ),
  claim(
    "ops-1",
    "Operations",
    "Restarting one machine does not touch the others; restarting the host stops them all",
    "service of neighbours across both",
  ),
  claim(
    "ops-2",
    "Operations",
    "Mix heavy and light workloads on a host",
    "throughput and tail latency against placement",
  ),
  claim(
    "ops-3",
    "Operations",
    "16 blades × 10 machines: one rack's failure takes 160 applications; redundancy with standby capacity limits it",
    "applications lost and recovery time against placement and spare capacity",
  ),
  claim(
    "ops-4",
    "Operations",
    'Machines multiply easily ("sprawl"), and licences with them',
    "cost against instance count and reclaim policy",
  ),
] as const satisfies readonly Claim[];

/** Why no scenario can speak of a claim yet: its mechanism is not modelled. */
export const UNMODELLED: Readonly<Partial<Record<ClaimId, string>>> = {
  "io-1": "no throughput of devices: there is neither a network card nor an IOMMU",
  "io-2": "there is no virtual switch between guests",
  "io-3": "there are no network cards to bond",
  "io-4": "there is no driver domain: a paravirtual guest's devices are the monitor's",
  "io-6": "there is no hosted topology: every monitor is on bare metal",
  "io-7": "there is no live migration",
  "ops-4": "there is neither the price of a licence nor of an idle machine",
};

export type ClaimId = (typeof CLAIMS)[number]["id"];

export const CLAIM_IDS: readonly ClaimId[] = CLAIMS.map(({ id }) => id);
