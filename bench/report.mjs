import { writeFileSync } from 'node:fs';

/** What the benchmark found: printed as rows, and kept as data. */
export class Report {
  #data = {};

  /** @param what null for what is kept as data only */
  row(key, value, what, text = '', note = '') {
    this.#data[key] = value;
    if (what !== null) console.log(`${what.padEnd(62)} ${text.padStart(12)}   ${note}`.trimEnd());
  }

  title(text) {
    console.log(`\n${text}`);
  }

  perSecond(key, count, seconds, what, note) {
    this.row(
      key,
      Math.round(count / seconds),
      what,
      Math.round(count / seconds).toLocaleString('en-US'),
      note,
    );
  }

  ratio(key, value, what, expected) {
    this.row(key, Math.round(value * 100) / 100, `  ${what}`, value.toFixed(2), expected);
  }

  seconds(key, value, what, note) {
    this.row(key, Math.round(value * 1000) / 1000, what, `${value.toFixed(3)} s`, note);
  }

  bytes(key, value, what, note = '') {
    this.row(key, value, what, `${Math.round(value / 1000).toLocaleString('en-US')} kB`, note);
  }

  save(path) {
    writeFileSync(path, `${JSON.stringify(this.#data, undefined, 2)}\n`);
  }
}

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
