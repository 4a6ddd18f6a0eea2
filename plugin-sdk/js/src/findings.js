// Collecting what is wrong with which rows: rows that share rule, column and message share a finding.

export class Findings {
  #findings = new Map();
  /** Mostly the next row has what the last one had. */
  #last = null;

  /** `row`: its position, or a mask of several. */
  add(row, rule, message, column = null) {
    if (typeof row === "object") {
      for (const one of row.rows()) this.add(one, rule, message, column);
      return;
    }
    let finding = this.#last;
    if (finding === null || finding.rule !== rule || finding.message !== message || finding.column !== column) {
      const key = JSON.stringify([rule, message, column]);
      finding = this.#findings.get(key);
      if (finding === undefined) {
        finding = { rows: [], rule, column, message };
        this.#findings.set(key, finding);
      }
      this.#last = finding;
    }
    finding.rows.push(row);
  }

  get isEmpty() {
    return this.#last === null;
  }

  /** The rows of all findings. */
  *rows() {
    for (const { rows } of this.#findings.values()) yield* rows;
  }

  /** The contract wants rows in ascending order, each once. */
  toWit() {
    return Array.from(this.#findings.values(), (finding) => {
      const rows = Uint32Array.from(finding.rows).sort();
      return { ...finding, rows: rows.filter((row, index) => index === 0 || row !== rows[index - 1]) };
    });
  }
}
