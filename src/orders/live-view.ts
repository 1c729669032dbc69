// What somebody sees who watches the order system run: one screen on a terminal, one line every few seconds elsewhere.

import { createLogUpdate } from 'log-update';
import { type OrderStatus, TERMINAL_STATUSES } from './domain.ts';

export interface LiveSnapshot {
  readonly elapsedMs: number;
  /** What the stream does just now: `running`, `restoring`, `waiting for Kafka`. */
  readonly state: string;
  readonly generator?: {
    readonly orders: number;
    /** Infinity: no end. */
    readonly ordersPlanned: number;
  };
  /** Records read so far: the rate is made of the difference between two snapshots. */
  readonly recordsIn: number;
  readonly joined: number;
  readonly duplicates: number;
  readonly escalationsInFlight: number;
  readonly orders: Readonly<Partial<Record<OrderStatus, number>>>;
  readonly refunds: number;
  readonly deadLetters: number;
  /** Records not read yet; undefined: not known yet. */
  readonly lagRecords: number | undefined;
  /** The latest trouble, if it has not passed. */
  readonly trouble?: string;
  /** `Temporal UI` → its URL, `log files` → their folder. */
  readonly lookFurther: Readonly<Record<string, string>>;
}

/** The screen. `recordsPerSecond` undefined: not known yet. Lines are cut at `columns`. */
export function renderLiveView(snapshot: LiveSnapshot, recordsPerSecond: number | undefined, columns = 100): string {
  const { state, generator, orders, lookFurther, trouble } = snapshot;
  const placed = generator === undefined ? [] : [row('placed', generator.ordersPlanned === Infinity ? count(generator.orders) : `${count(generator.orders)} of ${count(generator.ordersPlanned)} orders`)];
  const lines = [
    `Millrace · orders · ${state} · ${clock(snapshot.elapsedMs)}`,
    '',
    ...placed,
    row('stream', `${rate(recordsPerSecond)} in, ${count(snapshot.joined)} joined, ${count(snapshot.duplicates)} repeated, lag ${lag(snapshot.lagRecords)}`),
    row('escalations', `${count(snapshot.escalationsInFlight)} in flight`),
    row('orders', ORDER_STATUSES.map((status) => `${status} ${count(orders[status] ?? 0)}`).join('  ')),
    row('refunds', count(snapshot.refunds)),
    row('dead letters', count(snapshot.deadLetters)),
    ...(trouble === undefined ? [] : ['', `! ${trouble}`]),
    '',
    ...Object.entries(lookFurther).map(([what, where]) => row(what, where)),
  ];
  return lines.map((line) => cut(line, columns)).join('\n');
}

/** The same in one line, for logs and pipes. */
export function renderLiveLine(snapshot: LiveSnapshot, recordsPerSecond: number | undefined): string {
  const { generator, orders } = snapshot;
  const byStatus = ORDER_STATUSES.map((status) => `${status.toLowerCase()} ${orders[status] ?? 0}`).join(', ');
  const parts = [
    clock(snapshot.elapsedMs),
    snapshot.state,
    ...(generator === undefined ? [] : [`placed ${generator.orders}`]),
    `${rate(recordsPerSecond)} in`,
    `joined ${snapshot.joined}`,
    `in flight ${snapshot.escalationsInFlight}`,
    byStatus,
    `refunds ${snapshot.refunds}`,
    `dead letters ${snapshot.deadLetters}`,
    `lag ${lag(snapshot.lagRecords)}`,
    ...(snapshot.trouble === undefined ? [] : [`! ${snapshot.trouble}`]),
  ];
  return parts.join(' · ');
}

export interface LiveView extends Disposable {
  /** Prints a line that stays, above the screen. */
  say(line: string): void;
  /** Draws once more and lets go of the terminal. */
  [Symbol.dispose](): void;
}

export interface LiveViewOptions {
  readonly snapshot: () => LiveSnapshot;
  /** Default: standard error, so that standard output carries only results. */
  readonly stream?: NodeJS.WriteStream;
  /** Default 500 on a terminal, 5,000 elsewhere. */
  readonly everyMs?: number;
}

export function showLiveView(options: LiveViewOptions): LiveView {
  const { snapshot, stream = process.stderr } = options;
  const isTerminal = stream.isTTY === true;
  const update = isTerminal ? createLogUpdate(stream, { showCursor: true }) : undefined;
  const meter = new RateMeter();

  function draw(): void {
    const now = snapshot();
    const recordsPerSecond = meter.rate(now);
    if (update === undefined) stream.write(`${renderLiveLine(now, recordsPerSecond)}\n`);
    else update(renderLiveView(now, recordsPerSecond, stream.columns));
  }

  const timer = setInterval(draw, options.everyMs ?? (isTerminal ? 500 : 5_000));
  timer.unref(); // somebody who watches keeps nothing alive
  draw();
  return {
    say(line) {
      update?.clear();
      stream.write(`${line}\n`);
      if (update !== undefined) draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      draw();
      update?.done();
    },
  };
}

/** Records per second over the last few seconds: steady enough to be read, quick enough to be true. */
export class RateMeter {
  readonly #points: { readonly atMs: number; readonly records: number }[] = [];

  rate({ elapsedMs, recordsIn }: Pick<LiveSnapshot, 'elapsedMs' | 'recordsIn'>): number | undefined {
    this.#points.push({ atMs: elapsedMs, records: recordsIn });
    while (this.#points.length > 2 && elapsedMs - this.#points[1]!.atMs >= WINDOW_MS) this.#points.shift();
    const { atMs, records } = this.#points[0]!;
    // A stream that was started again counts from zero.
    if (recordsIn < records) this.#points.splice(0, this.#points.length - 1);
    return elapsedMs === atMs || recordsIn < records ? undefined : ((recordsIn - records) * 1_000) / (elapsedMs - atMs);
  }
}

const ORDER_STATUSES: readonly OrderStatus[] = ['RESERVED', ...TERMINAL_STATUSES];
const WINDOW_MS = 3_000;
const LABEL_COLUMNS = 14;

function row(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_COLUMNS)}${text}`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function rate(recordsPerSecond: number | undefined): string {
  return recordsPerSecond === undefined ? '… records/s' : `${count(Math.round(recordsPerSecond))} records/s`;
}

function lag(records: number | undefined): string {
  return records === undefined ? 'unknown' : count(records);
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
