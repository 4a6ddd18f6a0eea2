// Masks: one truth value for each row, made by comparing columns, to filter and to reject by.

import { fullBitmap, getBit } from "./bytes.js";
import { combineBitmaps, positions } from "./kernels.js";

export class Mask {
  /** A bit for each row, least significant first: 1 where it is true. Bits beyond the last row are 0. */
  bitmap;
  length;

  constructor(bitmap, length) {
    this.bitmap = bitmap;
    this.length = length;
  }

  get(row) {
    return getBit(this.bitmap, row);
  }

  and(other) { return this.#with("both", other); }
  or(other) { return this.#with("either", other); }

  not() {
    return new Mask(combineBitmaps("first-only", fullBitmap(this.length), this.bitmap), this.length);
  }

  #with(logic, other) {
    if (other.length !== this.length) throw new RangeError(`masks of ${this.length} and ${other.length} rows`);
    return new Mask(combineBitmaps(logic, this.bitmap, other.bitmap), this.length);
  }

  /** How many rows are true. */
  get count() {
    return this.rows().length;
  }

  /** The positions of the rows that are true, ascending. */
  rows() {
    return positions(this.bitmap);
  }
}
