/**
 * One translation, reference by reference: a machine and a guest as a cell describes them, one page of memory, and one
 * access to it, made again with less and less left to do:
 *
 *      cold        the guest has only mapped the page: first touch, with every fault and exit it causes
 *      walk        the page is there, TLBs and walk caches are empty: the whole walk
 *      neighbour   TLBs are empty, but the page beside it was just walked: what the walk caches save
 *      warm        again at once: the TLB holds it
 *
 * All four are always made, in this order, so that what one shows does not depend on which are shown.
 */
import { GuestFailure } from "../guest/kernel/guest-failure.js";
import { GuestKernel } from "../guest/kernel/kernel.js";
import { highHalf, lowHalf, REF_FETCH, REF_WRITE } from "../machine/address.js";
import type { WalkObserver } from "../machine/mmu/traced-walkers.js";
import { invariant, UnsupportedError, UserError } from "../util/errors.js";
import { Random } from "../util/random.js";
import { PAGE_SIZES } from "../util/units.js";
import { assemble } from "./assemble.js";
import { auditCounters } from "./audit.js";
import type { CellConfig } from "./config.js";
import { untraceableReason } from "./support.js";
import { chooseAddress, neighbourOf, spanOf } from "./trace-address.js";
import {
  type AccessKind,
  TRACE_STATES,
  type Trace,
  type TracedAccess,
  type TraceState,
} from "./trace-data.js";
import { addressFields, closedForm, guestLeaf, hex, mergedFields } from "./trace-entries.js";
import { factsOf } from "./trace-facts.js";
import { Recorder } from "./trace-recorder.js";
import { heldIn } from "./trace-tlb.js";
import { TracedVcpu } from "./trace-vcpu.js";

export interface TraceRequest {
  /** Machine, guest and monitor; the workload does not run. */
  readonly config: CellConfig;
  /** Chosen from the seed when undefined. */
  readonly address?: number | undefined;
  readonly kind: AccessKind;
  /** Those that the trace shows; default: all. */
  readonly states?: readonly TraceState[] | undefined;
  readonly seed: number;
}

/** @throws UserError for what the profile, the technique or the address space cannot do. */
export function traceOf(request: TraceRequest): Trace {
  const { config } = request;
  const refused = untraceableReason(config);
  if (refused !== undefined) throw new UserError(refused, { mend: MEND });
  try {
    return trace(request);
  } catch (error) {
    if (error instanceof UnsupportedError || error instanceof GuestFailure)
      throw new UserError(error.message, { mend: MEND });
    throw error;
  }
}

const MEND = "`virtlab describe <profile>` says what a CPU has";

function trace({ config, kind, seed, states = TRACE_STATES, address: wanted }: TraceRequest): Trace {
  const page = PAGE_SIZES[config.page];
  const footprint = { dataBytes: 2 * page, processes: 1, mappedBytes: 2 * page };
  let observer: WalkObserver = () => {};
  const { machine, vcpu } = assemble(config, footprint, { observer: (reference) => observer(reference) });
  const recorder = new Recorder(machine, vcpu);
  observer = (reference) => recorder.observe(reference);

  const kernel = new GuestKernel(new TracedVcpu(vcpu, recorder), { pcid: config.guest.pcid });
  kernel.boot();
  kernel.switchTo(kernel.spawn());
  const span = spanOf(kernel.layout, page);
  const address = chooseAddress(wanted, span, new Random(seed).fork("address"));
  const neighbour = neighbourOf(address, span, page);
  const bytes = Math.max(address, neighbour) + 1 - span.start;
  const start = kernel.mmap(bytes, { page: config.page, executable: kind === "fetch" });
  invariant(start === span.start, "a new process maps from its first user address", () => ({ start, span }));

  const access = (va: number): void => kernel.user(referenceTo(va, kind), 1);
  // INVEPT, global: everything that translates, of both dimensions.
  const empty = (): void => machine.mmu.invalidateNested();
  const prepare: Readonly<Record<TraceState, () => void>> = {
    cold: empty,
    walk: () => {
      access(neighbour);
      empty();
    },
    neighbour: () => {
      empty();
      access(neighbour);
    },
    warm: () => {},
  };
  const accesses = TRACE_STATES.map((state): TracedAccess => {
    prepare[state]();
    const recording = recorder.record(address, kind, () => access(address));
    const held = heldIn(machine, address, kind).map(({ frame: _frame, ...rest }) => rest);
    return { state, ...recording, held };
  });
  auditCounters(machine.counters, config.machine.caches !== "off");

  const { walker } = machine.mmu;
  const fields = mergedFields(addressFields(address, machine.paging), guestLeaf(config), machine.paging);
  return {
    seed,
    technique: config.technique,
    profile: config.machine.profile,
    paging: config.guest.paging,
    page: config.page,
    hostPage: config.host.page,
    kind,
    address: hex(address),
    fields,
    cr3: hex(walker.root * 4096),
    ...(walker.host === undefined ? {} : { nestedRoot: hex(walker.host.root * 4096) }),
    nestedFormat: machine.nestedFormat === "ept" ? "EPT" : "NPT",
    facts: factsOf(machine),
    closedForm: closedForm(config),
    accesses: accesses.filter(({ state }) => states.includes(state)),
  };
}

/** A batch of one reference (machine/address.ts). */
function referenceTo(va: number, kind: AccessKind): Int32Array {
  const bits = kind === "write" ? REF_WRITE : kind === "fetch" ? REF_FETCH : 0;
  return Int32Array.of(lowHalf(va) | bits, highHalf(va));
}
