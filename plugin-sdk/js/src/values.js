// Between Arrow's numbers and what JavaScript has: dates, instants, decimals.

const PER_SECOND = { second: 1n, millisecond: 1_000n, microsecond: 1_000_000n, nanosecond: 1_000_000_000n };

/** The Date of an instant; what is finer than a millisecond is cut off. */
export function toDate(value, unit) {
  const scaled = value * 1000n;
  const per = PER_SECOND[unit];
  const milliseconds = scaled / per;
  return new Date(Number(scaled % per < 0n ? milliseconds - 1n : milliseconds));
}

/** The instant of a Date, in `unit`. */
export function fromDate(date, unit) {
  const value = BigInt(date.getTime()) * PER_SECOND[unit];
  const cut = value / 1000n;
  return value % 1000n < 0n ? cut - 1n : cut;
}

/** The Date, at midnight UTC, of days since 1970-01-01. */
export const dateOfDays = (days) => new Date(days * 86_400_000);

/** Days since 1970-01-01 of a Date, in UTC. */
export const daysOfDate = (date) => Math.floor(date.getTime() / 86_400_000);

/** A decimal as text: 1250n with scale 2 is "12.50". */
export function formatDecimal(value, scale) {
  if (scale <= 0) return (value * 10n ** BigInt(-scale)).toString();
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The text of a decimal as an integer of the scale: "12.5" with scale 2 is 1250n. Digits that the scale has no room for are an error. */
export function parseDecimal(text, scale) {
  const parts = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text.trim());
  if (parts === null) throw new TypeError(`${JSON.stringify(text)} is no decimal`);
  const [, sign, whole, fraction = ""] = parts;
  const digits = scale >= fraction.length ? whole + fraction.padEnd(scale, "0") : whole + fraction;
  let value = BigInt(digits);
  for (let excess = Math.max(fraction.length, 0) - scale; excess > 0; excess--) {
    if (value % 10n !== 0n) throw new TypeError(`${JSON.stringify(text)} has more than ${scale} digits after the point`);
    value /= 10n;
  }
  return sign === "-" ? -value : value;
}
