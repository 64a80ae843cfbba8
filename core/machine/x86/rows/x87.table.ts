/**
 * The x87 unit (Intel SDM vol. 1, 5.2 and 8; vol. 2 by name). FINIT, FSTCW and the like are FWAIT and then FNINIT, FNSTCW:
 * two instructions. Encodings that the manual leaves out but every processor executes as their neighbours are the
 * "aliases" at the end.
 */
import type { CostClass } from "../cost-class.js";
import type { Group } from "../group.js";

const FEATURE = "FPU";

/** The six of opcode D8: with memory, with ST(i) in both directions, popping, and with an integer. */
function arithmetic(name: string, code: number, cost: CostClass = "x87"): Group {
  const at = (base: number): string => (base + code * 8).toString(16).toUpperCase();
  // FSUB and FSUBR, FDIV and FDIVR change places where the destination is ST(i).
  const reversed = (base: number): string => (base + (code < 4 ? code : code ^ 1) * 8).toString(16).toUpperCase();
  const integer = name.replace("F", "FI");
  return {
    cost, feature: FEATURE,
    rows: [
      [`D8 /${code}`, `${name} m32fp`],
      [`DC /${code}`, `${name} m64fp`],
      [`D8 ${at(0xc0)}+i`, `${name} ST(0), ST(i)`],
      [`DC ${reversed(0xc0)}+i`, `${name} ST(i), ST(0)`],
      [`DE ${reversed(0xc0)}+i`, `${name}P ST(i), ST(0)`],
      [`DA /${code}`, `${integer} m32int`],
      [`DE /${code}`, `${integer} m16int`],
    ],
  };
}

export const X87: readonly Group[] = [
  { cost: "x87", feature: FEATURE, rows: [
    ["D9 /0", "FLD m32fp"],
    ["DD /0", "FLD m64fp"],
    ["DB /5", "FLD m80fp"],
    ["D9 C0+i", "FLD ST(i)"],
    ["D9 /2", "FST m32fp"],
    ["DD /2", "FST m64fp"],
    ["DD D0+i", "FST ST(i)"],
    ["D9 /3", "FSTP m32fp"],
    ["DD /3", "FSTP m64fp"],
    ["DB /7", "FSTP m80fp"],
    ["DD D8+i", "FSTP ST(i)"],
    ["DF /0", "FILD m16int"],
    ["DB /0", "FILD m32int"],
    ["DF /5", "FILD m64int"],
    ["DF /2", "FIST m16int"],
    ["DB /2", "FIST m32int"],
    ["DF /3", "FISTP m16int"],
    ["DB /3", "FISTP m32int"],
    ["DF /7", "FISTP m64int"],
    ["DF /4", "FBLD m80bcd"],
    ["DF /6", "FBSTP m80bcd"],
    ["D9 C8+i", "FXCH ST(i)"],
    ["D9 E8", "FLD1"],
    ["D9 E9", "FLDL2T"],
    ["D9 EA", "FLDL2E"],
    ["D9 EB", "FLDPI"],
    ["D9 EC", "FLDLG2"],
    ["D9 ED", "FLDLN2"],
    ["D9 EE", "FLDZ"],
  ] },
  { cost: "x87", feature: "SSE3", rows: [
    ["DF /1", "FISTTP m16int"],
    ["DB /1", "FISTTP m32int"],
    ["DD /1", "FISTTP m64int"],
  ] },
  { cost: "x87", flags: "r:C", feature: "CMOV", rows: [
    ["DA C0+i", "FCMOVB ST(0), ST(i)"],
    ["DB C0+i", "FCMOVNB ST(0), ST(i)"],
  ] },
  { cost: "x87", flags: "r:Z", feature: "CMOV", rows: [
    ["DA C8+i", "FCMOVE ST(0), ST(i)"],
    ["DB C8+i", "FCMOVNE ST(0), ST(i)"],
  ] },
  { cost: "x87", flags: "r:ZC", feature: "CMOV", rows: [
    ["DA D0+i", "FCMOVBE ST(0), ST(i)"],
    ["DB D0+i", "FCMOVNBE ST(0), ST(i)"],
  ] },
  { cost: "x87", flags: "r:P", feature: "CMOV", rows: [
    ["DA D8+i", "FCMOVU ST(0), ST(i)"],
    ["DB D8+i", "FCMOVNU ST(0), ST(i)"],
  ] },

  arithmetic("FADD", 0),
  arithmetic("FMUL", 1),
  arithmetic("FSUB", 4),
  arithmetic("FSUBR", 5),
  arithmetic("FDIV", 6, "x87-divide"),
  arithmetic("FDIVR", 7, "x87-divide"),
  { cost: "x87-divide", feature: FEATURE, rows: [
    ["D9 FA", "FSQRT"],
    ["D9 F8", "FPREM"],
    ["D9 F5", "FPREM1"],
  ] },
  { cost: "x87", feature: FEATURE, rows: [
    ["D9 E0", "FCHS"],
    ["D9 E1", "FABS"],
    ["D9 FC", "FRNDINT"],
    ["D9 FD", "FSCALE"],
    ["D9 F4", "FXTRACT"],
  ] },
  { cost: "x87-transcendental", feature: FEATURE, rows: [
    ["D9 F0", "F2XM1"],
    ["D9 F1", "FYL2X"],
    ["D9 F9", "FYL2XP1"],
    ["D9 F2", "FPTAN"],
    ["D9 F3", "FPATAN"],
    ["D9 FE", "FSIN"],
    ["D9 FF", "FCOS"],
    ["D9 FB", "FSINCOS"],
  ] },

  { cost: "x87", feature: FEATURE, rows: [
    ["D8 /2", "FCOM m32fp"],
    ["DC /2", "FCOM m64fp"],
    ["D8 D0+i", "FCOM ST(i)"],
    ["D8 /3", "FCOMP m32fp"],
    ["DC /3", "FCOMP m64fp"],
    ["D8 D8+i", "FCOMP ST(i)"],
    ["DE D9", "FCOMPP"],
    ["DD E0+i", "FUCOM ST(i)"],
    ["DD E8+i", "FUCOMP ST(i)"],
    ["DA E9", "FUCOMPP"],
    ["DE /2", "FICOM m16int"],
    ["DA /2", "FICOM m32int"],
    ["DE /3", "FICOMP m16int"],
    ["DA /3", "FICOMP m32int"],
    ["D9 E4", "FTST"],
    ["D9 E5", "FXAM"],
  ] },
  { cost: "x87", flags: "w:OSZAPC", feature: "CMOV", rows: [
    ["DB F0+i", "FCOMI ST(0), ST(i)"],
    ["DF F0+i", "FCOMIP ST(0), ST(i)"],
    ["DB E8+i", "FUCOMI ST(0), ST(i)"],
    ["DF E8+i", "FUCOMIP ST(0), ST(i)"],
  ] },

  // Control.
  { cost: "x87", feature: FEATURE, rows: [
    ["9B", "FWAIT"],
    ["D9 D0", "FNOP"],
    ["DD C0+i", "FFREE ST(i)"],
    ["D9 F6", "FDECSTP"],
    ["D9 F7", "FINCSTP"],
    ["DB E2", "FNCLEX"],
    ["D9 /5", "FLDCW m2byte"],
    ["D9 /7", "FNSTCW m2byte"],
    ["DD /7", "FNSTSW m2byte"],
    ["DF E0", "FNSTSW AX"],
    // Of the 8087 and 80287; nothing since.
    ["DB E0", "FNENI"],
    ["DB E1", "FNDISI"],
    ["DB E4", "FNSETPM"],
  ] },
  { cost: "x87-state", feature: FEATURE, rows: [
    ["DB E3", "FNINIT"],
    ["D9 /4", "FLDENV m14byte|m28byte"],
    ["D9 /6", "FNSTENV m14byte|m28byte"],
    ["DD /4", "FRSTOR m94byte|m108byte"],
    ["DD /6", "FNSAVE m94byte|m108byte"],
  ] },

  // Aliases.
  { cost: "x87", feature: FEATURE, rows: [
    ["D9 D8+i", "FSTP ST(i)"],
    ["DF D0+i", "FSTP ST(i)"],
    ["DF D8+i", "FSTP ST(i)"],
    ["DC D0+i", "FCOM ST(i)"],
    ["DC D8+i", "FCOMP ST(i)"],
    ["DE D0+i", "FCOMP ST(i)"],
    ["DD C8+i", "FXCH ST(i)"],
    ["DF C8+i", "FXCH ST(i)"],
    ["DF C0+i", "FFREEP ST(i)"],
  ] },
];
