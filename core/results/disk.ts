/**
 * Files of a run: each replaced as a whole (written beside, then renamed), each inside its folder, and each
 * failure of the system told as something the user can mend. The system's calls are a value, so that a test
 * can make them fail.
 */
import * as fs from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { UserError } from "../util/errors.js";

/** The calls of node:fs that results need. */
export type FileSystem = Pick<
  typeof fs,
  | "appendFileSync"
  | "existsSync"
  | "mkdirSync"
  | "readdirSync"
  | "readFileSync"
  | "realpathSync"
  | "renameSync"
  | "rmSync"
  | "writeFileSync"
>;

const DISK_FULL = "free some space and run the same command again: cells that are finished are not run again";
const NOT_ALLOWED = "give the folder write permission, or choose another with --out";

const MENDS: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  ENOSPC: ["the disk is full", DISK_FULL],
  EDQUOT: ["the disk quota is used up", DISK_FULL],
  EFBIG: ["the file would grow too large", DISK_FULL],
  EACCES: ["permission denied", NOT_ALLOWED],
  EPERM: ["not permitted", NOT_ALLOWED],
  EROFS: ["the file system is read-only", NOT_ALLOWED],
  ENOTDIR: ["a part of the path is a file, not a folder", "check the path: it must be a folder's"],
  EISDIR: ["it is a folder, not a file", "give the path of a file"],
  ENAMETOOLONG: ["the path is too long", "choose a shorter folder with --out"],
  ELOOP: ["symbolic links go round in a circle", "choose another folder with --out"],
  ENOENT: ["no such file or folder", "check the path"],
};

/** All methods throw UserError with the path and how to mend it. */
export class Disk {
  constructor(private readonly system: FileSystem = fs) {}

  exists(path: string): boolean {
    return this.system.existsSync(path);
  }

  read(path: string): string {
    return this.try("read", path, () => this.system.readFileSync(path, "utf8"));
  }

  /** Names in a folder, sorted; none where there is no folder. */
  list(path: string): string[] {
    if (!this.exists(path)) return [];
    return this.try("list", path, () => this.system.readdirSync(path).sort());
  }

  /** Makes the folder and those above it. */
  makeFolder(path: string): void {
    this.try("make the folder", path, () => this.makeFolders(resolve(path)));
  }

  /** One after another: the system's own recursive call never returns where a folder refuses any child (/proc). */
  private makeFolders(path: string): void {
    if (this.exists(path)) return;
    if (dirname(path) !== path) this.makeFolders(dirname(path));
    try {
      this.system.mkdirSync(path);
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || !this.exists(path)) throw error;
    }
  }

  append(path: string, text: string): void {
    this.try("write", path, () => this.system.appendFileSync(path, text));
  }

  /** Replaces the file atomically: a reader sees the old text or the new, and a failure leaves the old. */
  replace(path: string, data: string | Uint8Array): void {
    const beside = `${path}.new`;
    this.makeFolder(dirname(path));
    this.try("write", path, () => {
      try {
        this.system.writeFileSync(beside, data);
        this.system.renameSync(beside, path);
      } catch (error) {
        this.system.rmSync(beside, { force: true });
        throw error;
      }
    });
  }

  /** Writes a file that must not exist yet. @returns false when it does. */
  create(path: string, data: string): boolean {
    return this.try("write", path, () => {
      try {
        this.system.writeFileSync(path, data, { flag: "wx" });
        return true;
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        this.system.rmSync(path, { force: true }); // made, but without its text
        throw error;
      }
    });
  }

  remove(path: string): void {
    this.try("remove", path, () => this.system.rmSync(path, { force: true }));
  }

  /**
   * The path of `name` in `root`; links are followed as far as the path exists. @throws UserError when it
   * is outside.
   */
  inside(root: string, name: string): string {
    const path = resolve(root, name);
    if (!isWithin(resolve(root), path) || !isWithin(this.real(root), this.real(path))) {
      throw new UserError(`"${name}" leaves the folder ${root}`, {
        mend: "use a name without .. and without links out of it",
      });
    }
    return path;
  }

  /** The real path of the nearest parent that exists, and the rest as written. */
  private real(path: string): string {
    const full = resolve(path);
    if (this.exists(full)) return this.try("read", full, () => this.system.realpathSync(full));
    const parent = dirname(full);
    return parent === full ? full : resolve(this.real(parent), relative(parent, full));
  }

  private try<T>(verb: string, path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      const known = MENDS[codeOf(error)];
      if (known === undefined) throw error;
      throw new UserError(`cannot ${verb}: ${known[0]}`, { where: path, mend: known[1] });
    }
  }
}

function isWithin(root: string, path: string): boolean {
  const from = relative(root, path);
  return from !== "" && !from.startsWith("..") && !isAbsolute(from);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}
