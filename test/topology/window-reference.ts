// A naive account of windowed aggregates: every rule in the order in which it is told, over a plain list of rows that are never thrown away.

import type { AnyWindows, SessionWindows, SlidingWindows, TimeWindows } from 'millrace';

export interface Input {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
  /** A header's text, to tell which record a result came from. */
  readonly cause: string;
}

export interface Output {
  readonly key: string;
  readonly window: readonly [startMs: number, endMs: number];
  readonly value: string | null;
  readonly timestamp: number;
  readonly cause?: string;
}

export interface Row {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly value: string;
  readonly timestamp: number;
}

export interface Settings {
  readonly emit: 'on-update' | 'on-close';
  readonly retentionMs: number | undefined;
  readonly emitIntervalMs: number;
}

export const INITIAL = '';
/** A z takes the result away. */
export const addText = (aggregate: string, value: string | null): string | null => (value === 'z' ? null : `${aggregate}+${value ?? 'null'}`);
export const mergeText = (one: string, two: string): string => (one === '' || two === '' ? one + two : `${one}&${two}`);

const bytesOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export class NaiveWindows {
  readonly #windows: AnyWindows;
  readonly #settings: Settings;
  #rows: Row[] = [];
  #emitted = new Set<Row>();
  /** S: the highest timestamp that the operator has seen; of a cogroup, that each input has. */
  readonly #times: number[];
  #input = 0;
  /** The highest start, of sessions end, ever put. */
  #highest = -1;
  #nextLook = 0;
  #outputs: Output[] = [];

  constructor(windows: AnyWindows, settings: Settings, inputs = 1) {
    this.#windows = windows;
    this.#settings = settings;
    this.#times = Array.from({ length: inputs }, () => -1);
  }

  /** `input`: of a cogroup. */
  take(record: Input, clock: number, input = 0): Output[] {
    this.#outputs = [];
    this.#input = input;
    const { key, value } = record;
    if (key !== null && (value !== null || this.#windows.kind !== 'sliding')) {
      this.#times[input] = Math.max(this.#time, record.timestamp);
      const mayLook = this.#update(key, record);
      if (mayLook && this.#settings.emit === 'on-close') this.#look(record, clock);
    }
    return this.#outputs;
  }

  /** What a read of the store shows. */
  shown(): Row[] {
    return this.#rows.filter((row) => this.#isShown(row)).sort((a, b) => bytesOrder(a.key, b.key) || a.start - b.start || a.end - b.end);
  }

  get #time(): number {
    return this.#times[this.#input]!;
  }

  /** What the operator reads. Unless a retention was asked for, groups of a cogroup also find what is open for them, shown or not. */
  #isRead(row: Row): boolean {
    return this.#isShown(row) || (this.#times.length > 1 && this.#settings.retentionMs === undefined && !this.#isClosed(row));
  }

  #update(key: string, record: Input): boolean {
    const windows = this.#windows;
    if (windows.kind === 'time') return this.#updateTime(windows, key, record);
    if (windows.kind === 'session') return this.#updateSession(windows, key, record);
    return this.#updateSliding(windows, key, record);
  }

  #updateTime({ sizeMs, advanceMs, graceMs }: TimeWindows, key: string, record: Input): boolean {
    const t = record.timestamp;
    for (let start = 0; start <= t; start += advanceMs) {
      if (t < start + sizeMs && start + sizeMs > this.#time - graceMs) this.#add(key, start, start + sizeMs, this.#find(key, start), record);
    }
    return true;
  }

  #updateSession({ gapMs, graceMs }: SessionWindows, key: string, record: Input): boolean {
    const t = record.timestamp;
    const open = this.#time - gapMs - graceMs;
    const merged = this.#rows
      .filter((row) => row.key === key && row.end >= t - gapMs && row.start <= t + gapMs && (this.#isRead(row) || (row.end >= open && row.end >= this.#highest - this.#retentionMs)))
      .sort((a, b) => a.start - b.start || a.end - b.end);
    const start = Math.min(t, ...merged.map((row) => row.start));
    const end = Math.max(t, ...merged.map((row) => row.end));
    if (end < open) return true;
    let aggregate = INITIAL;
    for (const row of merged) aggregate = mergeText(aggregate, row.value);
    if (start !== t || end !== t) {
      for (const row of merged) {
        this.#remove(row);
        this.#tell({ key, window: [row.start, row.end], value: null, timestamp: row.end });
      }
    }
    const value = addText(aggregate, record.value);
    this.#put({ key, start, end, value, timestamp: end });
    this.#tell({ key, window: [start, end], value, timestamp: end });
    return true;
  }

  #updateSliding({ differenceMs: d, graceMs }: SlidingWindows, key: string, record: Input): boolean {
    const t = record.timestamp;
    const close = this.#time - graceMs;
    if (t + d < close) return false;
    const add = (start: number, before: Row | undefined): void => {
      if (start + d >= close) this.#add(key, start, start + d, before, record);
    };
    const copyAfter = (source: Row | undefined): void => {
      if (source === undefined || source.timestamp <= t || all.some((row) => row.start === t + 1)) return;
      this.#put({ ...source, start: t + 1, end: t + 1 + d });
      this.#tell({ key, window: [t + 1, t + 1 + d], value: source.value, timestamp: source.timestamp, cause: record.cause });
    };
    /** As they were before the record. */
    const all = this.#rows.filter((row) => row.key === key && this.#isRead(row)).sort((a, b) => a.start - b.start);
    if (t < d) {
      const first = all.find((row) => row.start === 0);
      const updated = all.filter((row) => row.start > 0 && row.start <= t);
      for (const row of updated) add(row.start, row);
      copyAfter(updated.at(-1) ?? (first !== undefined && first.timestamp > t ? first : undefined));
      if (first !== undefined && first.timestamp < t && !all.some((row) => row.start === first.timestamp + 1)) add(first.timestamp + 1, undefined);
      add(0, first);
      return false;
    }
    const holding = all.filter((row) => row.start <= t && row.end > t).reverse();
    for (const row of holding) add(row.start, row);
    const endingHere = all.find((row) => row.end === t);
    if (endingHere !== undefined) add(endingHere.start, endingHere);
    if (endingHere?.timestamp === t) return true;
    const before = all.filter((row) => row.end < t && row.start >= t - 2 * d).at(-1);
    const previous = (before ?? endingHere)?.timestamp;
    if (previous !== undefined && !all.some((row) => row.start === previous + 1) && previous + 1 + d >= t) add(previous + 1, undefined);
    if (endingHere === undefined) add(t - d, before !== undefined && previous! >= t - d ? { ...before, timestamp: t } : undefined);
    copyAfter(holding[0]);
    return true;
  }

  #look(record: Input, clock: number): void {
    if (this.#settings.emitIntervalMs > 0) {
      if (clock < this.#nextLook) return;
      this.#nextLook = clock + this.#settings.emitIntervalMs;
    }
    const due = this.#rows.filter((row) => !this.#emitted.has(row) && this.#isClosed(row)).sort((a, b) => a.end - b.end || a.start - b.start || bytesOrder(a.key, b.key));
    for (const row of due) {
      this.#emitted.add(row);
      this.#outputs.push({ key: row.key, window: [row.start, row.end], value: row.value, timestamp: row.timestamp, cause: record.cause });
    }
  }

  #isClosed({ end }: Row): boolean {
    const windows = this.#windows;
    if (windows.kind === 'time') return end <= this.#time - windows.graceMs;
    return end < this.#time - windows.graceMs - (windows.kind === 'session' ? windows.gapMs : 0);
  }

  #isShown(row: Row): boolean {
    return (this.#windows.kind === 'session' ? row.end : row.start) > this.#highest - this.#retentionMs;
  }

  get #retentionMs(): number {
    const windows = this.#windows;
    if (this.#settings.retentionMs !== undefined) return this.#settings.retentionMs;
    return windows.graceMs + (windows.kind === 'time' ? windows.sizeMs : windows.kind === 'sliding' ? 2 * windows.differenceMs : windows.gapMs);
  }

  #find(key: string, start: number): Row | undefined {
    return this.#rows.find((row) => row.key === key && row.start === start && this.#isRead(row));
  }

  #add(key: string, start: number, end: number, before: Row | undefined, { value, timestamp: t, cause }: Input): void {
    const row = { key, start, end, value: addText(before?.value ?? INITIAL, value), timestamp: Math.max(before?.timestamp ?? t, t) };
    this.#put(row);
    this.#tell({ key, window: [start, end], value: row.value, timestamp: row.timestamp, cause });
  }

  #put({ value, ...row }: Omit<Row, 'value'> & { readonly value: string | null }): void {
    this.#rows = this.#rows.filter((other) => other.key !== row.key || other.start !== row.start || other.end !== row.end);
    if (value !== null) this.#rows.push({ ...row, value });
    this.#highest = Math.max(this.#highest, this.#windows.kind === 'session' ? row.end : row.start);
  }

  #remove(row: Row): void {
    this.#rows = this.#rows.filter((other) => other !== row);
  }

  #tell(output: Output): void {
    if (this.#settings.emit === 'on-update') this.#outputs.push(output);
  }
}
