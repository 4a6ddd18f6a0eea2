// A plugin's methods may be `async` or not.

/** Goes on with a result: at once, or when the promise that it is has been kept. */
export function after(result, next) {
  return typeof result?.then === "function" ? result.then(next) : next(result);
}
