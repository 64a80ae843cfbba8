/**
 * The report: what it says, that nothing in it can run but its own programs, and how a real browser shows
 * it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { reportHtml } from "./report.js";
import { HOSTILE, sampleRun } from "./testing/run.js";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--virtual-time-budget=8000",
];

/** Not toContain: a failure would print the page, a megabyte of it. */
function holds(page: string, text: string): boolean {
  return page.includes(text);
}

/** The page's DOM after its scripts have run. */
function domOf(page: string, width: number): string {
  const folder = mkdtempSync(join(tmpdir(), "virtlab-report-"));
  try {
    const file = join(folder, "report.html");
    writeFileSync(file, page);
    const size = `--window-size=${width},1200`;
    const run = spawnSync(
      CHROMIUM,
      [...FLAGS, size, `--user-data-dir=${folder}/profile`, "--dump-dom", `file://${file}`],
      {
        encoding: "utf8",
        maxBuffer: 1e8,
        timeout: 50_000,
      },
    );
    expect(run.status).toBe(0);
    return run.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the page", () => {
  const page = reportHtml(sampleRun());

  it("says question, answer, expectations, assumptions and provenance", () => {
    for (const text of [
      "When does the second dimension of the walk cost more than the exits it saves?",
      "Against native, paravirtual/direct costs least: 1.24×",
      "1 of 2 expectations failed.",
      "Left out of this: 5 cases that only some finished.",
      "paravirtual/direct maps guests by 4K pages only",
      "350 to 1,400",
      "Agesen 2012: round trip 1009",
      "with changes that are not committed",
      "kernel.elf (SHA-256)",
      "first line",
      "… 80 lines …",
      "last line",
    ])
      expect(holds(page, text), text).toBe(true);
  });

  it("needs no network", () => {
    expect(holds(page, "default-src &#39;none&#39;")).toBe(true);
    expect(
      /<(script|link|img|iframe)[^>]*(src|href)=/i.test(page.replace(/<script>[\s\S]*?<\/script>/g, "")),
    ).toBe(false);
    expect(holds(page, "sourceMappingURL")).toBe(false);
  });

  it("escapes anybody's words", () => {
    const hostile = reportHtml(sampleRun(HOSTILE));
    expect(holds(hostile, HOSTILE)).toBe(false);
    expect(holds(hostile, "<img src=x")).toBe(false);
    expect(holds(hostile, "&lt;img src=x")).toBe(true);
  });

  it("closes each script it opens, and no other", () => {
    const count = (pattern: RegExp): number => page.match(pattern)?.length ?? 0;
    expect(count(/<\/script/gi)).toBe(count(/<script[ >]/g));
  });
});

const isInstalled = existsSync(CHROMIUM);
if (!isInstalled)
  console.info(`report.test.ts: ${CHROMIUM} is not installed, so the report is not opened in a browser`);

describe.runIf(isInstalled)("in Chromium", () => {
  it("draws its charts and fits a narrow window", () => {
    const probe = `<script>addEventListener("load", () => setTimeout(() => {
      document.body.dataset.overflow = document.documentElement.scrollWidth - innerWidth;
      const head = [...document.querySelectorAll("#rows th")].findIndex((th) => th.textContent === "Cycles");
      const button = document.querySelectorAll("#rows th button")[head];
      button.click();
      const values = [...document.querySelectorAll("#rows tbody tr")].map((row) => Number(row.cells[head].dataset.value)).filter((x) => x > 0);
      document.body.dataset.sorted = values.every((value, index) => index === 0 || values[index - 1] <= value);
    }, 3000));</script>`;
    const page = reportHtml(sampleRun());
    const end = page.lastIndexOf("</body>");
    const dom = domOf(page.slice(0, end) + probe + page.slice(end), 400);
    expect(dom.match(/<svg[^>]*class="marks"/g)).toHaveLength(2);
    expect(holds(dom, "hardware/nested</text>")).toBe(true);
    expect(Number(/data-overflow="(-?\d+)"/.exec(dom)?.[1])).toBeLessThanOrEqual(0);
    expect(/data-sorted="(\w+)"/.exec(dom)?.[1]).toBe("true");
  });

  it("runs nothing of a hostile title", () => {
    const dom = domOf(reportHtml(sampleRun(HOSTILE)), 1400);
    expect(holds(dom, "<title>stolen</title>")).toBe(false);
    expect(/<img src="?x/.test(dom)).toBe(false);
    expect(dom.match(/<svg[^>]*class="marks"/g)).toHaveLength(2);
  });
});
