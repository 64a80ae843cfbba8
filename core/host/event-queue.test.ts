import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventQueue } from "./event-queue.js";

describe("event queue", () => {
  it("lets events happen by time, then in the order asked for, whatever is cancelled", () => {
    const operations = fc.array(fc.record({ time: fc.nat(50), cancels: fc.boolean(), which: fc.nat() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(operations, (asked) => {
        const queue = new EventQueue();
        const happened: number[] = [];
        const expected = new Map<number, { time: number; handle: number }>();
        asked.forEach(({ time, cancels, which }, id) => {
          const handle = queue.at(time, (argument) => happened.push(argument), id);
          expected.set(id, { time, handle });
          const victim = [...expected.keys()][which % expected.size]!;
          if (!cancels) return;
          queue.cancel(expected.get(victim)!.handle);
          expected.delete(victim);
        });
        queue.runUntil(Number.POSITIVE_INFINITY);
        const inOrder = [...expected].sort(([a, x], [b, y]) => x.time - y.time || a - b).map(([id]) => id);
        expect(happened).toEqual(inOrder);
      }),
    );
  });

  it("keeps later events, and leaves the clock at the end asked for", () => {
    const queue = new EventQueue();
    const times: number[] = [];
    const again = (): void => {
      times.push(queue.now);
      queue.after(10, again);
    };
    queue.at(5, again);
    queue.runUntil(30);
    expect(times).toEqual([5, 15, 25]);
    expect([queue.now, queue.waiting]).toEqual([30, 1]);
  });

  it("holds more events than it has room for at first", () => {
    const queue = new EventQueue();
    const times: number[] = [];
    for (let i = 0; i < 5000; i++) queue.at((i * 7919) % 5000, () => times.push(queue.now));
    queue.runUntil(5000);
    expect(times).toEqual(Array.from({ length: 5000 }, (_, time) => time));
  });

  it("refuses the past", () => {
    const queue = new EventQueue();
    queue.runUntil(10);
    expect(() => queue.at(9, () => {})).toThrow("events lie in the future");
  });
});
