/** A drive's settings, and the commands without data that change or report them (ATA/ATAPI-6, clause 8). */
import { COMMAND, FEATURE } from "./commands.js";
import { REGISTER, type TaskFile, type Translation } from "./task-file.js";

export interface DriveSettings {
  /** How cylinders, heads and sectors are counted. */
  translation: Translation;
  /** Sectors of a block of READ and WRITE MULTIPLE, 0 when they are off. */
  multiple: number;
  /** As in SET FEATURES: kind of mode in bits 7..3, its number in 2..0. */
  transferMode: number;
  writeCache: boolean;
  lookAhead: boolean;
}

export const DEFAULT_TRANSLATION: Translation = { heads: 16, sectorsPerTrack: 63 };
export const MOST_MULTIPLE = 16;

/** Kinds of transfer mode (ATA/ATAPI-6, SET FEATURES, "Set transfer mode") and the highest mode of each. */
const PIO = { kind: 0x00, most: 1 };
const PIO_FLOW_CONTROL = { kind: 0x08, most: 4 };
export const MULTIWORD_DMA = { kind: 0x20, most: 2 };
export const ULTRA_DMA = { kind: 0x40, most: 5 };
/** Bits that say the kind. */
export const MODE_KIND = 0xf8;
export const MODE_NUMBER = 0x07;

/** What CHECK POWER MODE leaves in count: active or idle. */
const POWER_ACTIVE = 0xff;

export function defaultSettings(): DriveSettings {
  return {
    translation: DEFAULT_TRANSLATION,
    multiple: 0,
    transferMode: PIO.kind,
    writeCache: true,
    lookAhead: true,
  };
}

/** Carries out a command. False when the drive does not have it, or not with these parameters: it is aborted. */
export function executeSetting(settings: DriveSettings, command: number, file: TaskFile): boolean {
  const { current } = file;
  const count = current[REGISTER.count]!;
  switch (command) {
    case COMMAND.setMultiple: {
      const isPowerOf2 = (count & (count - 1)) === 0;
      if (!isPowerOf2 || count > MOST_MULTIPLE) return false;
      settings.multiple = count;
      return true;
    }
    case COMMAND.initializeParameters:
      if (count === 0) return false;
      settings.translation = { heads: (current[REGISTER.device]! & 0x0f) + 1, sectorsPerTrack: count };
      return true;
    case COMMAND.setFeatures:
      return setFeature(settings, current[REGISTER.error]!, count);
    case COMMAND.checkPowerMode:
      current[REGISTER.count] = POWER_ACTIVE;
      return true;
    case COMMAND.recalibrate:
    case COMMAND.seek:
    case COMMAND.standbyImmediate:
    case COMMAND.idleImmediate:
    case COMMAND.standby:
    case COMMAND.idle:
    case COMMAND.sleep:
      return true;
  }
  return false;
}

function setFeature(settings: DriveSettings, feature: number, parameter: number): boolean {
  switch (feature) {
    case FEATURE.enableWriteCache:
    case FEATURE.disableWriteCache:
      settings.writeCache = feature === FEATURE.enableWriteCache;
      return true;
    case FEATURE.enableLookAhead:
    case FEATURE.disableLookAhead:
      settings.lookAhead = feature === FEATURE.enableLookAhead;
      return true;
    case FEATURE.setTransferMode:
      if (!isTransferMode(parameter)) return false;
      settings.transferMode = parameter;
      return true;
  }
  return feature === FEATURE.keepSettings || feature === FEATURE.revertSettings;
}

function isTransferMode(mode: number): boolean {
  const kinds = [PIO, PIO_FLOW_CONTROL, MULTIWORD_DMA, ULTRA_DMA];
  return kinds.some(({ kind, most }) => (mode & MODE_KIND) === kind && (mode & MODE_NUMBER) <= most);
}
