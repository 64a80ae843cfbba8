/** Notebooks as they are in git, and the runner: what it fails on, and how it says so. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ROOT } from "../build.mjs";
import { executedByJupyter, KERNELS, obstacleTo } from "./by-jupyter.mjs";
import { markdownHtml } from "./markdown.mjs";
import { cleared, METADATA, notebookText, readNotebook, sourceOf } from "./notebook-file.mjs";
import { notebookPage } from "./page.mjs";

const FOLDER = path.join(ROOT, "notebooks");
const NOTEBOOKS = readdirSync(FOLDER).filter((name) => name.endsWith(".ipynb"));

/** A busy machine takes a minute to start three compilers. */
const SECONDS = 150;
const RUN_MS = 2 * SECONDS * 1000;

/** Inside of the project: a cell's `import … from "virtlab"` is looked up from where the notebook is. */
mkdirSync(path.join(ROOT, "results", "notebooks"), { recursive: true });
const work = mkdtempSync(path.join(ROOT, "results", "notebooks", "test-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe("each notebook in git", () => {
  it.each(NOTEBOOKS)("%s has no outputs (npm run notebooks -- --clear)", (name) => {
    const file = path.join(FOLDER, name);
    expect(readFileSync(file, "utf8") === notebookText(cleared(readNotebook(file)))).toBe(true);
  });

  it.each(NOTEBOOKS)("%s asks, lets predict, promises, and ends with exercises", (name) => {
    const { cells } = readNotebook(path.join(FOLDER, name));
    const texts = cells.map(sourceOf);
    const ids = cells.map(({ id }: { id: string }) => id);
    expect(texts[0]).toMatch(/^# \d\. .*\n\n\*\*The question/);
    expect(texts.join("\n")).toContain("**Predict first.**");
    expect(texts.join("\n")).toContain("await check(");
    expect(texts.at(-1)).toContain("exercises({ seed:");
    expect(new Set(ids).size).toBe(ids.length);
  });
});

type Written = { type: "markdown" | "code"; text: string };

function write(name: string, ...cells: Written[]): string {
  const file = path.join(work, `${name}.ipynb`);
  const notebook = {
    cells: cells.map(({ type, text }, index) => ({ cell_type: type, id: `cell-${index}`, source: text })),
    metadata: METADATA,
    nbformat: 4,
    nbformat_minor: 5,
  };
  writeFileSync(file, notebookText(cleared(notebook)));
  return file;
}

const code = (text: string): Written => ({ type: "code", text });
const IMPORTS = code('import { check, show, table } from "virtlab";');

function runner(...args: string[]) {
  const script = path.join(ROOT, "scripts", "notebooks", "run.mjs");
  return spawnSync(process.execPath, [script, "--out", path.join(work, "out"), ...args], {
    encoding: "utf8",
    cwd: ROOT,
  });
}

describe("npm run notebooks", () => {
  it(
    "passes what is right, fails what is wrong, and names notebook, cell and message",
    () => {
      const files = [
        write("good", { type: "markdown", text: "# A title" }, IMPORTS, code('await check("one", 1 === 1);')),
        write(
          "broken",
          IMPORTS,
          code('await check("zero", Number("1") === 0);'),
          code("console.log('never')"),
        ),
        write("untyped", code('import { show } from "virtlab";\nshow(1 + missing);')),
        write("rejected", code('Promise.reject(new Error("nobody caught me"));')),
        write("silent", code("console.log(1);")),
      ];
      const { status, stdout } = runner("--json", ...files);
      expect(status).toBe(1);
      const answer = JSON.parse(stdout) as { notebooks: Record<string, unknown>[]; passed: number };
      const failures = Object.fromEntries(answer.notebooks.map(({ name, failure }) => [name, failure ?? ""]));
      expect(answer.passed).toBe(1);
      expect(failures["good"]).toBe("");
      expect(failures["broken"]).toMatch(/broken\.ipynb, cell 2: UserError: this does not hold: zero/);
      expect(failures["untyped"]).toMatch(/untyped\.ipynb, cell 1: 2:10 - Cannot find name 'missing'/);
      expect(failures["rejected"]).toMatch(/cell 1: promise rejected.*nobody caught me/);
      expect(failures["silent"]).toMatch(/promises nothing/);
      const page = readFileSync(path.join(work, "out", "good.html"), "utf8");
      expect(page).toContain("<h1>A title</h1>");
      expect(page).toContain("✓");
      const copy = readNotebook(path.join(work, "out", "good.ipynb"));
      expect(copy.cells[2]).toMatchObject({ execution_count: 2, outputs: [{ output_type: "display_data" }] });
    },
    RUN_MS,
  );

  it("tells a user's mistakes with exit code 2", () => {
    expect(runner("no-such-notebook")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("there are: 01"),
    });
    expect(runner("--jbos", "3").status).toBe(2);
    expect(runner("--jobs", "none").status).toBe(2);
    expect(runner("--out", work, write("mine", code("1"))).stderr).toContain("would replace");
    writeFileSync(path.join(work, "text.ipynb"), "not JSON");
    expect(runner("--clear", path.join(work, "text.ipynb"))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("not a notebook"),
    });
  });
});

describe("a page", () => {
  it("has Markdown's text as text", () => {
    const html = markdownHtml(
      "## A *b* `c<d>`\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> **`x`** <script>",
    );
    expect(html).toContain("<h2>A <em>b</em> <code>c&lt;d&gt;</code></h2>");
    expect(html).toContain("<ul><li>one</li><li>two</li></ul>");
    expect(html).toContain("<tr><td>1</td><td>2</td></tr>");
    expect(html).toContain("<strong><code>x</code></strong> &lt;script&gt;");
  });

  it("says what a cell printed as text, and needs no script where there is no chart", () => {
    const outputs = [{ output_type: "stream", name: "stderr", text: ["<b>bad</b>"] }];
    const page = notebookPage("x", { cells: [{ cell_type: "code", source: "1", outputs }] });
    expect(page).toContain("&lt;b&gt;bad&lt;/b&gt;");
    expect(page.length).toBeLessThan(50_000);
  });
});

describe("Jupyter, where it is installed", () => {
  for (const kernel of KERNELS) {
    const obstacle = obstacleTo(kernel);
    if (obstacle !== undefined) console.log(`skipped: ${kernel} under Jupyter: ${obstacle}`);
    it.runIf(obstacle === undefined)(
      `finds the kernel ${kernel} without installation, and executes a notebook`,
      async () => {
        const good = write(
          `by-${kernel}`,
          IMPORTS,
          code('await check("one", 1 === 1);\nawait show(table([{ a: 1 }]));\nconst end = 1;'),
        );
        const { notebook, error, cells } = await executedByJupyter(good, kernel, SECONDS);
        expect(error).toBe(undefined);
        expect(cells).toBe(2);
        expect(
          notebook.cells[1].outputs.map(({ data }: { data: object }) => Object.keys(data).sort()),
        ).toEqual([
          ["text/html", "text/plain"],
          ["text/html", "text/plain"],
        ]);
        const bad = write(`bad-by-${kernel}`, IMPORTS, code('await check("two", (1 as number) === 2);'));
        const answer = await executedByJupyter(bad, kernel, SECONDS);
        expect(answer.error).toContain('await check("two"');
      },
      RUN_MS,
    );
  }
});
