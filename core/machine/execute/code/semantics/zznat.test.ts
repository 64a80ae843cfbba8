import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { TestProcessor } from "./testing/processor.js";
const p64 = new TestProcessor(64), p32 = new TestProcessor(32);
let seed = Number(process.env.SEED ?? 1);
const r32 = () => { seed = (Math.imul(seed, 1664525) + 1013904223) | 0; let x = seed; x ^= x >>> 16; x = Math.imul(x, 0x7feb352d); x ^= x >>> 15; x = Math.imul(x, 0x846ca68b|0); x ^= x >>> 16; return x >>> 0; };
const SP = [0n, 1n, -1n, 0x80n, 0x7fn, 0x8000n, 0x7fffn, 1n << 31n, 1n << 63n, (1n << 31n) - 1n, (1n<<63n)-1n, 0xffffffffn];
const rand = () => { let v = (BigInt(r32()) << 32n) | BigInt(r32()); const k = r32() % 10; if (k < 3) v >>= BigInt(r32() % 64); else if (k === 3) v = -(v >> BigInt(r32() % 60)); else if (k === 4) v = SP[r32() % SP.length]!; else if (k===5) v &= 0xffn; return BigInt.asUintN(64, v); };
const ALL = 0x8d5;
// code, undefined flags mask
export function list(long: boolean): [string, string, number][] {
  const L: [string, string, number][] = [];
  const sizes = long ? ["8", "66", "", "48"] : ["8", "66", ""];
  const AF = 0x10, OF = 0x800, SF = 0x80, ZF = 0x40, PF = 4, CF = 1;
  const mod = (reg: number, rm: number) => (0xc0 | (reg << 3) | rm).toString(16).padStart(2, "0");
  const hx = (n: number) => n.toString(16).padStart(2, "0");
  for (const s of sizes) {
    const pre = s === "8" ? "" : s; const w = s === "8" ? 0 : 1;
    for (let op = 0; op < 8; op++) {
      const u = [1, 4, 6].includes(op) ? AF : 0;
      L.push([`alu${op}`, pre + hx(op * 8 + w) + mod(3, 0), u]);     // rax op= rbx
      L.push([`alu${op}rm`, pre + hx(op * 8 + 2 + w) + mod(0, 3), u]);
      L.push([`alu${op}i8`, pre + (w ? "83" : "80") + mod(op, 1) + hx(r32() & 255), u]);
      L.push([`alu${op}self`, pre + hx(op * 8 + w) + mod(0, 0), u]);
    }
    L.push(["highs", "00e3", 0], ["highs2", "28fc", 0], ["highs3", "30e7", AF]);
    L.push(["test", pre + hx(0x84 + w) + mod(3, 0), AF], ["not", pre + hx(0xf6 + w) + mod(2, 1), 0], ["neg", pre + hx(0xf6 + w) + mod(3, 1), 0]);
    L.push(["inc", pre + hx(0xfe + w) + mod(0, 1), 0], ["dec", pre + hx(0xfe + w) + mod(1, 1), 0]);
    for (const d of [4, 5]) L.push([`mul${d}`, pre + hx(0xf6 + w) + mod(d, 3), SF | ZF | AF | PF]);
    for (const d of [6, 7]) L.push([`div${d}`, pre + hx(0xf6 + w) + mod(d, 3), ALL]);
    if (w) {
      L.push(["imul2", pre + "0faf" + mod(0, 3), SF | ZF | AF | PF], ["imul3", pre + "6b" + mod(0, 3) + hx(r32() & 255), SF | ZF | AF | PF]);
      for (const [n, o, u] of [["bsf", "0fbc", ALL ^ ZF], ["bsr", "0fbd", ALL ^ ZF], ["tzcnt", "f30fbc", OF | SF | AF | PF], ["lzcnt", "f30fbd", OF | SF | AF | PF], ["popcnt", "f30fb8", 0]] as const)
        L.push([n, (s === "66" ? "66" : "") + (o.startsWith("f3") ? "f3" : "") + (s === "48" ? "48" : "") + o.replace("f3", "") + mod(0, 3), u]);
      for (const o of ["a3", "ab", "b3", "bb"]) L.push([`bt${o}`, pre + "0f" + o + mod(3, 0), OF | SF | AF | PF]);
      for (const d of [4, 5, 6, 7]) L.push([`bti${d}`, pre + "0fba" + mod(d, 0) + hx(r32() & 255), OF | SF | AF | PF]);
      for (const o of ["a5", "ad"]) L.push([`shd${o}`, pre + "0f" + o + mod(3, 0), AF]);
      for (const o of ["a4", "ac"]) for (let i = 0; i < 10; i++) L.push([`shdi${o}`, pre + "0f" + o + mod(3, 0) + hx(s === "66" ? i*3 & 15 : r32() & 255), AF]);
      L.push(["cbw", pre + "98", 0], ["cwd", pre + "99", 0], ["bswap", pre + "0fc8", 0]);
      L.push(["movzx8", pre + "0fb6" + mod(0, 3), 0], ["movsx8", pre + "0fbe" + mod(0, 3), 0], ["movzx16", pre + "0fb7" + mod(0, 3), 0], ["movsx16", pre + "0fbf" + mod(0, 3), 0]);
      if (long) L.push(["movsxd", pre + "63" + mod(0, 3), 0]);
      for (let c = 0; c < 16; c++) L.push([`cmov${c}`, pre + "0f4" + c.toString(16) + mod(0, 3), 0]);
      L.push(["lea", pre + "8d440b7f", 0], ["lea4", pre + "8d04cb", 0]);
      for (let c = 0; c < 16; c++) L.push([`set${c}`, "0f9" + c.toString(16) + mod(0, 3), 0]);
      L.push(["crc8", "f20f38f0" + mod(0, 3), 0]); L.push(["crc", (s === "66" ? "66f2" : s === "48" ? "f248" : "f2") + "0f38f1" + mod(0, 3), 0]);
      L.push(["movbe?", "90", 0]);
      if (s !== "66") { const W = s === "48" ? 0x80 : 0;
        const vex = (pp: number, map: number, op: string, reg: number, v: number, rm: number, tail = "") => "c4" + hx(0xe0 | map) + hx(W | ((15 - v) << 3) | pp) + op + mod(reg, rm) + tail;
        L.push(["andn", vex(0, 2, "f2", 0, 3, 1), AF | PF], ["blsr", vex(0, 2, "f3", 1, 0, 3), AF | PF], ["blsmsk", vex(0, 2, "f3", 2, 0, 3), AF | PF], ["blsi", vex(0, 2, "f3", 3, 0, 3), AF | PF]);
        L.push(["bextr", vex(0, 2, "f7", 0, 1, 3), AF | PF | SF], ["bzhi", vex(0, 2, "f5", 0, 1, 3), AF | PF], ["pdep", vex(3, 2, "f5", 0, 3, 1), 0], ["pext", vex(2, 2, "f5", 0, 3, 1), 0]);
        L.push(["mulx", vex(3, 2, "f6", 0, 1, 3), 0], ["mulx same", vex(3, 2, "f6", 0, 0, 3), 0], ["rorx", vex(3, 3, "f0", 0, 0, 3, hx(r32() & 255)), 0], ["sarx", vex(2, 2, "f7", 0, 1, 3), 0], ["shlx", vex(1, 2, "f7", 0, 1, 3), 0], ["shrx", vex(3, 2, "f7", 0, 1, 3), 0]);
        L.push(["adcx", "66" + s + "0f38f6" + mod(0, 3), 0], ["adox", "f3" + s + "0f38f6" + mod(0, 3), 0]);
      }
    }
    for (const d of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const u = d >= 4 ? AF : 0;
      L.push([`sh${d}cl`, pre + hx(0xd2 + w) + mod(d, 0), u], [`sh${d}1`, pre + hx(0xd0 + w) + mod(d, 0), u], [`sh${d}cx`, pre + hx(0xd2 + w) + mod(d, 1), u]);
      for (let i = 0; i < 6; i++) L.push([`sh${d}i`, pre + hx(0xc0 + w) + mod(d, 0) + hx(r32() & 255), u]);
    }
    L.push(["xadd", pre + "0f" + hx(0xc0 + w) + mod(3, 0), 0], ["xadd same", pre + "0f" + hx(0xc0 + w) + mod(0, 0), 0], ["cmpxchg", pre + "0f" + hx(0xb0 + w) + mod(3, 1), 0], ["cmpxchg a", pre + "0f" + hx(0xb0 + w) + mod(3, 0), 0], ["xchg", pre + hx(0x86 + w) + mod(3, 0), 0], ["mov", pre + hx(0x88 + w) + mod(3, 0), 0]);
    L.push(["xchg ah al", "86e0", 0]);
    // memory forms: on stack. push rbx ; op [rsp], rcx ; pop rbx
    for (let op = 0; op < 8; op++) L.push([`alu${op}m`, "53" + pre + hx(op * 8 + w) + "0c24" + "5b", [1, 4, 6].includes(op) ? AF : 0]);
    L.push(["xaddm", "53" + pre + "0f" + hx(0xc0 + w) + "0c24" + "5b", 0], ["cmpxchgm", "53" + pre + "0f" + hx(0xb0 + w) + "0c24" + "5b", 0], ["xchgm", "53" + pre + hx(0x86 + w) + "0c24" + "5b", 0], ["notm", "53" + pre + hx(0xf6 + w) + "1424" + "5b", 0], ["incm", "53" + pre + hx(0xfe + w) + "0424" + "5b", 0], ["shlm", "53" + pre + hx(0xd2 + w) + "2424" + "5b", AF]);
  }
  for (const [n, c] of [["clc", "f8"], ["stc", "f9"], ["cmc", "f5"], ["lahf", "9f"], ["sahf", "9e"], ["pushf", "9c58"], ["push pop", "505a"], ["push imm", "6a815a"], ["push16", "66536659"], ["pop rsp", (long ? "48" : "") + "89e154" + "5c" + (long ? "48" : "") + "89c9"], ["push sp", "5458" + (long ? "48" : "") + "29e0"]] as const) L.push([n, c, 0]);
  if (long) L.push(["cmpxchg8b", "51530fc70c245858".replace("5858", "5959"), 0]);
  if (!long) L.push(["cmpxchg8b", "51530fc70c245959", 0], ["salc", "d6", 0], ["daa", "27", OF], ["das", "2f", OF], ["aaa", "37", OF | SF | ZF | PF], ["aas", "3f", OF | SF | ZF | PF], ["aam", "d40a", OF | AF | CF], ["aam7", "d407", OF | AF | CF], ["aad", "d50a", 0], ["inc", "40", 0], ["pusha", "605858585858585858".slice(0, 2) + "83c41058595a5b5b5b".slice(0, 0) + "61", 0]);
  return L;
}
for (const long of [true, false])
  it(`native ${long ? 64 : 32}`, () => {
    const p = long ? p64 : p32; const cases: { n: string; c: string; u: number; a: bigint[]; f: number }[] = [];
    const mask = long ? (1n << 64n) - 1n : 0xffffffffn;
    const per = Number(process.env.PER ?? 40);
    for (const [n, c, u] of list(long)) for (let i = 0; i < per; i++) {
      const a = [rand(), rand(), rand(), rand()].map((v) => v & mask);
      if (n.startsWith("div") && r32() % 4) { a[3] = r32() % 3 ? 0n : a[3]! & 0xffn; if (r32()%2) { a[3] = (r32()%2)? mask: 0n; } }
      if (n.startsWith("cmpxchg") && r32() % 2) { a[0] = n.includes("m") || n.includes("8b") ? a[1]! : a[2]!; if (n.includes("8b")) a[3] = a[2]!; }
      cases.push({ n, c, u, a, f: r32() & ALL });
    }
    const input = cases.map(({ c, a, f }) => [c, ...a.map((v) => v.toString(16)), (f | 0x202).toString(16)].join(" ")).join("\n") + "\n";
    const out = execFileSync(`/tmp/semantics/h${long ? 64 : 32}`, { input, maxBuffer: 1e9 }).toString().trim().split("\n");
    expect(out.length).toBe(cases.length);
    const bad = new Map<string, [number, string]>(); let faults = 0;
    cases.forEach(({ n, c, u, a, f }, i) => {
      const o = p.execute(c, { registers: { 0: a[0]!, 3: a[1]!, 1: a[2]!, 2: a[3]!, 4: 0x8000 }, flags: f });
      const e = out[i]!;
      let got: string;
      if (o.vector !== undefined) got = o.vector === 0 ? "signal 8" : `vector ${o.vector}`;
      else got = [o.registers[0]!, o.registers[3]!, o.registers[1]!, o.registers[2]!].map((v) => (v & mask).toString(16)).join(" ");
      let want = e; let fl = "";
      if (e.startsWith("signal")) faults++;
      else { const parts = e.split(" "); want = parts.slice(0, 4).join(" "); const wf = Number.parseInt(parts[4]!, 16); if ((wf ^ o.flags) & ALL & ~u) fl = `flags got ${o.flags.toString(16)} want ${(wf & ALL).toString(16)}`; }
      if (n === "pop rsp" || n === "pushf") { if (n === "pushf") { const m = (s: string) => s.split(" ").map((x,k)=>k===0?(Number.parseInt(x,16)&0xcd5).toString(16):x).join(" "); got = m(got); want = m(want);} else { got=want="" } }
      if (got !== want || fl) { const k = `${n} ${c}`; const b = bad.get(k); bad.set(k, [(b?.[0] ?? 0) + 1, b?.[1] ?? `in ${a.map((v) => v.toString(16)).join(" ")} f=${f.toString(16)}: got ${got} want ${want} ${fl}${o.system ?? ""}`]); }
    });
    for (const [k, [count, first]] of [...bad].slice(0, 40)) console.log(k, count, first);
    console.log(cases.length, "cases", faults, "faults", bad.size, "bad");
    expect(bad.size).toBe(0);
  }, 600000);
