/**
 * Which techniques run guests that are code, and the computer of each: real, or one that a monitor shows. To add one, add a row.
 */
import type { CpuProfile } from "../../events/profile.js";
import { Computer, type ComputerOptions, type GuestComputer } from "../../machine/computer.js";
import { makeBinaryTranslation } from "../../monitor/binary-translation/computer.js";
import {
  makeHardwareComputer,
  makeHardwareShadowComputer,
} from "../../monitor/hardware-assisted/computer.js";
import type { HardwareAssist } from "../../monitor/hardware-assisted/virtual-machine.js";
import { makeParavirtual } from "../../monitor/paravirtual/computer.js";
import { makeTrapAndEmulate } from "../../monitor/trap-and-emulate/computer.js";
import { invariant } from "../../util/errors.js";
import { PAGE_SIZES } from "../../util/units.js";
import type { CellConfig } from "../config.js";

interface CodeTechnique {
  make(options: ComputerOptions, config: CellConfig): GuestComputer;
  /** Why a cell cannot run, besides what its technique says of the profile. */
  unsupported?(config: CellConfig, profile: CpuProfile): string | undefined;
}

const CODE_TECHNIQUES: Readonly<Record<string, CodeTechnique>> = {
  native: { make: (options) => new Computer(options) },
  "hardware/nested": {
    make: (options, { host }) =>
      makeHardwareComputer(options, {
        hostOrder: Math.log2(PAGE_SIZES[host.page] / PAGE_SIZES["4K"]),
        vpid: host.vpid,
        accessedDirty: host.accessedDirty,
        populate: host.populate,
        ...assistOf(host),
      }),
    unsupported: ({ host }, profile) => {
      const { name, features } = profile;
      const apic = missingApicAssist(host, profile);
      if (apic !== undefined) return apic;
      if (host.levels !== 4) return "monitors that run code have nested tables of 4 levels";
      return features.nestedPages.includes(host.page)
        ? undefined
        : `${name} has no ${host.page} pages in its nested table`;
    },
  },
  // Whether the image can be started so is known when it is loaded.
  "paravirtual/direct": { make: (options) => makeParavirtual(options) },
  "hardware/shadow": {
    make: (options, { host, shadow }) =>
      makeHardwareShadowComputer(options, {
        vpid: host.vpid,
        shadow: shadowOf(shadow),
        ...assistOf(host),
      }),
    unsupported: ({ host }, profile) => {
      if (host.page !== "4K") return "shadows of guests that are code map 4K host pages alone";
      if (host.apicVirtualization === "on" && profile.vendor === "amd")
        return "AVIC needs nested paging: its page is mapped there";
      return missingApicAssist(host, profile);
    },
  },
  "trap-and-emulate/shadow": {
    make: (options, { shadow }) => makeTrapAndEmulate({ ...options, shadow: shadowOf(shadow) }),
  },
  "binary-translation/shadow": {
    make: (options, { shadow, translation }) =>
      makeBinaryTranslation({
        ...options,
        shadow: shadowOf(shadow),
        cachePages: Math.ceil(translation.cache / PAGE_SIZES["4K"]),
        chaining: translation.chaining,
        adaptive: translation.adaptive,
        returnsInCache: translation.iret === "in-cache",
      }),
  },
};

const assistOf = (host: CellConfig["host"]): HardwareAssist => ({
  apicAssist: host.apicVirtualization,
  pauseLoopExiting: host.pauseLoopExiting,
  monitor: host.monitor,
  mitigations: host.mitigations,
});

/** Why the hardware cannot have the guest's local APIC, where it is asked to. */
function missingApicAssist(
  { apicVirtualization }: CellConfig["host"],
  { name, vendor, features }: CpuProfile,
): string | undefined {
  if (apicVirtualization !== "on") return undefined;
  const [feature, title] =
    vendor === "intel" ? (["VIRTUAL-INTERRUPTS", "APICv"] as const) : (["AVIC", "AVIC"] as const);
  return features.assist.includes(feature) ? undefined : `${name} has no ${title}`;
}

const shadowOf = ({ fill, ...shadow }: CellConfig["shadow"]) => ({ ...shadow, eager: fill === "eager" });

/** @throws UnsupportedError when the machine cannot be made. */
export function makeGuestComputer(options: ComputerOptions, config: CellConfig): GuestComputer {
  const technique = CODE_TECHNIQUES[config.technique];
  invariant(technique !== undefined, "support was asked", () => config.technique);
  return technique.make(options, config);
}

/** Why a technique cannot run a cell whose guest is code; undefined when it can. */
export function unsupportedTechnique(config: CellConfig, profile: CpuProfile): string | undefined {
  const technique = CODE_TECHNIQUES[config.technique];
  if (config.technique === "hardware/agile")
    return "proposed hardware, modelled for reference streams: no monitor here shadows the tables of code and has a nested table";
  if (technique === undefined) {
    const names = Object.keys(CODE_TECHNIQUES).join(", ");
    return `${config.technique} does not run code yet: ${names} do`;
  }
  return technique.unsupported?.(config, profile);
}
