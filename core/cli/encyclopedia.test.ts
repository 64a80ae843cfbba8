import { expect, it } from "vitest";
import { EVENTS } from "../events/events.js";
import { PROFILES } from "../events/profiles/index.js";
import { WORKLOADS } from "../guest/workloads/index.js";
import { COLUMNS } from "../results/columns.js";
import { TECHNIQUES } from "../system/techniques.js";
import { findEntries } from "./describe.js";
import { encyclopedia } from "./encyclopedia.js";

const entries = encyclopedia();

it("has everything that a scenario or a row can name", () => {
  const named = (name: string): boolean => entries.some((entry) => entry.name === name);
  const all = [...TECHNIQUES, ...WORKLOADS, ...PROFILES, ...EVENTS, ...COLUMNS].map(({ name }) => name);
  expect(all.filter((name) => !named(name))).toEqual([]);
});

it("names each thing once within its kind, and says what it is", () => {
  const keys = entries.map(({ kind, name }) => `${kind} ${name}`);
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  expect(entries.filter(({ title }) => title === "")).toEqual([]);
  const silent = entries.filter(({ kind, description }) => description === "" && kind !== "profile");
  expect(silent.map(({ name }) => name)).toEqual([]);
});

it("finds all meanings of a name, and one by its kind", () => {
  expect(findEntries("invlpg", entries).map(({ kind }) => kind)).toEqual(["exit reason", "cost"]);
  expect(findEntries("cost invlpg", entries).map(({ kind }) => kind)).toEqual(["cost"]);
});

it("knows a setting as a scenario writes it: what it takes, its default, its column", () => {
  const [setting] = findEntries("host.apicVirtualization", entries);
  expect(setting).toMatchObject({ kind: "setting", name: "host.apicVirtualization" });
  const facts = new Map(setting!.facts);
  expect(facts.get("values")).toBe("kvm, on, off");
  expect(facts.get("default")).toBe("kvm");
  expect(facts.get("column")).toBe("host_apic_virtualization");
  expect(findEntries("agile.writes", entries)[0]!.facts).toEqual(
    expect.arrayContaining([
      ["values", "a whole number, at least 1"],
      ["used by", "reference streams under hardware/agile"],
    ]),
  );
});

it("does not mind case, blanks and dashes, and knows titles", () => {
  expect(findEntries("Guest User", entries)[0]?.name).toBe("guest_user");
  expect(findEntries("EPT violations", entries).length).toBeGreaterThan(0);
});

it("names the nearest things on a miss, of the kind that was asked for", () => {
  const near = (mend: string): unknown => expect.objectContaining({ mend });
  expect(() => findEntries("nehalem-208", entries)).toThrow(near('did you mean "nehalem-2008"?'));
  expect(() => findEntries("agile", entries)).toThrow(
    near(expect.stringContaining('did you mean "hardware/agile"')),
  );
  expect(() => findEntries("xen", entries)).toThrow(near(expect.stringContaining("paravirtual/direct")));
  expect(() => findEntries("cost vm_exitt", entries)).toThrow(near('did you mean "vm_exit"?'));
});

it("gives a price of every profile with its source, and marks assumptions", () => {
  const [cost] = findEntries("cost vm_exit", entries);
  const rows = cost!.tables[0]!.rows;
  expect(rows.map(([profile]) => profile)).toEqual(PROFILES.map(({ name }) => name));
  for (const [profile, , , source] of rows) {
    const isAssumed = PROFILES.find(({ name }) => name === profile)!.costs.vm_exit.assumed === true;
    expect(source!.startsWith("assumed: ")).toBe(isAssumed);
  }
});
