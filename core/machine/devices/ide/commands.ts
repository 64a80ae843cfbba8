/** The ATA commands that a drive of ours carries out (T13/1410D, "ATA/ATAPI-6", clause 8); all others are aborted. */

export const COMMAND = {
  recalibrate: 0x10,
  readSectors: 0x20,
  readSectorsExt: 0x24,
  readDmaExt: 0x25,
  readMultipleExt: 0x29,
  writeSectors: 0x30,
  writeSectorsExt: 0x34,
  writeDmaExt: 0x35,
  writeMultipleExt: 0x39,
  readVerify: 0x40,
  readVerifyExt: 0x42,
  seek: 0x70,
  executeDiagnostic: 0x90,
  initializeParameters: 0x91,
  readMultiple: 0xc4,
  writeMultiple: 0xc5,
  setMultiple: 0xc6,
  readDma: 0xc8,
  writeDma: 0xca,
  standbyImmediate: 0xe0,
  idleImmediate: 0xe1,
  standby: 0xe2,
  idle: 0xe3,
  checkPowerMode: 0xe5,
  sleep: 0xe6,
  flushCache: 0xe7,
  flushCacheExt: 0xea,
  identify: 0xec,
  setFeatures: 0xef,
} as const;

/** How a command moves sectors. */
export interface Transfer {
  readonly kind: "pioIn" | "pioOut" | "dmaIn" | "dmaOut" | "verify";
  /** 48-bit address and 16-bit count. */
  readonly isExtended: boolean;
  /** One interrupt for each block of SET MULTIPLE's sectors. */
  readonly isMultiple: boolean;
}

function transfer(kind: Transfer["kind"], isExtended: boolean, isMultiple = false): Transfer {
  return { kind, isExtended, isMultiple };
}

/** Commands that move sectors. Retries (the obsolete second opcodes) are the same. */
export const TRANSFERS: ReadonlyMap<number, Transfer> = new Map([
  [COMMAND.readSectors, transfer("pioIn", false)],
  [COMMAND.readSectors + 1, transfer("pioIn", false)],
  [COMMAND.readSectorsExt, transfer("pioIn", true)],
  [COMMAND.readMultiple, transfer("pioIn", false, true)],
  [COMMAND.readMultipleExt, transfer("pioIn", true, true)],
  [COMMAND.writeSectors, transfer("pioOut", false)],
  [COMMAND.writeSectors + 1, transfer("pioOut", false)],
  [COMMAND.writeSectorsExt, transfer("pioOut", true)],
  [COMMAND.writeMultiple, transfer("pioOut", false, true)],
  [COMMAND.writeMultipleExt, transfer("pioOut", true, true)],
  [COMMAND.readDma, transfer("dmaIn", false)],
  [COMMAND.readDma + 1, transfer("dmaIn", false)],
  [COMMAND.readDmaExt, transfer("dmaIn", true)],
  [COMMAND.writeDma, transfer("dmaOut", false)],
  [COMMAND.writeDma + 1, transfer("dmaOut", false)],
  [COMMAND.writeDmaExt, transfer("dmaOut", true)],
  [COMMAND.readVerify, transfer("verify", false)],
  [COMMAND.readVerify + 1, transfer("verify", false)],
  [COMMAND.readVerifyExt, transfer("verify", true)],
]);

/** SET FEATURES subcommands. */
export const FEATURE = {
  enableWriteCache: 0x02,
  setTransferMode: 0x03,
  disableLookAhead: 0x55,
  keepSettings: 0x66,
  disableWriteCache: 0x82,
  enableLookAhead: 0xaa,
  revertSettings: 0xcc,
} as const;
