// How events become sessions, apart from any batch, column or output.
//
// Events come one by one, each with its key and its time in microseconds. What becomes of them depends on nothing else, so it does
// not matter how the host cuts its input into batches.
//
//     push ── late? ──▶ held, in the order of time ── watermark passes ──▶ settled: into the open session of the key, or a new one
//
// The watermark is the latest time seen, less `lateness`: of the same key, or of all keys. Events later than it are held, because
// earlier ones may still come. With a lateness of 0 nothing is ever held. An event before the watermark is late: its place in
// the order may be gone.
//
// Invariants: the held events of a key are in the order of time, equal times in the order of arrival, and none is at or before the
// watermark; the events of a session were settled in that order, apart from late ones that joined.

/** Why a session has no further events. */
export type Reason = "gap" | "max-length" | "start-event" | "end-event" | "limit" | "end-of-input";

/** Marks of an event, to be combined. */
export const STARTS = 1;
export const ENDS = 2;

export interface Options {
  /** An event that comes more than this after the one before it begins a session. */
  gap: number;
  /** An event more than this after the beginning of its session begins another one; Infinity where there is no such limit. */
  maxLength: number;
  lateness: number;
  /** Whose latest time the watermark follows: that of the same key, or of all keys. */
  watermark: "key" | "input";
  late: "reject" | "join";
  maxKeys: number;
  maxHeld: number;
  whenFull: "fail" | "evict";
}

/** What somebody does with sessions. */
export interface Listener<P, S> {
  /** The first event of a session follows; what is returned is kept with the session. */
  opened(session: Session<P, S>): S;
  /** `session.events` counts this event already. */
  added(session: Session<P, S>, time: number, payload: P): void;
  closed(session: Session<P, S>, reason: Reason): void;
}

export class Session<P, S> {
  end: number;
  events = 0;
  state!: S;
  constructor(readonly key: Key<P, S>, readonly id: string, readonly start: number) {
    this.end = start;
  }
}

interface Held<P> {
  time: number;
  marks: number;
  payload: P;
}

/** What is known of one key. */
export class Key<P, S> {
  latest = -Infinity;
  /** The time of the event that was settled last. */
  settled = -Infinity;
  session: Session<P, S> | null = null;
  held: Held<P>[] = [];
  private lastStart = NaN;
  private repeats = 0;

  /** `values` are those of the key columns, `text` is what ids begin with. */
  constructor(readonly values: unknown[], private readonly text: string) {}

  /** An id that no other session of this key has: an end event and a start event may have the same time. */
  nextId(start: number): string {
    this.repeats = this.lastStart === start ? this.repeats + 1 : 1;
    this.lastStart = start;
    return this.repeats === 1 ? `${this.text}#${start}` : `${this.text}#${start}.${this.repeats}`;
  }

  get isIdle(): boolean {
    return this.session === null && this.held.length === 0;
  }
}

/** Keys by something that is the same for equal keys only. */
export type Identity = string | number;

/** More keys or events would have to be held than is allowed, by the option of this name. */
export class Full extends Error {
  constructor(readonly option: "max_keys" | "max_held", message: string) {
    super(message);
  }
}

export class Sessionizer<P, S> {
  /** In `evict` mode, the key with the oldest last arrival first. */
  private readonly keys = new Map<Identity, Key<P, S>>();
  private latest = -Infinity;
  private nextSweep = -Infinity;
  private held = 0;
  /** Keys that were given up because there were too many. */
  evicted = 0;
  /** Whether the session of an event depends on nothing but what is known of its key, so that most events can go a short way. */
  private readonly isSimple: boolean;

  constructor(private readonly options: Options, private readonly listener: Listener<P, S>) {
    this.isSimple = options.lateness === 0 && options.watermark === "key" && options.whenFull === "fail";
  }

  /** How many keys something is known of. */
  get size(): number {
    return this.keys.size;
  }

  /**
   * Takes an event; false where it is late and has no place any more. `newKey` is called where nothing is known of the key.
   * Throws `Full`.
   */
  push(identity: Identity, newKey: () => Key<P, S>, time: number, marks: number, payload: P): boolean {
    const key = this.keys.get(identity);
    // What `pushAny` would come to, without the calls and comparisons that cost an interpreter most of its time.
    if (this.isSimple && key !== undefined && marks === 0 && time >= key.latest) {
      const { session } = key;
      if (session !== null && time - session.end <= this.options.gap && time - session.start <= this.options.maxLength) {
        session.end = key.latest = key.settled = time;
        session.events++;
        this.listener.added(session, time, payload);
        return true;
      }
    }
    return this.pushAny(key, identity, newKey, time, marks, payload);
  }

  private pushAny(
    key: Key<P, S> | undefined, identity: Identity, newKey: () => Key<P, S>, time: number, marks: number, payload: P,
  ): boolean {
    const { lateness, whenFull } = this.options;
    const isByInput = this.options.watermark === "input";
    if (time > this.latest) this.latest = time;
    if (key === undefined) {
      // A key that is forgotten, or was never there: whether the event belongs to a closed session cannot be known.
      if (isByInput && time < this.latest - lateness) return false;
      this.makeRoomForKey();
      key = newKey();
      this.keys.set(identity, key);
    } else if (whenFull === "evict") {
      this.keys.delete(identity);
      this.keys.set(identity, key);
    }
    if (time > key.latest) key.latest = time;
    const watermark = (isByInput ? this.latest : key.latest) - lateness;
    this.settleHeld(key, watermark);
    if (isByInput) this.closeIfOver(key, watermark);
    const isTaken = time < watermark ? this.takeLate(key, time, marks, payload) : this.take(key, watermark, time, marks, payload);
    if (isByInput && watermark >= this.nextSweep) this.sweep(watermark);
    return isTaken;
  }

  /** No event follows: everything is settled and closed. */
  finish(): void {
    for (const key of this.keys.values()) {
      this.settleHeld(key, Infinity);
      this.close(key, "end-of-input");
    }
    this.keys.clear();
  }

  private take(key: Key<P, S>, watermark: number, time: number, marks: number, payload: P): boolean {
    if (time <= watermark) {
      this.settle(key, time, marks, payload);
      return true;
    }
    if (this.held >= this.options.maxHeld) this.makeRoomForEvent(key);
    const { held } = key;
    let place = held.length;
    while (place > 0 && held[place - 1].time > time) place--;
    held.splice(place, 0, { time, marks, payload });
    this.held++;
    return true;
  }

  private takeLate(key: Key<P, S>, time: number, marks: number, payload: P): boolean {
    if (this.options.late === "reject") return false;
    if (this.options.watermark === "input" && key.isIdle) return false;
    if (time >= key.settled) {
      this.settle(key, time, marks, payload);
      return true;
    }
    const { session } = key;
    if (session === null || time < session.start) return false;
    session.events++;
    this.listener.added(session, time, payload);
    return true;
  }

  private settleHeld(key: Key<P, S>, watermark: number): void {
    const { held } = key;
    let count = 0;
    while (count < held.length && held[count].time <= watermark) {
      const { time, marks, payload } = held[count++];
      this.settle(key, time, marks, payload);
    }
    if (count === 0) return;
    held.splice(0, count);
    this.held -= count;
  }

  /** Puts an event that is not earlier than the last one of its key into a session. */
  private settle(key: Key<P, S>, time: number, marks: number, payload: P): void {
    const { gap, maxLength } = this.options;
    let { session } = key;
    if (session !== null) {
      if (time - session.end > gap) this.close(key, "gap");
      else if (time - session.start > maxLength) this.close(key, "max-length");
      else if (marks & STARTS) this.close(key, "start-event");
      session = key.session;
    }
    if (session === null) {
      session = key.session = new Session(key, key.nextId(time), time);
      session.state = this.listener.opened(session);
    }
    session.end = key.settled = time;
    session.events++;
    this.listener.added(session, time, payload);
    if (marks & ENDS) this.close(key, "end-event");
  }

  private close(key: Key<P, S>, reason: Reason): void {
    const { session } = key;
    if (session === null) return;
    key.session = null;
    this.listener.closed(session, reason);
  }

  /** Closes the session of a key to which nothing can be added any more, by the watermark of all keys. */
  private closeIfOver(key: Key<P, S>, watermark: number): void {
    if (key.session !== null && key.held.length === 0 && watermark - key.session.end > this.options.gap) this.close(key, "gap");
  }

  /** Goes through all keys, and forgets those whose sessions are over. Once each gap, so each session is met a few times at most. */
  private sweep(watermark: number): void {
    for (const [identity, key] of this.keys) {
      this.settleHeld(key, watermark);
      this.closeIfOver(key, watermark);
      if (key.isIdle && watermark > key.settled) this.keys.delete(identity);
    }
    this.nextSweep = watermark + this.options.gap;
  }

  private makeRoomForKey(): void {
    const { maxKeys, whenFull } = this.options;
    if (this.keys.size < maxKeys) return;
    if (whenFull === "fail") throw new Full("max_keys", `sessions of ${maxKeys} keys are open at once, and \`max_keys\` allows no more`);
    const [[identity, key]] = this.keys;
    this.evict(identity, key);
  }

  private makeRoomForEvent(current: Key<P, S>): void {
    const { maxHeld, whenFull } = this.options;
    if (whenFull === "fail") throw new Full("max_held", `${maxHeld} events are held back at once, and \`max_held\` allows no more`);
    for (const [identity, key] of this.keys) {
      if (key === current || key.held.length === 0) continue;
      this.evict(identity, key);
      return;
    }
    this.settleHeld(current, current.held[0].time);
  }

  private evict(identity: Identity, key: Key<P, S>): void {
    this.settleHeld(key, Infinity);
    this.close(key, "limit");
    this.keys.delete(identity);
    this.evicted++;
  }
}
