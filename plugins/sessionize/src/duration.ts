// Lengths of time as configurations write them: "30m", "1h30m", "500ms", "2d". Internally all times are whole microseconds, in
// numbers, which hold them exactly up to the year 2255.

const UNITS: Record<string, number> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6 };

/** The form of a length of time, for the JSON Schema of the configuration. */
export const DURATION = "^([0-9]+(us|ms|s|m|h|d))+$";

/** The microseconds of a length of time; null where the text is none, or is longer than a number can hold exactly. */
export function parseDuration(text: string): number | null {
  if (!new RegExp(DURATION).test(text)) return null;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(us|ms|s|m|h|d)/g)) total += Number(digits) * UNITS[unit];
  return Number.isSafeInteger(total) ? total : null;
}
