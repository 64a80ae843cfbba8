/**
 * The fields of a VMCS by their encodings (Intel SDM vol. 3, appendix B). What a field is follows from its encoding
 * (25.11.2):
 *
 *      31..15   14..13   12   11..10   9..1    0
 *      zeros    width    0    type     index   access: 1 names the high half of a 64-bit field
 *
 * Where fields lie in the region is each processor's own; here they follow one another in this list's order, 8 bytes each,
 * behind a header of revision, abort indicator and launch state (25.2).
 */

/** Bits 14..13. */
export const WIDTH = { bits16: 0, bits64: 1, bits32: 2, natural: 3 } as const;
/** Bits 11..10. */
export const TYPE = { control: 0, exitInformation: 1, guest: 2, host: 3 } as const;

/** Segment registers in the order of their fields (and of cpu/state.ts). */
export const SEGMENT_FIELDS = ["Es", "Cs", "Ss", "Ds", "Fs", "Gs", "Ldtr", "Tr"] as const;

// biome-ignore format: a table
const ENCODINGS = {
  // 16-bit control, guest state, host state.
  vpid: 0x0000, postedInterruptVector: 0x0002, eptpIndex: 0x0004,
  guestEsSelector: 0x0800, guestCsSelector: 0x0802, guestSsSelector: 0x0804, guestDsSelector: 0x0806,
  guestFsSelector: 0x0808, guestGsSelector: 0x080a, guestLdtrSelector: 0x080c, guestTrSelector: 0x080e,
  guestInterruptStatus: 0x0810, pmlIndex: 0x0812,
  hostEsSelector: 0x0c00, hostCsSelector: 0x0c02, hostSsSelector: 0x0c04, hostDsSelector: 0x0c06,
  hostFsSelector: 0x0c08, hostGsSelector: 0x0c0a, hostTrSelector: 0x0c0c,
  // 64-bit control, exit information, guest state, host state.
  ioBitmapA: 0x2000, ioBitmapB: 0x2002, msrBitmaps: 0x2004, exitMsrStoreAddress: 0x2006, exitMsrLoadAddress: 0x2008,
  entryMsrLoadAddress: 0x200a, executiveVmcsPointer: 0x200c, pmlAddress: 0x200e, tscOffset: 0x2010,
  virtualApicAddress: 0x2012, apicAccessAddress: 0x2014, postedInterruptDescriptor: 0x2016, vmFunctionControls: 0x2018,
  eptPointer: 0x201a, eoiExitBitmap0: 0x201c, eoiExitBitmap1: 0x201e, eoiExitBitmap2: 0x2020, eoiExitBitmap3: 0x2022,
  guestPhysicalAddress: 0x2400,
  vmcsLinkPointer: 0x2800, guestDebugControl: 0x2802, guestPat: 0x2804, guestEfer: 0x2806, guestPerfGlobal: 0x2808,
  guestPdpte0: 0x280a, guestPdpte1: 0x280c, guestPdpte2: 0x280e, guestPdpte3: 0x2810,
  hostPat: 0x2c00, hostEfer: 0x2c02, hostPerfGlobal: 0x2c04,
  // 32-bit control, exit information, guest state, host state.
  pinControls: 0x4000, processorControls: 0x4002, exceptionBitmap: 0x4004, pageFaultMask: 0x4006, pageFaultMatch: 0x4008,
  cr3TargetCount: 0x400a, exitControls: 0x400c, exitMsrStoreCount: 0x400e, exitMsrLoadCount: 0x4010, entryControls: 0x4012,
  entryMsrLoadCount: 0x4014, entryInterruptionInfo: 0x4016, entryErrorCode: 0x4018, entryInstructionLength: 0x401a,
  tprThreshold: 0x401c, secondaryControls: 0x401e, pleGap: 0x4020, pleWindow: 0x4022,
  instructionError: 0x4400, exitReason: 0x4402, exitInterruptionInfo: 0x4404, exitErrorCode: 0x4406,
  idtVectoringInfo: 0x4408, idtVectoringErrorCode: 0x440a, exitInstructionLength: 0x440c, exitInstructionInfo: 0x440e,
  guestEsLimit: 0x4800, guestCsLimit: 0x4802, guestSsLimit: 0x4804, guestDsLimit: 0x4806,
  guestFsLimit: 0x4808, guestGsLimit: 0x480a, guestLdtrLimit: 0x480c, guestTrLimit: 0x480e,
  guestGdtrLimit: 0x4810, guestIdtrLimit: 0x4812,
  guestEsRights: 0x4814, guestCsRights: 0x4816, guestSsRights: 0x4818, guestDsRights: 0x481a,
  guestFsRights: 0x481c, guestGsRights: 0x481e, guestLdtrRights: 0x4820, guestTrRights: 0x4822,
  guestInterruptibility: 0x4824, guestActivity: 0x4826, guestSmbase: 0x4828, guestSysenterCs: 0x482a,
  preemptionTimer: 0x482e,
  hostSysenterCs: 0x4c00,
  // Natural-width control, exit information, guest state, host state.
  cr0Mask: 0x6000, cr4Mask: 0x6002, cr0Shadow: 0x6004, cr4Shadow: 0x6006,
  cr3Target0: 0x6008, cr3Target1: 0x600a, cr3Target2: 0x600c, cr3Target3: 0x600e,
  exitQualification: 0x6400, ioRcx: 0x6402, ioRsi: 0x6404, ioRdi: 0x6406, ioRip: 0x6408, guestLinearAddress: 0x640a,
  guestCr0: 0x6800, guestCr3: 0x6802, guestCr4: 0x6804,
  guestEsBase: 0x6806, guestCsBase: 0x6808, guestSsBase: 0x680a, guestDsBase: 0x680c,
  guestFsBase: 0x680e, guestGsBase: 0x6810, guestLdtrBase: 0x6812, guestTrBase: 0x6814,
  guestGdtrBase: 0x6816, guestIdtrBase: 0x6818, guestDr7: 0x681a, guestRsp: 0x681c, guestRip: 0x681e,
  guestRflags: 0x6820, guestPendingDebug: 0x6822, guestSysenterEsp: 0x6824, guestSysenterEip: 0x6826,
  hostCr0: 0x6c00, hostCr3: 0x6c02, hostCr4: 0x6c04, hostFsBase: 0x6c06, hostGsBase: 0x6c08, hostTrBase: 0x6c0a,
  hostGdtrBase: 0x6c0c, hostIdtrBase: 0x6c0e, hostSysenterEsp: 0x6c10, hostSysenterEip: 0x6c12,
  hostRsp: 0x6c14, hostRip: 0x6c16,
} as const;

export type FieldName = keyof typeof ENCODINGS;

export interface Field {
  readonly name: FieldName;
  readonly encoding: number;
  readonly width: number;
  readonly type: number;
}

export const FIELDS: readonly Field[] = Object.entries(ENCODINGS).map(([name, encoding]) => ({
  name: name as FieldName,
  encoding,
  width: (encoding >> 13) & 3,
  type: (encoding >> 10) & 3,
}));

/** Index of each field in the list: `FIELD.guestRip`. */
export const FIELD = Object.fromEntries(FIELDS.map(({ name }, index) => [name, index])) as Readonly<
  Record<FieldName, number>
>;

const BY_ENCODING = new Map(FIELDS.map(({ encoding }, index) => [encoding, index]));
/** Bit 0 of an encoding: the high half. */
const HIGH_ACCESS = 1;

/** The field that an encoding names, and whether its high half alone; undefined where there is none. */
export function fieldOf(encoding: number): { readonly index: number; readonly isHigh: boolean } | undefined {
  const index = BY_ENCODING.get(encoding & ~HIGH_ACCESS);
  if (index === undefined) return undefined;
  const isHigh = (encoding & HIGH_ACCESS) !== 0;
  return isHigh && FIELDS[index]!.width !== WIDTH.bits64 ? undefined : { index, isHigh };
}

/** Greatest index of a field among those of its width and type: IA32_VMX_VMCS_ENUM bits 9..1 (A.9). */
export const HIGHEST_INDEX = Math.max(...FIELDS.map(({ encoding }) => (encoding >> 1) & 0x1ff));
