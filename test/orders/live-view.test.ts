import { describe, expect, it } from 'vitest';
import { type LiveSnapshot, RateMeter, renderLiveLine, renderLiveView, showLiveView } from '../../src/orders/live-view.ts';

const SNAPSHOT: LiveSnapshot = {
  elapsedMs: 3_725_000,
  state: 'running',
  generator: { orders: 1_234, ordersPlanned: 2_000 },
  recordsIn: 5_000,
  joined: 1_100,
  duplicates: 12,
  escalationsInFlight: 37,
  orders: { RESERVED: 30, CONFIRMED: 1_000, TIMED_OUT: 5 },
  refunds: 9,
  deadLetters: 3,
  lagRecords: 0,
  lookFurther: { 'Temporal UI': 'http://127.0.0.1:8233', group: 'orders-app', 'log files': '.millrace/logs' },
};

describe('the live view', () => {
  it('shows how the system does, and where to look further', () => {
    expect(renderLiveView(SNAPSHOT, 104.6)).toBe(
      [
        'Millrace · orders · running · 01:02:05',
        '',
        '  placed        1,234 of 2,000 orders',
        '  stream        105 records/s in, 1,100 joined, 12 repeated, lag 0',
        '  escalations   37 in flight',
        '  orders        RESERVED 30  CONFIRMED 1,000  TIMED_OUT 5  REJECTED 0  CANCELLED 0',
        '  refunds       9',
        '  dead letters  3',
        '',
        '  Temporal UI   http://127.0.0.1:8233',
        '  group         orders-app',
        '  log files     .millrace/logs',
      ].join('\n'),
    );
  });

  it('shows trouble, what is not known yet, and no end of orders', () => {
    const { lagRecords: _, ...rest } = SNAPSHOT;
    const view = renderLiveView({ ...rest, lagRecords: undefined, generator: { orders: 7, ordersPlanned: Infinity }, trouble: 'Kafka is away' }, undefined);
    expect(view).toContain('! Kafka is away');
    expect(view).toContain('… records/s in');
    expect(view).toContain('lag unknown');
    expect(view).toContain('  placed        7\n');
  });

  it('cuts lines that do not fit', () => {
    expect(renderLiveView(SNAPSHOT, 1, 20).split('\n').every((line) => line.length <= 20)).toBe(true);
  });

  it('is one line where there is no terminal', () => {
    expect(renderLiveLine(SNAPSHOT, 105)).toBe(
      '01:02:05 · running · placed 1234 · 105 records/s in · joined 1100 · in flight 37 · reserved 30, confirmed 1000, timed_out 5, rejected 0, cancelled 0 · refunds 9 · dead letters 3 · lag 0',
    );
  });

  it('writes plain lines to a pipe, at once, every so often, and at the end', async () => {
    const written: string[] = [];
    const stream = { isTTY: false, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream;
    const view = showLiveView({ snapshot: () => SNAPSHOT, stream, everyMs: 20 });
    view.say('Topics are there.');
    await new Promise((resolve) => setTimeout(resolve, 50));
    view[Symbol.dispose]();
    const count = written.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(written).toHaveLength(count);
    expect(count).toBeGreaterThanOrEqual(4);
    expect(written[1]).toBe('Topics are there.\n');
    expect(written.join('')).not.toContain('\u001b');
  });
});

describe('the rate', () => {
  it('covers the last few seconds', () => {
    const meter = new RateMeter();
    expect(meter.rate({ elapsedMs: 0, recordsIn: 0 })).toBeUndefined();
    expect(meter.rate({ elapsedMs: 1_000, recordsIn: 100 })).toBe(100);
    for (let second = 2; second <= 20; second++) meter.rate({ elapsedMs: 1_000 * second, recordsIn: 100 });
    expect(meter.rate({ elapsedMs: 21_000, recordsIn: 400 })).toBeCloseTo(100, 0);
  });

  it('begins anew when the count does', () => {
    const meter = new RateMeter();
    meter.rate({ elapsedMs: 0, recordsIn: 1_000 });
    expect(meter.rate({ elapsedMs: 1_000, recordsIn: 10 })).toBeUndefined();
    expect(meter.rate({ elapsedMs: 2_000, recordsIn: 60 })).toBe(50);
  });
});
