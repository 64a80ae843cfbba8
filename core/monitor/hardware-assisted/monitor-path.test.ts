/** Whose way exits take: what it costs, and that VirtualBox's to its process loses the guest's translations. */
import { describe, expect, it } from "vitest";
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import { EXIT } from "../../events/exit-reasons.js";
import { findProfile } from "../../events/profiles/index.js";
import { EXIT_OPERATIONS, exitGuest, ORIGIN, prepare } from "../../guest/exits/guests.js";
import { loadImage } from "../../guest/images/image.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { makeHardwareComputer } from "./computer.js";
import type { HardwareMonitor } from "./monitor-path.js";

const MEMORY = 2 ** 21;
const N = 10;
const NESTED = { hostOrder: 0, vpid: true, accessedDirty: true, populate: false } as const;

/** All of a guest that repeats an operation: an exit to the user side for each mark comes on top. */
function run(operation: string, profileName: string, monitor: HardwareMonitor, mitigations: boolean) {
  const profile = findProfile(profileName)!;
  const computer = makeHardwareComputer(
    { profile, memoryBytes: MEMORY, ...PLAIN, engine: "translator" },
    { ...NESTED, monitor, mitigations },
  );
  const image = exitGuest(EXIT_OPERATIONS[operation]!.body, prepare, N);
  computer.load(loadImage(image, { kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY }));
  expect(computer.run(1e6)).toEqual({ kind: "exit", status: 0 });
  const { counters, costs } = computer.machine;
  expect(counters.totalCycles).toBe(computer.engine.now());
  const ofUser = counters.exits[EXIT.io_user]!;
  return {
    costs,
    ofUser,
    exits: counters.events[EVENT.exits]!,
    monitor: counters.cycles[CYCLES.monitor]!,
    user: counters.cycles[CYCLES.monitor_user]! / ofUser,
    walks: counters.events[EVENT.tlb_misses]!,
  };
}

describe("VirtualBox's way", () => {
  it.each([
    ["zen-2-2019", 6, "msr_access"],
    ["skylake-2015", 4, "system_instruction"],
  ] as const)("to its process turns virtualization off and on, on %s", (profile, times, price) => {
    const { user, costs } = run("outl-to-user", profile, "virtualbox", false);
    expect(user).toBe(costs.vbox_round_trip + costs.user_device + times * costs[price]);
  });

  it("there loses the guest's translations, which KVM's keeps", () => {
    const kvm = run("outl-to-user", "zen-2-2019", "kvm", false);
    const virtualBox = run("outl-to-user", "zen-2-2019", "virtualbox", false);
    expect(virtualBox.ofUser).toBe(kvm.ofUser);
    expect(virtualBox.walks - kvm.walks).toBeGreaterThanOrEqual(N);
    expect(kvm.user).toBe(kvm.costs.user_round_trip + kvm.costs.user_device);
  });

  it("within its kernel side keeps them, and has its own price", () => {
    const kvm = run("cpuid", "zen-2-2019", "kvm", false);
    const virtualBox = run("cpuid", "zen-2-2019", "virtualbox", false);
    const more = virtualBox.costs.vbox_dispatch - kvm.costs.monitor_dispatch;
    expect(virtualBox.monitor - kvm.monitor).toBe(kvm.exits * more);
  });
});

it("mitigations are a price of every exit", () => {
  const [off, on] = [false, true].map((mitigated) => run("cpuid", "zen-3-2020", "kvm", mitigated));
  expect(on!.monitor - off!.monitor).toBe(off!.exits * off!.costs.exit_mitigations);
});
