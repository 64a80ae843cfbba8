/** Cells that are hosts: their rows, what is refused, and what a run rests on. */
import { describe, expect, it } from "vitest";
import { constantsOf } from "../../results/constants.js";
import { tableOf } from "../../results/table.js";
import { loadScenario, planScenario } from "../index.js";
import { runCell } from "../run-cell.js";
import { unsupportedReason } from "../support.js";

const HOST = `
machine: { profile: skylake-2015, memory: 4GiB }
workload: { name: host/population, application: idle, count: 5, processors: 4 }
technique: container
`;
const planOf = (text: string, sets: readonly string[] = []) =>
  planScenario(loadScenario({ text, path: "test.yaml" }, { sets }));

describe("a cell that is a host", () => {
  it("gives a row with the columns of hosts, and none of a machine's", () => {
    const plan = planOf(HOST);
    const outcomes = new Map(plan.cells.map((cell) => [cell.id, runCell(cell.config)]));
    const { columns, rows } = tableOf(plan, outcomes);
    expect(rows[0]).toMatchObject({ status: "done", instances: 5, technique: "container", page: "" });
    expect(columns).toContain("ledger_free_bytes");
    expect(columns.filter((name) => name === "cycles" || name.startsWith("walk"))).toEqual([]);
  });

  it("is refused where technique and workload do not belong together, or nothing could ever fit", () => {
    const refused = (sets: readonly string[]) => () => planOf(HOST, sets);
    expect(refused(["technique=native"])).toThrow("host/population runs instances (process, container, ");
    expect(refused(["workload=gups"])).toThrow("gups runs on one machine, and container is what an instance");
    expect(refused(["application=database", "count=50"])).toThrow("50 instances of database can never fit");
  });

  it("takes replaced prices, as cells on a machine do", () => {
    const start = "technique: microvm\nworkload: { name: host/start-time, starts: 2 }";
    const timeWith = (sets: readonly string[]) =>
      Number(runCell(planOf(start, sets).cells[0]!.config).values["start_time"]);
    expect(timeWith(["machine.costs.kernel_zero_page=90000"])).toBeGreaterThan(timeWith([]));
  });

  it("is unsupported where guests have no nested paging", () => {
    const reason = (technique: string) =>
      unsupportedReason(planOf(HOST, [`technique=${technique}`, "profile=prescott-2005"]).cells[0]!.config);
    expect(reason("container")).toBeUndefined();
    expect(reason("microvm")).toContain("prescott-2005 has no EPT or NPT");
  });

  it("tells the constants that it rests on, with their sources", () => {
    const records = constantsOf(planOf(HOST).cells.map(({ config }) => config)).filter(
      ({ profile }) => profile === "host",
    );
    const names = records.map(({ name }) => name);
    for (const name of [
      "host.refill",
      "technology.container.monitor",
      "application.idle.memory.hot",
      "disk.nvme.channels",
    ])
      expect(names).toContain(name);
    expect(records.filter(({ assumed, range }) => assumed && range === undefined)).toEqual([]);
    expect(records.filter(({ source }) => source === "")).toEqual([]);
  });
});
