/** An image file on a computer of its own, for commands that look into a guest (core/guest/inspect/): as `run` would run it. */
import type { BootPlan } from "../guest/images/boot-plan.js";
import { Computer } from "../machine/computer.js";
import { readGuestFile } from "../scenario/code/files.js";
import { loadComputer } from "../scenario/code/guest.js";
import { bootPlan, codeMemory } from "../scenario/code/load.js";
import { invariant } from "../util/errors.js";
import { imageConfig } from "./run-image.js";

export interface ImageFileOptions {
  readonly image: string;
  /** Of the code of one of the lab's programs; 64 if undefined. */
  readonly bits?: 32 | 64 | undefined;
  readonly append?: string | undefined;
  readonly initrd?: string | undefined;
  readonly profile?: string | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  readonly engine?: "interpreter" | "translator" | undefined;
}

export interface ImageFile {
  readonly plan: BootPlan;
  /** A new computer with the image loaded, ready to start. */
  readonly make: (engine?: "interpreter" | "translator") => Computer;
}

/** @throws UserError when a file is missing or no image, or there is no such profile. */
export function openImageFile({
  image,
  bits,
  append,
  initrd,
  profile,
  memory,
  engine,
}: ImageFileOptions): ImageFile {
  const config = imageConfig({
    parameters: { image, bits, append, initrd },
    machine: { profile, memory, engine },
    budget: {},
    seed: undefined,
  });
  return {
    plan: bootPlan(config.code!, codeMemory(config), readGuestFile),
    make: (wanted = config.machine.engine) => {
      const { computer } = loadComputer({ ...config, machine: { ...config.machine, engine: wanted } });
      invariant(computer instanceof Computer, "an image is looked into natively", () => config.technique);
      return computer;
    },
  };
}
