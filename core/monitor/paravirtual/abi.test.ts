/**
 * The interface against Xen's public headers (xen/include/public: xen.h, event_channel.h, vcpu.h, version.h): numbers by the
 * headers' names, places of fields as C lays their structures out; that the guest's port (port/xen/abi.h) has the same; and
 * that the calls do what the headers say of channels, time and the version.
 */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { WIDTHS } from "../../guest/mini-kernel/benchmark.js";
import { StartedGuest } from "../testing/started-guest.js";
import {
  CHANNEL_STATUS,
  COMMAND_LINE_BYTES,
  ERROR,
  EVENT_OP,
  HYPERCALL,
  MMUEXT,
  OK,
  PHYSDEV,
  RUNSTATE,
  SCHED,
  SHARED,
  SINGLE_SHOT,
  START_INFO,
  TIME,
  UPDATE_KIND,
  UVMF,
  VCPU,
  VERSION,
  VIRQ_TIMER,
  VM_ASSIST,
} from "./abi.js";

// biome-ignore format: columns
/** Number here; name and number in the headers. */
const NUMBERS: readonly (readonly [number, string, number])[] = [
  [HYPERCALL.set_trap_table, "__HYPERVISOR_set_trap_table", 0],
  [HYPERCALL.mmu_update, "__HYPERVISOR_mmu_update", 1],
  [HYPERCALL.set_gdt, "__HYPERVISOR_set_gdt", 2],
  [HYPERCALL.stack_switch, "__HYPERVISOR_stack_switch", 3],
  [HYPERCALL.set_callbacks, "__HYPERVISOR_set_callbacks", 4],
  [HYPERCALL.fpu_taskswitch, "__HYPERVISOR_fpu_taskswitch", 5],
  [HYPERCALL.update_descriptor, "__HYPERVISOR_update_descriptor", 10],
  [HYPERCALL.memory_op, "__HYPERVISOR_memory_op", 12],
  [HYPERCALL.multicall, "__HYPERVISOR_multicall", 13],
  [HYPERCALL.update_va_mapping, "__HYPERVISOR_update_va_mapping", 14],
  [HYPERCALL.set_timer_op, "__HYPERVISOR_set_timer_op", 15],
  [HYPERCALL.xen_version, "__HYPERVISOR_xen_version", 17],
  [HYPERCALL.console_io, "__HYPERVISOR_console_io", 18],
  [HYPERCALL.grant_table_op, "__HYPERVISOR_grant_table_op", 20],
  [HYPERCALL.vm_assist, "__HYPERVISOR_vm_assist", 21],
  [HYPERCALL.iret, "__HYPERVISOR_iret", 23],
  [HYPERCALL.vcpu_op, "__HYPERVISOR_vcpu_op", 24],
  [HYPERCALL.set_segment_base, "__HYPERVISOR_set_segment_base", 25],
  [HYPERCALL.mmuext_op, "__HYPERVISOR_mmuext_op", 26],
  [HYPERCALL.sched_op, "__HYPERVISOR_sched_op", 29],
  [HYPERCALL.event_channel_op, "__HYPERVISOR_event_channel_op", 32],
  [HYPERCALL.physdev_op, "__HYPERVISOR_physdev_op", 33],
  [UPDATE_KIND.normal, "MMU_NORMAL_PT_UPDATE", 0],
  [UPDATE_KIND.machineToPhysical, "MMU_MACHPHYS_UPDATE", 1],
  [UPDATE_KIND.keepAccessedDirty, "MMU_PT_UPDATE_PRESERVE_AD", 2],
  [MMUEXT.pinL1, "MMUEXT_PIN_L1_TABLE", 0],
  [MMUEXT.pinL2, "MMUEXT_PIN_L2_TABLE", 1],
  [MMUEXT.pinL3, "MMUEXT_PIN_L3_TABLE", 2],
  [MMUEXT.pinL4, "MMUEXT_PIN_L4_TABLE", 3],
  [MMUEXT.unpin, "MMUEXT_UNPIN_TABLE", 4],
  [MMUEXT.newBase, "MMUEXT_NEW_BASEPTR", 5],
  [MMUEXT.flushLocal, "MMUEXT_TLB_FLUSH_LOCAL", 6],
  [MMUEXT.invalidateLocal, "MMUEXT_INVLPG_LOCAL", 7],
  [MMUEXT.flushAll, "MMUEXT_TLB_FLUSH_ALL", 10],
  [MMUEXT.invalidateAll, "MMUEXT_INVLPG_ALL", 11],
  [MMUEXT.newUserBase, "MMUEXT_NEW_USER_BASEPTR", 15],
  [UVMF.flush, "UVMF_TLB_FLUSH", 1],
  [UVMF.invalidate, "UVMF_INVLPG", 2],
  [UVMF.kind, "UVMF_FLUSHTYPE_MASK", 3],
  [EVENT_OP.bindInterdomain, "EVTCHNOP_bind_interdomain", 0],
  [EVENT_OP.bindVirq, "EVTCHNOP_bind_virq", 1],
  [EVENT_OP.bindPirq, "EVTCHNOP_bind_pirq", 2],
  [EVENT_OP.close, "EVTCHNOP_close", 3],
  [EVENT_OP.send, "EVTCHNOP_send", 4],
  [EVENT_OP.status, "EVTCHNOP_status", 5],
  [EVENT_OP.allocateUnbound, "EVTCHNOP_alloc_unbound", 6],
  [EVENT_OP.bindIpi, "EVTCHNOP_bind_ipi", 7],
  [EVENT_OP.bindProcessor, "EVTCHNOP_bind_vcpu", 8],
  [EVENT_OP.unmask, "EVTCHNOP_unmask", 9],
  [VIRQ_TIMER, "VIRQ_TIMER", 0],
  [SCHED.yield, "SCHEDOP_yield", 0],
  [SCHED.block, "SCHEDOP_block", 1],
  [SCHED.shutdown, "SCHEDOP_shutdown", 2],
  [PHYSDEV.setIopl, "PHYSDEVOP_set_iopl", 6],
  [PHYSDEV.eoi, "PHYSDEVOP_eoi", 12],
  [VERSION.version, "XENVER_version", 0],
  [VERSION.extra, "XENVER_extraversion", 1],
  [VERSION.capabilities, "XENVER_capabilities", 3],
  [VERSION.platformParameters, "XENVER_platform_parameters", 5],
  [VERSION.features, "XENVER_get_features", 6],
  [VERSION.pageSize, "XENVER_pagesize", 7],
  [VCPU.isUp, "VCPUOP_is_up", 3],
  [VCPU.getRunstate, "VCPUOP_get_runstate_info", 4],
  [VCPU.stopPeriodic, "VCPUOP_stop_periodic_timer", 7],
  [VCPU.setSingleShot, "VCPUOP_set_singleshot_timer", 8],
  [VCPU.stopSingleShot, "VCPUOP_stop_singleshot_timer", 9],
  [VM_ASSIST.enable, "VMASST_CMD_enable", 0],
  [VM_ASSIST.disable, "VMASST_CMD_disable", 1],
  [VM_ASSIST.writablePageTables, "VMASST_TYPE_writable_pagetables", 2],
  [COMMAND_LINE_BYTES, "MAX_GUEST_CMDLINE", 1024],
];

it.each(NUMBERS)("%i is %s", (here, _, there) => {
  expect(here).toBe(there);
});

it("the guest's port has the same numbers by the same names, but for the headers' prefixes and case", () => {
  const header = readFileSync(new URL("../../guest/mini-kernel/port/xen/abi.h", import.meta.url), "utf8");
  const plain = (name: string): string => name.replace(/^__HYPERVISOR_|^MMUEXT_/, "").toUpperCase();
  const published = new Map(NUMBERS.map(([, name, number]) => [plain(name), number]));
  const defined = [...header.matchAll(/^(?:#define )?\s*([A-Z][A-Z_0-9]*)(?: =)? (\d+)(?:,| |$)/gm)];
  const common = defined.filter(([, name]) => published.has(name!));
  expect(common.length).toBeGreaterThan(30);
  for (const [, name, number] of common) expect([name, Number(number)]).toEqual([name, published.get(name!)]);
});

// Structures, as the System V ABIs of both widths lay them out: 64-bit fields are aligned to 4 bytes on IA-32.

type Field = readonly [name: string, bytes: number | "word", count?: number];

function layOut(width: 32 | 64, fields: readonly Field[]): Readonly<Record<string, number>> {
  const word = width / 8;
  const places: Record<string, number> = {};
  let at = 0;
  let widest = 1;
  for (const [name, size, count = 1] of fields) {
    const bytes = size === "word" ? word : size;
    const alignment = Math.min(bytes, word);
    at = Math.ceil(at / alignment) * alignment;
    places[name] = at;
    at += bytes * count;
    widest = Math.max(widest, alignment);
  }
  places["end"] = Math.ceil(at / widest) * widest;
  return places;
}

// biome-ignore format: as in the headers
const START_INFO_FIELDS: readonly Field[] = [
  ["magic", 1, 32], ["nr_pages", "word"], ["shared_info", "word"], ["flags", 4], ["store_mfn", "word"], ["store_evtchn", 4],
  ["console_mfn", "word"], ["console_evtchn", 4], ["pt_base", "word"], ["nr_pt_frames", "word"], ["mfn_list", "word"],
  ["mod_start", "word"], ["mod_len", "word"], ["cmd_line", 1, 1024],
];
// biome-ignore format: as in the headers
const TIME_FIELDS: readonly Field[] = [
  ["version", 4], ["pad0", 4], ["tsc_timestamp", 8], ["system_time", 8], ["tsc_to_system_mul", 4], ["tsc_shift", 1], ["pad1", 1, 3],
];
const RUNSTATE_FIELDS: readonly Field[] = [
  ["state", 4],
  ["state_entry_time", 8],
  ["time", 8, 4],
];

describe.each(WIDTHS)("%i-bit structures", (width) => {
  it("start_info", () => {
    const places = layOut(width, START_INFO_FIELDS);
    expect(START_INFO[width]).toEqual({
      pages: places["nr_pages"],
      shared: places["shared_info"],
      flags: places["flags"],
      pageTable: places["pt_base"],
      tableFrames: places["nr_pt_frames"],
      frameList: places["mfn_list"],
      commandLine: places["cmd_line"],
    });
  });

  it("shared_info, with 32 vcpu_info of 64 bytes, and their time", () => {
    const time = layOut(width, TIME_FIELDS);
    // arch_vcpu_info is cr2 and what fills 64 bytes up.
    const info = layOut(width, [
      ["pending", 1],
      ["mask", 1],
      ["pending_sel", "word"],
      ["cr2", "word"],
    ]);
    expect(SHARED).toEqual({
      upcallPending: info["pending"],
      upcallMask: info["mask"],
      time: 32,
      channels: 32 * 64,
    });
    expect(SHARED.time + time["end"]!).toBe(64);
    expect(TIME).toEqual({ multiplier: time["tsc_to_system_mul"], shift: time["tsc_shift"] });
  });

  it("vcpu_runstate_info and vcpu_set_singleshot_timer", () => {
    const places = layOut(width, RUNSTATE_FIELDS);
    expect(RUNSTATE[width]).toEqual({
      since: places["state_entry_time"],
      times: places["time"],
      bytes: places["end"],
    });
    expect(SINGLE_SHOT.flags).toBe(
      layOut(width, [
        ["timeout_abs_ns", 8],
        ["flags", 4],
      ])["flags"],
    );
  });
});

describe.each(WIDTHS)("%i-bit calls", (width) => {
  let guest: StartedGuest;
  beforeEach(() => {
    guest = new StartedGuest(width);
  });
  const access = () => guest.monitor.present.access;

  /** Makes an operation on a structure of so many words of 32 bits. @returns its result, and the words afterwards. */
  function operation(call: number, command: number, words: readonly number[], ...more: readonly number[]) {
    const at = guest.scratch();
    for (const [index, word] of words.entries()) access().write32(at + 4 * index, word);
    const result = guest.call(call, command, ...more, at);
    return { result, words: words.map((_, index) => access().read32(at + 4 * index)) };
  }
  const channelOp = (command: number, ...words: readonly number[]) =>
    operation(HYPERCALL.event_channel_op, command, words);
  const SELF = 0x7ff0;
  const isPending = (channel: number): boolean =>
    (guest.ram[(guest.monitor.present.events.frame * 4096 + SHARED.channels) / 4 + (channel >> 5)]! &
      (1 << (channel & 31))) !==
    0;
  const statusOf = (channel: number) => channelOp(EVENT_OP.status, SELF, channel, -1, -1, -1, -1).words;

  it("a channel that waits is connected, carries events both ways, and waits again when its end is closed", () => {
    const waiting = channelOp(EVENT_OP.allocateUnbound, SELF | (SELF << 16), 0);
    expect(waiting.result).toBe(OK);
    const first = waiting.words[1]!;
    expect(statusOf(first)[2]).toBe(CHANNEL_STATUS.unbound);
    expect(channelOp(EVENT_OP.send, first).result).toBe(OK);
    expect(isPending(first)).toBe(false);
    const second = channelOp(EVENT_OP.bindInterdomain, SELF, first, 0).words[2]!;
    expect(statusOf(second).slice(2)).toEqual([CHANNEL_STATUS.interdomain, 0, expect.anything(), first]);
    expect(statusOf(first).slice(2)).toEqual([CHANNEL_STATUS.interdomain, 0, expect.anything(), second]);
    expect(channelOp(EVENT_OP.send, first).result).toBe(OK);
    expect([isPending(first), isPending(second)]).toEqual([false, true]);
    expect(channelOp(EVENT_OP.bindInterdomain, SELF, first, 0).result).toBe(ERROR.invalid);
    expect(channelOp(EVENT_OP.close, second).result).toBe(OK);
    expect([isPending(second), statusOf(second)[2], statusOf(first)[2]]).toEqual([
      false,
      CHANNEL_STATUS.closed,
      CHANNEL_STATUS.unbound,
    ]);
    expect(channelOp(EVENT_OP.close, second).result).toBe(ERROR.invalid);
    // The lowest free channel comes next.
    expect(channelOp(EVENT_OP.bindIpi, 0, 0).words[1]).toBe(second);
    expect(statusOf(second)[2]).toBe(CHANNEL_STATUS.ipi);
    expect(channelOp(EVENT_OP.send, second).result).toBe(OK);
    expect(isPending(second)).toBe(true);
  });

  it("the timer and a line of the 8259s are bound once, and again when closed", () => {
    const { timerChannel } = guest.monitor.present;
    expect(statusOf(timerChannel).slice(2, 5)).toEqual([CHANNEL_STATUS.virq, 0, VIRQ_TIMER]);
    expect(channelOp(EVENT_OP.bindVirq, VIRQ_TIMER, 0, 0).result).toBe(ERROR.exists);
    expect(channelOp(EVENT_OP.send, timerChannel).result).toBe(ERROR.invalid);
    expect(channelOp(EVENT_OP.bindProcessor, timerChannel, 0).result).toBe(ERROR.invalid);
    expect(channelOp(EVENT_OP.close, timerChannel).result).toBe(OK);
    expect(channelOp(EVENT_OP.bindVirq, VIRQ_TIMER, 0, 0).words[2]).toBe(timerChannel);
    const line = 5;
    const { words } = channelOp(EVENT_OP.bindPirq, line, 0, 0);
    expect(statusOf(words[2]!).slice(2, 5)).toEqual([CHANNEL_STATUS.pirq, 0, line]);
    expect(channelOp(EVENT_OP.bindPirq, line, 0, 0).result).toBe(ERROR.exists);
    expect(channelOp(EVENT_OP.bindProcessor, words[2]!, 0).result).toBe(OK);
    expect(channelOp(EVENT_OP.bindProcessor, words[2]!, 1).result).toBe(ERROR.noEntry);
    expect(channelOp(EVENT_OP.close, words[2]!).result).toBe(OK);
    expect(channelOp(EVENT_OP.bindPirq, line, 0, 0).result).toBe(OK);
  });

  it("other domains are not there", () => {
    expect(channelOp(EVENT_OP.allocateUnbound, SELF | (1 << 16), 0).result).toBe(ERROR.noDomain);
    expect(channelOp(EVENT_OP.bindInterdomain, 1, 1, 0).result).toBe(ERROR.noDomain);
  });

  it("a time that has passed is told, where that is asked for", () => {
    const { time } = guest.monitor.present;
    const processorOp = (command: number, ...words: readonly number[]) =>
      operation(HYPERCALL.vcpu_op, command, words, 0).result;
    expect(processorOp(VCPU.setSingleShot, 1, 0, SINGLE_SHOT.future)).toBe(ERROR.timePassed);
    expect(processorOp(VCPU.setSingleShot, 1, 0, 0)).toBe(OK);
    expect(processorOp(VCPU.setSingleShot, (time.nanoseconds + 1e6) | 0, 0, SINGLE_SHOT.future)).toBe(OK);
    expect(processorOp(VCPU.stopSingleShot, 0)).toBe(OK);
    expect(processorOp(VCPU.isUp, 0)).toBe(1);
  });

  it("says which Xen it is", () => {
    const text = (command: number, bytes: number): string => {
      guest.call(HYPERCALL.xen_version, command, guest.scratch());
      return String.fromCharCode(
        ...Array.from({ length: bytes }, (_, index) => access().read8(guest.scratch() + index) & 0xff),
      ).replace(/\0+$/, "");
    };
    expect(guest.call(HYPERCALL.xen_version, VERSION.version, 0)).toBe(4 << 16);
    expect(text(VERSION.extra, 16)).toBe(".0");
    expect(text(VERSION.capabilities, 1024)).toBe(width === 32 ? "xen-3.0-x86_32p" : "xen-3.0-x86_64");
    expect(guest.call(HYPERCALL.xen_version, VERSION.pageSize, 0)).toBe(4096);
  });
});
