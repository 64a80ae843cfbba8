/**
 * What the table leaves out: extensions whose instructions are undefined (#UD) here, as on a processor without them, and
 * later ones in the hint space, which do there what they do on older processors. Names of extensions are those of CPUID
 * (Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix D). CPUID must report none of them.
 */
export interface AbsentExtension {
  readonly name: string;
  /** Its instructions, lower case; empty where `encoding` says all of them. */
  readonly mnemonics: readonly string[];
  /** The whole encoding space is absent. VEX: but for ANDN, BEXTR, BLSI and the like of BMI1 and BMI2. */
  readonly encoding?: "VEX" | "EVEX" | "XOP" | "3DNow!";
  /** What the bytes do instead; left out: #UD. */
  readonly instead?: string;
}

const words = (text: string): readonly string[] => text.split(" ");

export const ABSENT_EXTENSIONS: readonly AbsentExtension[] = [
  { name: "SSE3", mnemonics: words("addsubpd addsubps haddpd haddps hsubpd hsubps lddqu movddup movshdup movsldup") },
  { name: "SSSE3", mnemonics: words("pabsb pabsd pabsw palignr phaddd phaddsw phaddw phsubd phsubsw phsubw pmaddubsw pmulhrsw pshufb psignb psignd psignw") },
  { name: "SSE4.1", mnemonics: words("blendpd blendps blendvpd blendvps dppd dpps extractps insertps movntdqa mpsadbw packusdw pblendvb pblendw pcmpeqq pextrb pextrd pextrq phminposuw pinsrb pinsrd pinsrq pmaxsb pmaxsd pmaxud pmaxuw pminsb pminsd pminud pminuw pmovsxbd pmovsxbq pmovsxbw pmovsxdq pmovsxwd pmovsxwq pmovzxbd pmovzxbq pmovzxbw pmovzxdq pmovzxwd pmovzxwq pmuldq pmulld ptest roundpd roundps roundsd roundss") },
  { name: "SSE4.2 on strings", mnemonics: words("pcmpestri pcmpestri64 pcmpestrm pcmpestrm64 pcmpgtq pcmpistri pcmpistrm") },
  { name: "SSE4A", mnemonics: words("extrq insertq movntsd movntss") },
  { name: "AES", mnemonics: words("aesdec aesdeclast aesenc aesenclast aesimc aeskeygenassist") },
  { name: "PCLMULQDQ", mnemonics: ["pclmulqdq"] },
  { name: "SHA", mnemonics: words("sha1msg1 sha1msg2 sha1nexte sha1rnds4 sha256msg1 sha256msg2 sha256rnds2") },
  { name: "GFNI", mnemonics: words("gf2p8affineinvqb gf2p8affineqb gf2p8mulb") },
  { name: "AVX, AVX2, FMA, F16C, AMX, CMPccXADD", mnemonics: [], encoding: "VEX" },
  { name: "AVX-512", mnemonics: [], encoding: "EVEX" },
  { name: "XOP, FMA4, LWP, TBM", mnemonics: [], encoding: "XOP" },
  { name: "3DNow!", mnemonics: ["femms"], encoding: "3DNow!" },
  { name: "RTM", mnemonics: words("xabort xbegin xend xresldtrk xsusldtrk xtest") },
  { name: "CET", mnemonics: words("clrssbsy incsspd incsspq rstorssp saveprevssp setssbsy wrssd wrssq wrussd wrussq") },
  { name: "CET, reading the shadow stack", mnemonics: words("rdsspd rdsspq"), instead: "nop" },
  { name: "CLDEMOTE", mnemonics: ["cldemote"], instead: "nop" },
  { name: "PREFETCHITI", mnemonics: words("prefetchit0 prefetchit1"), instead: "nop" },
  { name: "MPX", mnemonics: words("bndcl bndcn bndcu bndldx bndmk bndmov bndstx"), instead: "nop" },
  { name: "WBNOINVD", mnemonics: ["wbnoinvd"], instead: "wbinvd" },
  { name: "SGX", mnemonics: words("encls enclu enclv") },
  { name: "SMX", mnemonics: words("getsec getsecq") },
  { name: "TDX, SEV-ES, SEV-SNP", mnemonics: words("psmash pvalidate rmpadjust rmpquery rmpupdate seamcall seamops seamret tdcall vmgexit") },
  { name: "WAITPKG, MONITORX", mnemonics: words("monitorx mwaitx tpause umonitor umwait") },
  { name: "MOVDIRI, MOVDIR64B, ENQCMD", mnemonics: words("enqcmd enqcmds movdir64b movdiri") },
  { name: "RAO-INT", mnemonics: words("aadd aand aor axor") },
  { name: "Key Locker", mnemonics: words("aesdec128kl aesdec256kl aesdecwide128kl aesdecwide256kl aesenc128kl aesenc256kl aesencwide128kl aesencwide256kl encodekey128 encodekey256 loadiwkey") },
  { name: "UINTR", mnemonics: words("clui senduipi stui testui uiret") },
  { name: "FRED, LKGS, MSRLIST, WRMSRNS", mnemonics: words("erets eretu lkgs rdmsrlist wrmsrlist wrmsrns") },
  { name: "PTWRITE, SERIALIZE, PCONFIG, HRESET, PBNDKB, PCOMMIT", mnemonics: words("hreset pbndkb pcommit pconfig ptwrite serialize") },
  { name: "CLZERO, RDPRU, MCOMMIT, INVLPGB", mnemonics: words("clzero invlpgb mcommit rdpru tlbsync") },
  { name: "PadLock (VIA)", mnemonics: words("ccs_encrypt ccs_hash montmul undoc xcryptcbc xcryptcfb xcryptctr xcryptecb xcryptofb xsha1 xsha256 xsha512 xsha512_alt xstore xstore_alt") },
];
