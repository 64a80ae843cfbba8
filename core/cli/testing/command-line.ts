/** The built command line as a process, in a folder of its own: what the tests of whole commands drive. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { PROJECT_ROOT } from "../project.js";

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** Resolves as soon as stderr contains the text. */
  said(text: string): Promise<void>;
  readonly result: Promise<CommandResult>;
}

/** Node warns when both variables are set, and the test runner sets one. */
const { NO_COLOR: _no, FORCE_COLOR: _force, ...PLAIN_ENVIRONMENT } = process.env;

/** A working folder; files are written relative to it. */
export class Workshop {
  readonly folder = mkdtempSync(path.join(tmpdir(), "virtlab-cli-"));

  write(name: string, text: string): string {
    writeFileSync(path.join(this.folder, name), text);
    return name;
  }

  path(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  start(...args: string[]): RunningCommand {
    const child = spawn(process.execPath, [path.join(PROJECT_ROOT, "dist", "cli", "main.js"), ...args], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: PLAIN_ENVIRONMENT,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const result = new Promise<CommandResult>((resolve) => {
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
    const said = async (text: string): Promise<void> => {
      while (!stderr.includes(text)) {
        const ended = await Promise.race([
          result,
          new Promise<undefined>((resolve) => child.stderr.once("data", () => resolve(undefined))),
        ]);
        if (ended !== undefined && !stderr.includes(text))
          throw new Error(`never said "${text}":\n${stderr}`);
      }
    };
    return { process: child, said, result };
  }

  run(...args: string[]): Promise<CommandResult> {
    return this.start(...args).result;
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
