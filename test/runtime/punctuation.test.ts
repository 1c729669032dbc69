import { expect, test } from 'vitest';
import { Punctuation } from '../../src/runtime/punctuation.ts';

const streamTimes = { wallNowMs: 0, streamTimeMs: -1 };

/** How often each look fires. */
function looks(punctuation: Punctuation, times: readonly number[], by: 'dueByStreamTime' | 'dueByWallClock' = 'dueByStreamTime'): number[] {
  return times.map((time) => [...punctuation[by](time)].length);
}

test('stream time: fires at multiples of the interval from 0, the first at once, and several missed ones once', () => {
  const punctuation = new Punctuation();
  punctuation.schedule({ type: 'stream-time', intervalMs: 10 }, () => {}, streamTimes);
  expect(looks(punctuation, [3, 9, 10, 10, 19, 20, 57, 59, 60])).toEqual([1, 0, 1, 0, 0, 1, 1, 0, 1]);
});

test('stream time: a restart fires nothing that was fired before it', () => {
  const punctuation = new Punctuation();
  punctuation.schedule({ type: 'stream-time', intervalMs: 10 }, () => {}, { wallNowMs: 0, streamTimeMs: 57 });
  expect(looks(punctuation, [57, 58, 60, 61])).toEqual([0, 0, 1, 0]);
});

test('wall clock: fires at start + n × interval, once per look', () => {
  const punctuation = new Punctuation();
  punctuation.schedule({ type: 'wall-clock', intervalMs: 10 }, () => {}, { wallNowMs: 1_003, streamTimeMs: -1 });
  expect(looks(punctuation, [1_003, 1_012, 1_013, 1_014, 1_045, 1_052, 1_053], 'dueByWallClock')).toEqual([0, 0, 1, 0, 1, 0, 1]);
});

test('several that are due fire in the order of their due times; the two clocks are apart', () => {
  const punctuation = new Punctuation();
  const fired: string[] = [];
  punctuation.schedule({ type: 'wall-clock', intervalMs: 30 }, () => fired.push('30'), streamTimes);
  punctuation.schedule({ type: 'wall-clock', intervalMs: 20 }, () => fired.push('20'), streamTimes);
  punctuation.schedule({ type: 'stream-time', intervalMs: 1 }, () => fired.push('stream'), streamTimes);
  for (const punctuator of punctuation.dueByWallClock(35)) punctuator(35);
  expect(fired).toEqual(['20', '30']);
});

test.each([0, -1, 1.5, Number.NaN])('an interval of %s is refused', (intervalMs) => {
  expect(() => new Punctuation().schedule({ type: 'stream-time', intervalMs }, () => {}, streamTimes)).toThrow(/intervalMs.*at least 1/);
});
