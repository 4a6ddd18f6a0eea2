// The engine against a model that knows all events, and sorts them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDS, Full, Key, Sessionizer, STARTS } from "../src/engine.ts";
import type { Options, Reason } from "../src/engine.ts";

const STANDARD: Options = {
  gap: 10, maxLength: Infinity, lateness: 0, watermark: "key", late: "reject", maxKeys: 1000, maxHeld: 1000, whenFull: "fail",
};

interface Event {
  key: string;
  time: number;
  marks: number;
  n: number;
}

interface Told {
  key: string;
  id: string;
  start: number;
  end: number;
  events: number[];
  reason: Reason;
}

function run(options: Partial<Options>, events: Event[]) {
  const closed: Told[] = [];
  const engine = new Sessionizer<number, number[]>({ ...STANDARD, ...options }, {
    opened: () => [],
    added: ({ state }, _, n) => { state.push(n); },
    closed: ({ key, id, start, end, state }, reason) => closed.push({ key: String(key.values[0]), id, start, end, events: state, reason }),
  });
  const late = events.filter(({ key, time, marks, n }) => !engine.push(key, () => new Key([key], key), time, marks, n)).map(({ n }) => n);
  const open = engine.size;
  engine.finish();
  return { closed, late, open, evicted: engine.evicted };
}

/** Small random numbers that are the same each time. */
function* random(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    yield state >> 8;
  }
}

function someEvents(seed: number, count: number): Event[] {
  const numbers = random(seed);
  const next = (below: number) => (numbers.next().value as number) % below;
  let time = 0;
  return Array.from({ length: count }, (_, n) => {
    time += next(8);
    const kind = next(12);
    return { key: "abc"[next(3)], time: time - next(9), marks: kind === 0 ? STARTS : kind === 1 ? ENDS : 0, n };
  });
}

/** Sessions of events that are sorted, as their definition says. */
function model({ gap, maxLength }: Options, events: Event[]): Omit<Told, "id" | "reason">[] {
  const sessions: Omit<Told, "id" | "reason">[] = [];
  for (const key of "abc") {
    let open: Omit<Told, "id" | "reason"> | null = null;
    for (const { time, marks, n } of events.filter((event) => event.key === key).toSorted((a, b) => a.time - b.time || a.n - b.n)) {
      if (open === null || time - open.end > gap || time - open.start > maxLength || marks & STARTS) {
        open = { key, start: time, end: time, events: [] };
        sessions.push(open);
      }
      open.end = time;
      open.events.push(n);
      if (marks & ENDS) open = null;
    }
  }
  return sessions;
}

const sorted = (sessions: Omit<Told, "id" | "reason">[]) =>
  sessions.map(({ key, start, end, events }) => ({ key, start, end, events })).toSorted((a, b) => a.events[0] - b.events[0]);

for (const watermark of ["key", "input"] as const) {
  for (const lateness of [0, 4, 20]) {
    for (const maxLength of [Infinity, 15]) {
      test(`sessions of ${watermark} with lateness ${lateness} and a length up to ${maxLength} are those of the model`, () => {
        for (let seed = 1; seed <= 100; seed++) {
          const options = { ...STANDARD, watermark, lateness, maxLength };
          const events = someEvents(seed, 80);
          const { closed, late } = run(options, events);
          const latest = new Map<string, number>();
          const expectedLate = events.filter(({ key, time }) => {
            const whose = watermark === "key" ? key : "all";
            latest.set(whose, Math.max(latest.get(whose) ?? -Infinity, time));
            return time < latest.get(whose)! - lateness;
          }).map(({ n }) => n);
          assert.deepEqual(late, expectedLate);
          assert.deepEqual(sorted(closed), sorted(model(options, events.filter(({ n }) => !late.includes(n)))));
          assert.equal(new Set(closed.map(({ id }) => id)).size, closed.length);
        }
      });
    }
  }
}

test("events that join are in some session, and no session is longer for them", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const events = someEvents(seed, 80);
    const { closed, late } = run({ late: "join", maxLength: 15 }, events);
    const taken = closed.flatMap((session) => session.events);
    assert.equal(taken.length + late.length, events.length);
    assert.equal(new Set(taken).size, taken.length);
    for (const { start, end, events: numbers } of closed) {
      for (const n of numbers) assert.ok(start <= events[n].time && events[n].time <= end);
      assert.ok(end - start <= 15);
    }
  }
});

test("the watermark of all keys forgets idle keys", () => {
  const events = Array.from({ length: 1000 }, (_, n) => ({ key: `key ${n}`, time: n, marks: 0, n }));
  assert.ok(run({ watermark: "input" }, events).open < 30);
  assert.equal(run({ watermark: "key" }, events).open, 1000);
});

test("what a session was closed to by the watermark of all keys cannot join, whether its key is forgotten yet or not", () => {
  // Keys are gone through when the watermark has moved on by a gap: at 0, 11 and 22. So "a" is forgotten, and "c" is not.
  const events = ([["a", 0], ["b", 11], ["c", 12], ["b", 22], ["b", 24], ["a", 5], ["c", 15]] as const)
    .map(([key, time], n) => ({ key, time, marks: 0, n }));
  assert.deepEqual(run({ watermark: "input", late: "join" }, events).late, [5, 6]);
});

test("limits", () => {
  const events = [..."abcab"].map((key, n) => ({ key, time: n, marks: 0, n }));
  assert.throws(() => run({ maxKeys: 2 }, events), (error) => error instanceof Full && error.option === "max_keys");
  assert.throws(() => run({ maxHeld: 2, lateness: 100 }, events), (error) => error instanceof Full && error.option === "max_held");
  const { closed, evicted } = run({ maxKeys: 2, whenFull: "evict" }, events);
  assert.deepEqual(closed.map(({ key, reason }) => [key, reason]), [
    ["a", "limit"], ["b", "limit"], ["c", "limit"], ["a", "end-of-input"], ["b", "end-of-input"],
  ]);
  assert.equal(evicted, 3);
  // Of the key at hand, only the oldest event is settled; of another one, all.
  const held = run({ maxHeld: 2, lateness: 100, whenFull: "evict" }, [..."aaaab"].map((key, n) => ({ key, time: n, marks: 0, n })));
  assert.deepEqual(held.closed.map(({ key, events: numbers, reason }) => [key, numbers, reason]), [
    ["a", [0, 1, 2, 3], "limit"], ["b", [4], "end-of-input"],
  ]);
});
