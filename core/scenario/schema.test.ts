import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { CATALOGUE } from "./catalogue.js";
import { languageOf, scenarioJsonSchema } from "./schema.js";
import { TEST_CATALOGUE } from "./testing/catalogue.js";

const GOOD = `
title: T
question: Why?
seed: 3
machine: { profile: nehalem-2008, memory: 4GiB, costs: { vm_exit: 100 } }
parameters: { footprint: 1GiB, gups: { footprint: 2GiB } }
matrix: { technique: [native], workload: [gups, { name: zipf, skew: 1.1 }], host.page: [4K, 2M] }
charts: [{ kind: stack, x: technique }, { spec: { mark: point } }]
expect: [exits == 0]
sizes: { tiny: { matrix: { page: [4K] } } }
`;

test("the JSON Schema is draft 2020-12, and agrees with the run-time check", () => {
  const schema = scenarioJsonSchema(TEST_CATALOGUE);
  expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema");
  const validate = new Ajv2020({ strict: false }).compile(schema);
  const runtime = languageOf(TEST_CATALOGUE).schema;
  const cases = [
    GOOD,
    "titel: x",
    "matrix: { technique: native }",
    "page: 3K",
    "sizes: { huge: {} }",
    "charts: [{ kind: pie }]",
  ];
  const verdicts = cases.map((text) => [validate(parse(text)), runtime.safeParse(parse(text)).success]);
  expect(verdicts).toEqual([[true, true], ...cases.slice(1).map(() => [false, false])]);
});

test("the lab's own catalogue has a schema", () => {
  const properties = scenarioJsonSchema(CATALOGUE)["properties"] as Record<string, unknown>;
  expect(Object.keys(properties)).toEqual(
    expect.arrayContaining(["title", "extends", "machine", "matrix", "zip", "charts", "expect"]),
  );
});

test("every scenario that comes along agrees with the schema that editors read", () => {
  const folder = new URL("../../scenarios/", import.meta.url);
  const text = (name: string): string => readFileSync(new URL(name, folder), "utf8");
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(text("schema.json")) as object);
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  expect(names.length).toBeGreaterThan(5);
  for (const name of names)
    expect([name, validate(parse(text(name))), validate.errors]).toEqual([name, true, null]);
});

test("axes are known by path, by column, and by their last word where it is unambiguous", () => {
  const { byName } = languageOf(TEST_CATALOGUE).axes;
  expect(["profile", "machine.profile"].map((name) => byName.get(name)?.path)).toEqual([
    "machine.profile",
    "machine.profile",
  ]);
  expect(byName.get("page")?.path).toBe("page");
  expect(byName.get("host_page")?.path).toBe("host.page");
  expect(byName.get("footprint")?.path).toBe("parameters.footprint");
  expect(byName.get("shadow.outOfSync")?.column).toBe("shadow_out_of_sync");
  expect(byName.get("machine.costs.vm_exit")?.column).toBe("cost_vm_exit");
});

test("every axis has a column of its own", () => {
  const columns = languageOf(TEST_CATALOGUE).axes.all.map(({ column }) => column);
  expect(new Set(columns).size).toBe(columns.length);
});
