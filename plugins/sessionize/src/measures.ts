// What is gathered of the values of a session's events: one measure for each further column.
//
// A session keeps two places for each measure: its value, and what else it takes to go on (the time of a first or last value).
// Values come in any order of time, because late events may join, so `first` and `last` go by times, not by arrival.

/** Places of a session's measures: two for each. */
export type State = unknown[];

/** A value that is not null. */
type Value = number | bigint | string | boolean | object;

export interface Measure {
  /** What a session without any value has. */
  readonly initial: unknown;
  add(state: State, place: number, value: Value, time: number): void;
}

export const first: Measure = {
  initial: null,
  add(state, place, value, time) {
    if (state[place] !== null && time >= (state[place + 1] as number)) return;
    state[place] = value;
    state[place + 1] = time;
  },
};

export const last: Measure = {
  initial: null,
  add(state, place, value, time) {
    if (state[place] !== null && time < (state[place + 1] as number)) return;
    state[place] = value;
    state[place + 1] = time;
  },
};

export const min: Measure = {
  initial: null,
  add(state, place, value) {
    const known = state[place] as Value | null;
    if (known === null || value < known) state[place] = value;
  },
};

export const max: Measure = {
  initial: null,
  add(state, place, value) {
    const known = state[place] as Value | null;
    if (known === null || value > known) state[place] = value;
  },
};

export const count: Measure = {
  initial: 0,
  add(state, place) {
    (state[place] as number)++;
  },
};

/** Counts only some values. */
export function countIn(values: string[]): Measure {
  const wanted = new Set<unknown>(values);
  return {
    initial: 0,
    add(state, place, value) {
      if (wanted.has(value)) (state[place] as number)++;
    },
  };
}

/** Sums floats. What rounding loses is carried along (Neumaier), so that the sum does not depend on how many there are. */
export const sumOfFloats: Measure = {
  initial: null,
  add(state, place, value) {
    const added = value as number;
    const sum = (state[place] ?? 0) as number;
    const total = sum + added;
    if (Number.isFinite(total)) {
      const lost = Math.abs(sum) >= Math.abs(added) ? (sum - total) + added : (added - total) + sum;
      state[place + 1] = ((state[place + 1] ?? 0) as number) + lost;
    } else {
      state[place + 1] = 0;
    }
    state[place] = total;
  },
};

/** What `sumOfFloats` has come to. */
export const finishedSum = (state: State, place: number): number | null =>
  state[place] === null ? null : (state[place] as number) + (state[place + 1] as number);

/** Sums integers and unscaled decimals exactly: numbers as long as they are exact, which are much cheaper than bigints. */
export const sumOfIntegers: Measure = {
  initial: null,
  add(state, place, value) {
    const sum = (state[place] ?? 0) as number | bigint;
    if (typeof sum === "number" && typeof value === "number") {
      const total = sum + value;
      state[place] = Number.isSafeInteger(total) ? total : BigInt(sum) + BigInt(value);
    } else {
      state[place] = BigInt(sum) + BigInt(value as number | bigint);
    }
  },
};
