// Output rows that wait to leave.
//
// Rows that are not of the batch at hand leave as rows of an input row of it, the last one that was taken. There may be none, and one
// call may return so many rows only: the rest leaves with the next batch, or at the end.

/** What the host lets a step return for each input row where its limits are the default: `output_rows_per_row`. */
const ROWS_PER_ROW = 1000;
/** So many rows fit into `output_bytes` where they are of some hundred bytes. */
const ROWS_PER_CALL = 100_000;

export class Queue<T> {
  private waiting: T[] = [];

  push(row: T): void {
    this.waiting.push(row);
  }

  /** What may leave with a batch of so many rows; nothing where `source` is none of them. */
  leave(rows: number, source: number): T[] {
    if (source < 0) return [];
    return this.waiting.splice(0, Math.min(ROWS_PER_ROW * rows, ROWS_PER_CALL));
  }

  leaveAll(): T[] {
    return this.waiting.splice(0);
  }
}
