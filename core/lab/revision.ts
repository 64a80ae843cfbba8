/**
 * Another revision of the project, built beside this one: a git worktree in a temporary folder, with this project's packages where
 * its lock file is the same, and packages of its own where not. Or a folder that holds a checkout already.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { commitOf, git } from "../results/git.js";
import { UserError } from "../util/errors.js";

export interface Revision {
  /** For people: the reference, and the commit that it means. */
  readonly name: string;
  readonly folder: string;
  /** Removes the worktree; a folder of the user's stays. */
  remove(): void;
}

export interface BuildHooks {
  readonly signal?: AbortSignal;
  /** Something that takes seconds begins. */
  working?(what: string): void;
}

const COMMAND_LINE = path.join("dist", "cli", "main.js");
const SHOWN_LINES = 12;
const run = promisify(execFile);

/**
 * The revision that a git reference or a folder names, built.
 * @param project the folder of this project
 * @throws UserError for what is neither, and for a revision that does not build
 */
export async function revisionOf(reference: string, project: string, hooks: BuildHooks): Promise<Revision> {
  if (existsSync(path.join(reference, "package.json"))) {
    const folder = path.resolve(reference);
    // A copy of a build has no sources to build from.
    if (existsSync(path.join(folder, "scripts", "build.mjs"))) await build(folder, reference, hooks);
    refuseUnbuilt(folder, reference);
    return { name: reference, folder, remove: () => {} };
  }
  const commit = commitOf(project, reference);
  if (commit === undefined) {
    throw new UserError(`"${reference}" is neither a revision of ${project} nor a folder with a checkout`, {
      where: "--against",
      mend: "give a branch, a tag or a commit that is here (in CI: fetch with full depth), or a folder",
    });
  }
  const parent = mkdtempSync(path.join(tmpdir(), "virtlab-against-"));
  const folder = path.join(parent, commit.slice(0, 10));
  const remove = (): void => {
    git(project, ["worktree", "remove", "--force", folder]);
    rmSync(parent, { recursive: true, force: true });
    git(project, ["worktree", "prune"]);
  };
  try {
    hooks.working?.(`checking out ${reference}`);
    if (git(project, ["worktree", "add", "--detach", folder, commit]) === undefined)
      throw new UserError(`git cannot check out ${reference}`, {
        where: folder,
        mend: "see: git worktree list",
      });
    await givePackages(folder, project, reference, hooks);
    await build(folder, reference, hooks);
    refuseUnbuilt(folder, reference);
  } catch (error) {
    remove();
    throw error;
  }
  return { name: `${reference} (${commit.slice(0, 10)})`, folder, remove };
}

async function givePackages(
  folder: string,
  project: string,
  reference: string,
  hooks: BuildHooks,
): Promise<void> {
  const [own, other] = [project, folder].map((place) => {
    const lock = path.join(place, "package-lock.json");
    return existsSync(lock) ? readFileSync(lock, "utf8") : "";
  });
  if (own === other) {
    symlinkSync(path.join(project, "node_modules"), path.join(folder, "node_modules"), "junction");
    return;
  }
  hooks.working?.(`installing the packages of ${reference}`);
  await must(
    "npm",
    ["ci", "--ignore-scripts"],
    folder,
    `the packages of ${reference} cannot be installed`,
    hooks,
  );
}

async function build(folder: string, reference: string, hooks: BuildHooks): Promise<void> {
  hooks.working?.(`building ${reference}`);
  const script = path.join("scripts", "build.mjs");
  await must(process.execPath, [script], folder, `${reference} does not build`, hooks);
}

async function must(
  program: string,
  parameters: readonly string[],
  folder: string,
  failure: string,
  { signal }: BuildHooks,
): Promise<void> {
  try {
    await run(program, [...parameters], { cwd: folder, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    const lines = `${stdout}${stderr}`.trim().split("\n").slice(-SHOWN_LINES).join("\n  ");
    throw new UserError(`${failure}:\n  ${lines}`, { where: folder, mend: "choose another revision" });
  }
}

function refuseUnbuilt(folder: string, reference: string): void {
  if (existsSync(path.join(folder, COMMAND_LINE))) return;
  throw new UserError(`${reference} has no build`, {
    where: path.join(folder, COMMAND_LINE),
    mend: "run npm ci there, or give a revision of virtlab",
  });
}
