/**
 * Seeded scripts for each device, kept to what the datasheets define and QEMU models: each says what it leaves out
 * because QEMU is known to differ from the datasheet there.
 */
import { Random } from "../../../../util/random.js";
import { Script } from "./operations.js";

const LOCAL_APIC = 0xfee0_0000;
const IO_APIC = 0xfec0_0000;
/** RAM that neither firmware nor the stub uses. */
const BUFFER = 0x3_0000;
const TABLE = 0x2_0000;

const KEYBOARD_COMMAND = 0x64;
const KEYBOARD_DATA = 0x60;

/**
 * IRQ 1, 4 and 12 can be raised at will: a byte in the keyboard controller's buffer, or the transmitter's
 * interrupt.
 */
const LINES = {
  1: (s: Script): void => {
    s.out(KEYBOARD_COMMAND, 0xd2);
    s.out(KEYBOARD_DATA, 0x55);
  },
  12: (s: Script): void => {
    s.out(KEYBOARD_COMMAND, 0xd3);
    s.out(KEYBOARD_DATA, 0xaa);
  },
  4: (s: Script): void => {
    s.out(0x3fb, 0x03);
    s.out(0x3fc, 0x08);
    s.out(0x3f9, 0x02);
  },
} as const;
type RaisableIrq = keyof typeof LINES;

/** Lowers the three lines. The keyboard controller may have a byte of each kind. */
function lowerAll(s: Script): void {
  s.out(0x3f9, 0x00);
  s.in(KEYBOARD_DATA, 0);
  s.in(KEYBOARD_DATA, 0);
}

/** Both keyboard interrupts on, both ports enabled. */
function prepareKeyboard(s: Script): void {
  s.out(KEYBOARD_COMMAND, 0x60);
  s.out(KEYBOARD_DATA, 0x07);
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;

/** ICW1 to ICW4 of both 8259As, everything masked. */
function initialisePics(s: Script, master: number, slave: number, icw4: number): void {
  for (const [port, base, icw3] of [
    [0x20, master, 4],
    [0xa0, slave, 2],
  ] as const) {
    s.out(port, 0x11);
    for (const value of [base, icw3, icw4]) s.out(port + 1, value);
    s.out(port + 1, 0xff);
  }
}

/** Lets the timer, which firmware left ticking, tick once more and never again. */
function stopTimer(s: Script): void {
  initialisePics(s, 0x20, 0x28, 0x01);
  s.out(0x43, 0x30);
  s.out(0x40, 0x01);
  s.out(0x40, 0x00);
  s.out(0x20, 0x0a);
  s.poll(0x20, 0x01, 0x01);
}

/**
 * The 8259As: masks, priorities, EOI modes, special mask, poll, level triggering. Left out: taking a request back
 * (QEMU keeps an edge's), so nothing that lets the slave's output fall before it is served; special fully nested
 * mode (QEMU unblocks every level below the slave's); non-specific EOI in special mask mode (QEMU ends masked
 * levels too).
 */
function pic(random: Random): Script {
  const s = new Script();
  stopTimer(s);
  prepareKeyboard(s);
  for (let trial = 0; trial < 100; trial++) {
    lowerAll(s);
    const isAutomatic = random.below(4) === 0;
    const levels = isAutomatic ? 0 : random.below(4) * 0x10;
    // QEMU's ICW1 keeps requests of inputs that are level-triggered, even if they came by an edge.
    for (const port of [0x4d0, 0x4d1]) s.out(port, 0);
    initialisePics(s, 0x20 + 8 * random.below(4), 0x60 + 8 * random.below(4), isAutomatic ? 0x03 : 0x01);
    for (const port of [0x4d0, 0x4d1]) s.out(port, levels);
    s.out(0xa1, random.below(2) * 0x10);
    const isSpecial = random.below(4) === 0;
    if (isSpecial) for (const port of [0x20, 0xa0]) s.out(port, 0x68);
    const raisable: RaisableIrq[] = [4, pick(random, [1, 12] as const)];
    for (let step = 0; step < 16; step++) {
      const port = pick(random, [0x20, 0xa0]);
      switch (random.below(8)) {
        case 0: {
          const irq = raisable.pop();
          if (irq !== undefined) LINES[irq](s);
          break;
        }
        case 1:
          s.out(0x21, random.below(256) & (random.below(2) === 0 ? 0xff : 0xe9));
          break;
        case 2:
          s.window();
          break;
        case 3:
          s.out(port, pick(random, [0x0a, 0x0b]));
          s.in(port);
          break;
        case 4:
          if (!isSpecial) s.out(port, port === 0x20 ? pick(random, [0x20, 0x20, 0xa0]) : 0x20);
          s.in(port);
          break;
        case 5:
          s.out(port, (port === 0x20 ? pick(random, [0x60, 0xc0, 0xe0]) : 0x60) | random.below(8));
          break;
        case 6:
          if (isAutomatic) s.out(0x20, pick(random, [0x80, 0x00]));
          s.in(port + 1);
          break;
        default:
          s.out(0x20, 0x0c);
          s.in(0x20);
      }
    }
    for (const port of [0x20, 0xa0]) {
      for (const command of [0x0a, 0x0b]) {
        s.out(port, command);
        s.in(port);
      }
      s.out(port + 1, 0x00);
    }
    s.window();
  }
  lowerAll(s);
  return s;
}

/**
 * The 16550A in loopback: registers, FIFOs, overruns, interrupt identification, and IRQ 4. Left out: the receive
 * time-out (the divisor makes it longer than the script) and the modem deltas, which QEMU does not make in
 * loopback.
 */
function uart(random: Random): Script {
  const s = new Script();
  const base = 0x3f8;
  initialisePics(s, 0x20, 0x28, 0x03); // automatic EOI: each edge is a vector
  s.out(0x21, 0xef);
  for (let trial = 0; trial < 30; trial++) {
    s.window();
    s.out(base + 1, 0);
    s.out(base + 2, 0x06);
    s.out(base + 3, 0x83);
    s.out(base, random.below(256));
    s.out(base + 1, 0xf0 | random.below(16));
    s.in(base);
    s.in(base + 1);
    s.out(base + 3, 0x03);
    s.out(base + 4, 0x18);
    s.in(base + 5);
    s.window();
    for (let step = 0; step < 30; step++) {
      s.window(); // before anything may take the request back
      switch (random.below(9)) {
        case 0:
        case 1:
          for (let n = random.below(6); n >= 0; n--) s.out(base, random.below(256));
          break;
        case 2:
          s.in(base + 2);
          break;
        case 3:
          s.in(base + 5);
          break;
        case 4:
          // Data are defined only where there are some: the status first.
          s.in(base + 5);
          s.in(base, 0); // taken, not compared
          break;
        case 5:
          s.out(base + 1, random.below(8));
          s.in(base + 1);
          break;
        case 6:
          // QEMU says again that the transmitter is empty when its FIFO is cleared.
          s.out(base + 1, 0);
          s.out(base + 2, pick(random, [0x01, 0x41, 0x81, 0xc1, 0x03, 0x07, 0x00]));
          s.out(base + 1, random.below(8));
          s.window();
          s.in(base + 2);
          break;
        case 7:
          s.out(base + 4, 0x18 | random.below(8));
          s.in(base + 6, 0xf0);
          s.in(base + 4);
          break;
        default:
          s.out(base + 7, random.below(256));
          s.in(base + 7);
          s.window();
      }
    }
  }
  s.out(base + 1, 0);
  return s;
}

/** Bytes through the loopback, compared one by one. */
function uartData(random: Random): Script {
  const s = new Script();
  s.out(0x3fb, 0x03);
  s.out(0x3fc, 0x10);
  for (let trial = 0; trial < 40; trial++) {
    const capacity = trial % 2 === 0 ? 16 : 1;
    s.out(0x3fa, capacity === 16 ? 0x07 : 0x00);
    const count = 1 + random.below(capacity + (capacity === 16 ? 4 : 1));
    for (let n = 0; n < count; n++) s.out(0x3f8, random.below(256));
    for (let n = 0; n < Math.min(count, capacity); n++) {
      s.in(0x3fd);
      s.in(0x3f8);
    }
    s.in(0x3fd);
  }
  return s;
}

/** The keyboard controller's commands and the keyboard's answers. Left out: status bits that QEMU does not model. */
function keyboard(random: Random): Script {
  const s = new Script();
  const answer = (): void => {
    s.poll(KEYBOARD_COMMAND, 0x01, 0x01);
    s.in(KEYBOARD_COMMAND, 0x21);
    s.in(KEYBOARD_DATA);
  };
  const none = (): void => s.in(KEYBOARD_COMMAND, 0x01);
  for (let trial = 0; trial < 120; trial++) {
    switch (random.below(9)) {
      case 0:
        s.out(KEYBOARD_COMMAND, 0x60);
        s.out(KEYBOARD_DATA, random.below(4) | 0x04 | (random.below(2) << 6));
        s.out(KEYBOARD_COMMAND, 0x20);
        answer();
        break;
      case 1:
        s.out(KEYBOARD_COMMAND, pick(random, [0xaa, 0xab, 0xa9]));
        answer();
        break;
      case 2:
        s.out(KEYBOARD_COMMAND, pick(random, [0xa7, 0xa8, 0xae]));
        s.out(KEYBOARD_COMMAND, 0x20);
        answer();
        break;
      case 3:
        s.out(KEYBOARD_COMMAND, pick(random, [0xd2, 0xd3]));
        s.out(KEYBOARD_DATA, random.below(256));
        answer();
        break;
      case 4:
        s.out(KEYBOARD_COMMAND, 0xd1);
        s.out(KEYBOARD_DATA, pick(random, [0xdf, 0xdd, 0xdf]));
        s.out(KEYBOARD_COMMAND, 0xd0);
        s.poll(KEYBOARD_COMMAND, 0x01, 0x01);
        s.in(KEYBOARD_DATA, 0x03);
        s.in(0x92, 0x02);
        s.out(KEYBOARD_COMMAND, 0xdf);
        break;
      case 5: {
        const [command, answers] = pick(random, [
          [0xf2, 3],
          [0xee, 1],
          [0xf4, 1],
          [0xf5, 1],
          [0xf6, 1],
          [0xff, 2],
        ] as const);
        s.out(KEYBOARD_DATA, command);
        for (let n = 0; n < answers; n++) answer();
        break;
      }
      case 6:
        s.out(KEYBOARD_DATA, pick(random, [0xed, 0xf3]));
        answer();
        s.out(KEYBOARD_DATA, random.below(8));
        answer();
        break;
      default:
        s.out(0x92, pick(random, [0x02, 0x00]));
        s.in(0x92, 0x02);
        s.out(0x92, 0x02);
    }
    none();
  }
  return s;
}

/** CMOS RAM, and the clock's bytes while SET holds them. */
function cmos(random: Random): Script {
  const s = new Script();
  const write = (register: number, value: number): void => {
    s.out(0x70, register);
    s.out(0x71, value);
  };
  const read = (register: number, mask = 0xff): void => {
    s.out(0x70, register);
    s.in(0x71, mask);
  };
  write(11, 0x82);
  read(12, 0);
  for (let step = 0; step < 400; step++) {
    const register = pick(random, [random.below(10), 10, 11, 12, 13, 14 + random.below(114)]);
    if (register === 10) write(10, 0x20 | random.below(16));
    else if (register === 11) write(11, 0x80 | pick(random, [0x02, 0x06, 0x00, 0x04, 0x0a]));
    else if (register < 10 || register > 13) write(register, random.below(256));
    read(register, register === 12 ? 0x80 : 0xff);
    s.in(0x70);
  }
  return s;
}

/** The host bridge, the PIIX3's functions and what is absent: identity, sizes of base addresses, widths of access. */
function pci(random: Random): Script {
  const s = new Script();
  const address = (place: number, register: number): void => s.out(0xcf8, 0x8000_0000 + place + register, 4);
  const places = [0x000, 0x800, 0x900];
  for (const place of [...places, 0x2000, 0x2100, 0xf800, 0x1_0000]) {
    for (const register of [0x00, 0x08]) {
      address(place, register);
      s.in(0xcfc, 0xffff_ffff, 4);
    }
    address(place, 0x0c);
    s.in(0xcfe, place === 0x800 || place > 0x900 ? 0xff : 0x7f);
  }
  address(0x900, 0x20);
  s.out(0xcfc, 0xffff_ffff, 4);
  s.in(0xcfc, 0xffff, 2); // bits 31..16 are reserved in the PIIX3, kept in QEMU
  for (let step = 0; step < 60; step++) {
    const place = pick(random, places);
    const register = pick(random, [0x00, 0x08]);
    address(place, register);
    const size = pick(random, [1, 2, 4] as const);
    s.in(0xcfc + random.below(4 / size) * size, 0xffff_ffff, size);
    s.in(0xcf8, 0xffff_ffff, 4);
  }
  for (const base of [0xc041, 0xd001]) {
    address(0x900, 0x20);
    s.out(0xcfc, base, 4);
    s.in(0xcfc, 0xffff_ffff, 4);
    s.out((base & ~1) + 4, 0x1234_5678, 4);
    s.in((base & ~1) + 4, 0xffff_ffff, 4);
    s.out((base & ~1) + 2, 0x60);
    s.in((base & ~1) + 2, 0x67);
  }
  address(0x900, 0x20);
  s.out(0xcfc, 0xc001, 4);
  return s;
}

/**
 * The local APIC's registers, priorities and IPIs to itself. Left out: what depends on the version (CMCI, EOI
 * broadcast suppression), ESR, and reserved bits, which QEMU keeps as written.
 */
function localApic(random: Random): Script {
  const s = new Script();
  const set = (register: number, value: number): void => s.store(LOCAL_APIC + register * 16, value);
  const get = (register: number): void => s.load(LOCAL_APIC + register * 16);
  initialisePics(s, 0x20, 0x28, 0x01);
  for (let trial = 0; trial < 40; trial++) {
    set(0x0d, random.below(256) * 0x100_0000);
    const isFlat = random.below(2) === 0;
    set(0x0e, isFlat ? 0xffff_ffff : 0x0fff_ffff);
    for (let step = 0; step < 25; step++) {
      const vector = 16 + random.below(240);
      switch (random.below(8)) {
        case 0:
        case 1:
          set(0x30, pick(random, [0x4_4000, 0x8_4000]) | vector);
          break;
        case 2:
          set(0x31, pick(random, [0x0000_0000, 0x0100_0000, 0xff00_0000]));
          set(0x30, 0x4000 | vector);
          break;
        case 3: {
          // A logical broadcast in the cluster model is one to QEMU only if the cluster is 15.
          set(0x31, random.below(isFlat ? 256 : 255) * 0x100_0000);
          set(0x30, pick(random, [0x4800, 0x4900]) | vector);
          break;
        }
        case 4:
          s.window();
          break;
        case 5:
          set(0x0b, 0);
          break;
        case 6:
          set(0x08, random.below(256));
          break;
        default:
          for (const register of [0x08, 0x0a, 0x10 + random.below(8), 0x20 + random.below(8), 0x0d, 0x0e])
            get(register);
      }
    }
    set(0x08, 0);
    for (let n = 0; n < 20; n++) {
      set(0x0b, 0);
      s.window();
    }
    for (const register of [0x33, 0x34, 0x37]) {
      set(register, 0x1_0000 | vectorOf(random));
      get(register);
    }
    set(0x32, 0x1_0000 | (random.below(2) << 17) | vectorOf(random));
    get(0x32);
    set(0x3e, pick(random, [0, 1, 2, 3, 8, 9, 10, 11]));
    get(0x3e);
  }
  return s;
}

const vectorOf = (random: Random): number => 16 + random.below(240);

/** The I/O APIC: edges and levels of IRQ 1, 4 and 12, masks, remote IRR, EOI. */
function ioApic(random: Random): Script {
  const s = new Script();
  const set = (register: number, value: number): void => {
    s.store(IO_APIC, register);
    s.store(IO_APIC + 0x10, value);
  };
  const get = (register: number): void => {
    s.store(IO_APIC, register);
    s.load(IO_APIC + 0x10, 0xffff_efff);
  };
  const endAll = (): void => {
    for (let n = 0; n < 6; n++) {
      s.store(LOCAL_APIC + 0xb0, 0);
      s.window();
    }
  };
  const irqs = [1, 4, 12] as const;
  initialisePics(s, 0x20, 0x28, 0x01);
  prepareKeyboard(s);
  for (let trial = 0; trial < 50; trial++) {
    lowerAll(s);
    for (const irq of irqs) set(0x10 + 2 * irq, 0x1_0000);
    endAll();
    const entries = new Map(irqs.map((irq) => [irq, vectorOf(random) | (random.below(2) << 15)]));
    const put = (irq: RaisableIrq, isMasked: boolean): void =>
      set(0x10 + 2 * irq, entries.get(irq)! | (isMasked ? 0x1_0000 : 0));
    for (const irq of irqs) {
      set(0x11 + 2 * irq, pick(random, [0, 0, 0xff]) * 0x100_0000);
      put(irq, random.below(3) === 0);
    }
    const raisable = [4, pick(random, [1, 12] as const)] as RaisableIrq[];
    for (let step = 0; step < 12; step++) {
      switch (random.below(6)) {
        case 0: {
          const irq = raisable.pop();
          if (irq !== undefined) LINES[irq](s);
          break;
        }
        case 1:
          s.window();
          break;
        case 2:
          s.store(LOCAL_APIC + 0xb0, 0);
          break;
        case 3:
          put(pick(random, irqs), random.below(2) === 0);
          break;
        default:
          get(0x10 + 2 * pick(random, irqs));
          s.load(LOCAL_APIC + 16 * (0x18 + random.below(8)));
      }
    }
  }
  lowerAll(s);
  endAll();
  for (const irq of irqs) set(0x10 + 2 * irq, 0x1_0000);
  return s;
}

/**
 * The disk: PIO by sector and block, 28- and 48-bit addresses, DMA both ways, IRQ 14, resets and errors. Status is
 * compared without DSC, and register contents only where a protocol defines them.
 */
function ide(random: Random): Script {
  const s = new Script();
  const base = 0x1f0;
  const engine = 0xc000;
  const sectors = 4096;
  const status = (): void => s.in(0x3f6, 0xc9);
  const ready = (): void => s.poll(0x3f6, 0x80, 0x00);
  const command = (code: number, lba: number, count: number): void => {
    s.out(base + 6, 0xe0);
    s.out(base + 2, count);
    for (let i = 0; i < 3; i++) s.out(base + 3 + i, (lba >> (8 * i)) & 0xff);
    s.out(base + 7, code);
  };
  const readSector = (): void => {
    for (let word = 0; word < 128; word++) s.in(base, word % 16 === 0 ? 0xffff_ffff : 0, 4);
  };
  const interrupt = (): void => {
    s.window();
    s.in(base + 7, 0xc9);
  };
  s.out(0xcf8, 0x8000_0920, 4);
  s.out(0xcfc, 0xc001, 4);
  s.out(0xcf8, 0x8000_0904, 4);
  s.out(0xcfc, 0x0005, 2);
  initialisePics(s, 0x20, 0x28, 0x03);
  s.out(0x21, 0xfb);
  s.out(0xa1, 0xbf);
  // QEMU interrupts at the end of a software reset, unless interrupts are off, and leaves the slave selected.
  s.out(base + 6, 0xe0);
  s.out(0x3f6, 0x06);
  s.out(0x3f6, 0x02);
  ready();
  s.in(base + 7, 0xc9);
  s.out(0x3f6, 0x00);
  for (let i = 1; i < 6; i++) s.in(base + i);
  command(0xc6, 0, 4);
  ready();
  interrupt();
  for (let trial = 0; trial < 24; trial++) {
    const lba = random.below(sectors - 20);
    const count = 1 + random.below(6);
    switch (random.below(8)) {
      case 0:
        command(pick(random, [0x20, 0x21]), lba, count);
        for (let n = 0; n < count; n++) {
          ready();
          s.window();
          status();
          s.in(base + 7, 0xc9);
          readSector();
        }
        status();
        break;
      case 1:
        command(0xc4, lba, count);
        for (let left = count; left > 0; left -= 4) {
          ready();
          interrupt();
          for (let n = 0; n < Math.min(left, 4); n++) readSector();
        }
        status();
        break;
      case 2:
      case 3:
        command(0x30, lba, count);
        for (let n = 0; n < count; n++) {
          ready();
          status();
          for (let word = 0; word < 128; word++) s.out(base, random.int32() >>> 0, 4);
          ready();
          interrupt();
        }
        break;
      case 4:
      case 5: {
        const isRead = random.below(2) === 0;
        const bytes = 512 * count;
        const first = 2 * (1 + random.below(bytes / 2 - 1));
        s.store(TABLE, BUFFER);
        s.store(TABLE + 4, first);
        s.store(TABLE + 8, BUFFER + 0x4000);
        s.store(TABLE + 12, (0x8000_0000 + bytes - first) >>> 0);
        s.out(engine + 4, TABLE, 4);
        s.out(engine, isRead ? 0x08 : 0x00);
        s.out(engine + 2, 0x66);
        command(isRead ? 0xc8 : 0xca, lba, count);
        s.out(engine, isRead ? 0x09 : 0x01);
        s.poll(engine + 2, 0x04, 0x04);
        s.in(engine + 2, 0x67);
        s.out(engine, 0x00);
        interrupt();
        s.out(engine + 2, 0x04);
        s.in(engine + 2, 0x07);
        for (const address of [
          BUFFER,
          BUFFER + (first & ~3) - 4,
          BUFFER + 0x4000,
          BUFFER + 0x4000 + bytes - first - 4,
        ])
          s.load(address & ~3);
        break;
      }
      case 6:
        command(pick(random, [0x00, 0xa1, 0xf8 - 0x28]), 0, 0);
        ready();
        interrupt();
        s.in(base + 1);
        break;
      default:
        command(pick(random, [0x40, 0xe7, 0xe5, 0x10, 0x70]), lba, count);
        ready();
        interrupt();
    }
  }
  s.out(base + 6, 0xf0); // no slave
  s.in(base + 7);
  s.out(base + 6, 0xe0);
  s.in(base + 7, 0xc9);
  return s;
}

const WRITERS: Readonly<Record<string, (random: Random) => Script>> = {
  pic,
  uart,
  "uart-data": uartData,
  keyboard,
  cmos,
  pci,
  "local-apic": localApic,
  "io-apic": ioApic,
  ide,
};

export const SCRIPT_NAMES: readonly string[] = Object.keys(WRITERS);

/** The script of a name, always the same. */
export function scriptOf(name: string): Script {
  return WRITERS[name]!(new Random(1).fork(name));
}
