import { expect, test } from "vitest";
import { findProfile } from "../events/profiles/index.js";
import { unsupportedTechnique } from "./code/computers.js";
import { unsupportedReason } from "./support.js";
import { planFrom, TEST_CATALOGUE } from "./testing/catalogue.js";
import { cellOf } from "./testing/cells.js";

const BASE = "technique: native\nworkload: gups\nparameters: { footprint: 4GiB }";

test.each([
  [["profile=old-2001"], "old-2001 has no long mode, which 4-level paging needs"],
  [["profile=old-2001", "paging=pae"], undefined],
  [["profile=old-2001", "paging=pae", "technique=hardware/nested"], "old-2001 has no EPT or NPT"],
  [["paging=5-level"], "nehalem-2008 has no 57-bit addresses, which 5-level paging needs"],
  [["page=1G"], "nehalem-2008 has no 1G pages"],
  [["page=1G", "profile=new-2020"], undefined],
  [["paging=32-bit", "page=2M"], "32-bit paging has no 2M pages"],
  [["paging=32-bit", "page=4M"], undefined],
  [["page=4M"], "4-level paging has no 4M pages"],
  [["technique=hardware/nested", "host.page=1G"], "nehalem-2008 has no 1G pages in its nested table"],
  [["technique=hardware/nested", "host.levels=5"], "nehalem-2008 has no 5-level nested table"],
  [
    ["technique=hardware/shadow", "host.page=4M"],
    "host pages are 4K, 2M or 1G: 4M pages belong to 32-bit paging alone",
  ],
  [["technique=hardware/nested", "host.levels=5", "profile=new-2020", "host.page=1G"], undefined],
])("%s: %s", (sets, reason) => {
  expect(unsupportedReason(planFrom(BASE, sets).cells[0]!.config, TEST_CATALOGUE)).toBe(reason);
});

test("a Xen PV guest maps 4K pages alone", () => {
  const reasonOf = (page: "4K" | "2M"): string | undefined =>
    unsupportedReason(cellOf({ technique: "paravirtual/direct", page }));
  expect(reasonOf("4K")).toBeUndefined();
  expect(reasonOf("2M")).toBe(
    "a Xen PV guest has no large pages: its frames are contiguous to itself, not in the machine",
  );
});

test("a local APIC by the hardware needs a processor that has it, and AVIC nested paging", () => {
  const reasonOf = (technique: string, profile: string): string | undefined => {
    const config = cellOf({ technique, host: { apicVirtualization: "on" } });
    return unsupportedTechnique(config, findProfile(profile)!);
  };
  expect(reasonOf("hardware/nested", "ice-lake-2019")).toBeUndefined();
  expect(reasonOf("hardware/nested", "skylake-2015")).toBe("skylake-2015 has no APICv");
  expect(reasonOf("hardware/shadow", "skylake-2015")).toBe("skylake-2015 has no APICv");
  expect(reasonOf("hardware/nested", "barcelona-2007")).toBe("barcelona-2007 has no AVIC");
  expect(reasonOf("hardware/nested", "zen-3-2020")).toBeUndefined();
  expect(reasonOf("hardware/shadow", "zen-3-2020")).toBe(
    "AVIC needs nested paging: its page is mapped there",
  );
  expect(reasonOf("native", "skylake-2015")).toBeUndefined();
});
