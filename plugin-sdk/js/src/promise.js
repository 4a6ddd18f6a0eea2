// Promises that can be run to their end within one call.
//
// The contract's functions return when they return: nobody runs QuickJS's own jobs after that. So in a component this class takes
// the place of Promise, and the builder turns `async` functions into generators that use it; `settle` runs the jobs until the
// result is there. Everything that a plugin can wait for has happened by then, since the host's functions return at once.
// The rules are those of https://promisesaplus.com.

const jobs = [];

const run = () => {
  for (let at = 0; at < jobs.length; at++) jobs[at]();
  jobs.length = 0;
};

export const enqueue = (job) => { jobs.push(job); };

/** Forgets jobs that a call left behind. */
export const forget = () => { jobs.length = 0; };

/** The value of what a call returned, where it is a promise: with all jobs run. Throws what it is rejected with. */
export function settle(result) {
  if (typeof result?.then !== "function") return result;
  let settled = null;
  result.then((value) => { settled = { value }; }, (error) => { settled = { error }; });
  run();
  if (settled === null) throw new Error("the plugin waits for a promise that nobody keeps");
  if ("error" in settled) throw settled.error;
  return settled.value;
}

export class LocalPromise {
  #state = "pending";
  #value;
  #waiting = [];

  constructor(executor) {
    let isDone = false;
    const once = (f) => (value) => {
      if (isDone) return;
      isDone = true;
      f(value);
    };
    const reject = (error) => this.#settle("rejected", error);
    try {
      executor(once((value) => this.#resolve(value)), once(reject));
    } catch (error) {
      once(reject)(error);
    }
  }

  #resolve(value) {
    if (value === this) return this.#settle("rejected", new TypeError("a promise cannot wait for itself"));
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return this.#settle("fulfilled", value);
    let then;
    try {
      ({ then } = value);
    } catch (error) {
      return this.#settle("rejected", error);
    }
    if (typeof then !== "function") return this.#settle("fulfilled", value);
    enqueue(() => {
      let isDone = false;
      const once = (f) => (given) => {
        if (isDone) return;
        isDone = true;
        f(given);
      };
      try {
        then.call(value, once((given) => this.#resolve(given)), once((error) => this.#settle("rejected", error)));
      } catch (error) {
        once((thrown) => this.#settle("rejected", thrown))(error);
      }
    });
  }

  #settle(state, value) {
    this.#state = state;
    this.#value = value;
    for (const job of this.#waiting) enqueue(job);
    this.#waiting = [];
  }

  then(onFulfilled, onRejected) {
    return new LocalPromise((resolve, reject) => {
      const job = () => {
        const isFulfilled = this.#state === "fulfilled";
        const handler = isFulfilled ? onFulfilled : onRejected;
        if (typeof handler !== "function") return isFulfilled ? resolve(this.#value) : reject(this.#value);
        try {
          resolve(handler(this.#value));
        } catch (error) {
          reject(error);
        }
      };
      if (this.#state === "pending") this.#waiting.push(job);
      else enqueue(job);
    });
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(f) {
    const then = (next) => LocalPromise.resolve(f()).then(next);
    return this.then((value) => then(() => value), (error) => then(() => { throw error; }));
  }

  get [Symbol.toStringTag]() { return "Promise"; }

  static resolve(value) {
    return value instanceof LocalPromise ? value : new LocalPromise((resolve) => resolve(value));
  }

  static reject(error) {
    return new LocalPromise((_, reject) => reject(error));
  }

  static withResolvers() {
    const made = {};
    made.promise = new LocalPromise((resolve, reject) => Object.assign(made, { resolve, reject }));
    return made;
  }

  static try(f, ...given) {
    return new LocalPromise((resolve) => resolve(f(...given)));
  }

  static all(values) {
    return LocalPromise.#each(values, (at, results, done, resolve, reject) => [(value) => done(at, value), reject]);
  }

  static allSettled(values) {
    return LocalPromise.#each(values, (at, results, done) => [
      (value) => done(at, { status: "fulfilled", value }),
      (reason) => done(at, { status: "rejected", reason }),
    ]);
  }

  static any(values) {
    const flipped = LocalPromise.#each(values, (at, results, done, resolve, reject) => [reject, (error) => done(at, error)]);
    return new LocalPromise((resolve, reject) =>
      flipped.then((errors) => reject(new AggregateError(errors, "all promises were rejected")), resolve));
  }

  static race(values) {
    return new LocalPromise((resolve, reject) => {
      for (const value of values) LocalPromise.resolve(value).then(resolve, reject);
    });
  }

  static #each(values, handlers) {
    return new LocalPromise((resolve, reject) => {
      const results = [];
      let left = 1;
      const oneLess = () => { if (--left === 0) resolve(results); };
      const done = (at, value) => {
        results[at] = value;
        oneLess();
      };
      let at = 0;
      for (const value of values) {
        left++;
        LocalPromise.resolve(value).then(...handlers(at++, results, done, resolve, reject));
      }
      oneLess();
    });
  }
}
