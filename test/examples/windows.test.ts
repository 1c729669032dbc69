// The code of docs/windows.md, run.

import { expect, test } from 'vitest';
import { hopping, Serdes, session, sliding, StreamsBuilder, tumbling, untilTimeLimit, untilWindowCloses, WindowedSerdes, type KTable, type TimestampedValue, type Windowed } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const clicks = { key: Serdes.string(), value: Serdes.string() };
const counts = { key: Serdes.string(), value: Serdes.long() };

const clicksByUser = (builder: StreamsBuilder) => builder.stream('clicks', clicks).groupByKey({ name: 'by-user', ...clicks });

/** What a windowed table says while clicks of one user come at these times, as `[from, to] value`. */
async function changes(table: (builder: StreamsBuilder) => KTable<Windowed<string>, number>, ...times: number[]): Promise<string[][]> {
  const builder = new StreamsBuilder();
  table(builder).toStream((_value, { window }) => `[${window.startMs}, ${window.endMs}]`).to('out', counts);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('clicks', clicks);
  const output = driver.createOutputTopic('out', counts);
  const all: string[][] = [];
  for (const time of times) {
    await input.pipeInput('ann', 'click', time);
    all.push(output.readRecords().map(({ key, value }) => `${key} ${value}`));
  }
  return all;
}

test('a tumbling window: each record falls into one', async () => {
  const builder = new StreamsBuilder();
  const perMinute = builder
    .stream('clicks', clicks)
    .groupByKey({ name: 'by-user', ...clicks })
    .windowedBy(tumbling({ sizeMs: 60_000, graceMs: 10_000 }))
    .count({ name: 'clicks-per-minute' });

  perMinute
    .toStream()
    .map((count, { key, window }) => [key, `${count} clicks since ${window.startMs}`])
    .to('clicks-per-minute', clicks);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('clicks', clicks);
  for (const time of [0, 59_999, 60_000]) await input.pipeInput('ann', 'click', time);
  expect(driver.createOutputTopic('clicks-per-minute', clicks).readValues()).toEqual(['1 clicks since 0', '2 clicks since 0', '1 clicks since 60000']);
});

test('the four kinds, by what three records at 10, 14 and 21 make of them', async () => {
  const inWindows = (windows: ReturnType<typeof tumbling>) => (builder: StreamsBuilder) => clicksByUser(builder).windowedBy(windows).count({ name: 'counts' });
  expect(await changes(inWindows(tumbling({ sizeMs: 10, graceMs: 0 })), 10, 14, 21)).toEqual([['[10, 20] 1'], ['[10, 20] 2'], ['[20, 30] 1']]);
  expect(await changes(inWindows(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })), 10, 14, 21)).toEqual([
    ['[5, 15] 1', '[10, 20] 1'],
    ['[5, 15] 2', '[10, 20] 2'],
    ['[15, 25] 1', '[20, 30] 1'],
  ]);
  const slide = (builder: StreamsBuilder) => clicksByUser(builder).windowedBy(sliding({ differenceMs: 10, graceMs: 0 })).count({ name: 'counts' });
  expect(await changes(slide, 10, 14, 21)).toEqual([['[0, 10] 1'], ['[11, 21] 1', '[4, 14] 2'], ['[11, 21] 2', '[15, 25] 1']]);
  const visit = (builder: StreamsBuilder) => clicksByUser(builder).windowedBy(session({ gapMs: 5, graceMs: 0 })).count({ name: 'counts' });
  expect(await changes(visit, 10, 14, 21)).toEqual([['[10, 10] 1'], ['[10, 10] null', '[10, 14] 2'], ['[21, 21] 1']]);
});

test('sessions grow, and merge', async () => {
  const builder = new StreamsBuilder();
  const visits = builder
    .stream('clicks', clicks)
    .groupByKey({ name: 'by-user', ...clicks })
    .windowedBy(session({ gapMs: 30 * 60_000, graceMs: 15 * 60_000 }))
    .aggregate({
      name: 'visits',
      initial: () => '',
      add: (page, path) => `${path}/${page}`,
      merge: (one, two) => one + two,
      value: Serdes.string(),
    });

  visits.toStream().to('visits', { key: WindowedSerdes.session(Serdes.string()), value: Serdes.string() });
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('clicks', clicks);
  const output = driver.createOutputTopic('visits', { key: WindowedSerdes.session(Serdes.string()), value: Serdes.string() });
  await input.pipeInput('ann', 'a', 0);
  await input.pipeInput('ann', 'c', 40 * 60_000);
  expect(output.readValues()).toEqual(['/a', '/c']);
  await input.pipeInput('ann', 'b', 20 * 60_000);
  expect(output.readRecords().map(({ key, value }) => [key!.window.startMs / 60_000, key!.window.endMs / 60_000, value])).toEqual([
    [0, 0, null],
    [40, 40, null],
    [0, 40, '/a/c/b'],
  ]);
});

test('a record later than the grace period is dropped and counted', async () => {
  const builder = new StreamsBuilder();
  clicksByUser(builder).windowedBy(tumbling({ sizeMs: 60_000, graceMs: 10_000 })).count({ name: 'clicks-per-minute' }).toStream((_count, { key }) => key).to('out', counts);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('clicks', clicks);
  const output = driver.createOutputTopic('out', counts);

  await input.pipeInput('ann', 'click', 59_000);
  await input.pipeInput('bob', 'click', 69_999); // stream time: 69,999
  await input.pipeInput('ann', 'click', 58_000); // late, but not too late
  await input.pipeInput('bob', 'click', 70_000); // 0 to 60,000 is closed now, for everybody
  await input.pipeInput('ann', 'click', 58_000); // dropped
  expect(output.readValues()).toEqual([1, 1, 2, 2]);
  expect(driver.metrics()['clicks-per-minute.late']).toBe(1);
});

test('windowed results are read by key and start', async () => {
  const builder = new StreamsBuilder();
  clicksByUser(builder).windowedBy(tumbling({ sizeMs: 60_000, graceMs: 0 })).count({ name: 'clicks-per-minute', retentionMs: 3_600_000 });
  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('clicks', clicks).pipeInput('ann', 'click', 61_000);
  expect(driver.windowStore<string, TimestampedValue<number>>('clicks-per-minute').get('ann', 60_000)).toEqual({ value: 1, timestamp: 61_000 });
});

test('emit on close: one result for each window', async () => {
  const builder = new StreamsBuilder();
  const finalCounts = clicksByUser(builder)
    .windowedBy(tumbling({ sizeMs: 60_000, graceMs: 10_000 }))
    .count({ name: 'clicks-per-minute', emit: 'on-close' });

  finalCounts.toStream((_count, { key }) => key).to('out', counts);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('clicks', clicks);
  for (const time of [1_000, 2_000, 69_999]) await input.pipeInput('ann', 'click', time);
  const output = driver.createOutputTopic('out', counts);
  expect(output.readValues()).toEqual([]);
  await input.pipeInput('bob', 'click', 70_000);
  expect(output.readRecords().map(({ key, value }) => [key, value])).toEqual([['ann', 2]]);
});

test('suppress until windows close', async () => {
  const builder = new StreamsBuilder();
  const perMinute = clicksByUser(builder).windowedBy(tumbling({ sizeMs: 60_000, graceMs: 10_000 })).count({ name: 'clicks-per-minute' });
  perMinute.toStream((_count, { key }) => key).to('so-far', counts);
  perMinute
    .filter((count) => count >= 2)
    .suppress(untilWindowCloses(), { name: 'busy-minutes', value: Serdes.long() })
    .toStream((_count, { key }) => key)
    .to('busy-minutes', counts);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('clicks', clicks);
  for (const [user, time] of [['ann', 1], ['bob', 2], ['ann', 3], ['bob', 70_000]] as const) await input.pipeInput(user, 'click', time);
  expect(driver.createOutputTopic('so-far', counts).readValues()).toEqual([1, 1, 2, 1]);
  // Only updates that reach suppress move its time: bob's single click has not passed the filter.
  expect(driver.createOutputTopic('busy-minutes', counts).readValues()).toEqual([]);
  await input.pipeInput('bob', 'click', 70_001);
  expect(driver.createOutputTopic('busy-minutes', counts).readRecords().map(({ key, value }) => [key, value])).toEqual([['ann', 2]]);
});

test('suppress for a time', async () => {
  const builder = new StreamsBuilder();
  const perUser = clicksByUser(builder).count({ name: 'clicks-per-user' });
  perUser
    .suppress(untilTimeLimit({ limitMs: 5_000, maxRecords: 10_000, whenFull: 'emit-early' }), { name: 'calmer', ...counts })
    .toStream()
    .to('clicks-per-user', counts);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('clicks', clicks);
  for (const time of [0, 1_000, 4_999, 5_000]) await input.pipeInput('ann', 'click', time);
  expect(driver.createOutputTopic('clicks-per-user', counts).readValues()).toEqual([4]);
});
