// The code of docs/processors.md, run.

import { expect, test } from 'vitest';
import {
  InvalidRecordError,
  Serdes,
  Stores,
  StreamsBuilder,
  type KeyValueStore,
  type KTable,
  type Processor,
  type ProcessorContext,
  type Schedule,
  type StreamRecord,
  type TableReader,
  type TimerStore,
} from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

const lastReading = Stores.keyValue({ name: 'last-reading', key: Serdes.string(), value: Serdes.long() });

/** Says by how much each reading differs from the one before it. */
class Difference implements Processor<string, number, string, number> {
  #context!: ProcessorContext<string, number>;
  #last!: KeyValueStore<string, number>;

  init(context: ProcessorContext<string, number>): void {
    this.#context = context;
    this.#last = context.store(lastReading);
  }

  process(record: StreamRecord<string, number>): void {
    const before = this.#last.get(record.key) ?? record.value;
    this.#last.put(record.key, record.value);
    this.#context.forward({ ...record, value: record.value - before });
  }
}

test('a processor with a store', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('readings', long)
    .filter((value) => value !== null)
    .processValues(() => new Difference(), { name: 'difference', stores: [lastReading] })
    .to('differences', long);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('readings', long);
  await input.pipeInput('meter', 100);
  await driver.crash({ wipeState: true });
  await input.pipeInput('meter', 130);
  expect(driver.createOutputTopic('differences', long).readValues()).toEqual([0, 30]);
  expect(driver.store(lastReading).get('meter')).toBe(130);
});

const reminders = Stores.timers({ name: 'reminders' });

/** `start` begins a wait of one hour, `stop` ends it; what is still waiting then is told of. */
class Reminder implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;
  #reminders!: TimerStore;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#reminders = context.store(reminders);
    context.schedule({ type: 'wall-clock', intervalMs: 1_000 }, (nowMs) => this.#remind(nowMs));
  }

  process({ key, value }: StreamRecord<string, string>): void {
    if (value === 'start') this.#reminders.schedule(key, this.#context.wallClockTime() + 3_600_000);
    else this.#reminders.cancel(key);
  }

  #remind(nowMs: number): void {
    for (const { key } of this.#reminders.due(nowMs, 1_000)) {
      this.#reminders.cancel(key);
      this.#context.forward({ key, value: 'still waiting', timestamp: nowMs, headers: [] });
    }
  }
}

test('a punctuator on the wall clock, with timers that survive a crash', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('jobs', text)
    .filter((value) => value !== null)
    .process(() => new Reminder(), { name: 'reminder', stores: [reminders] })
    .to('reminded', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('jobs', text);
  await input.pipeInput('j-1', 'start');
  await input.pipeInput('j-2', 'start');
  await driver.advanceWallClockTime(1_800_000);
  await input.pipeInput('j-1', 'stop');
  await driver.crash();
  await driver.advanceWallClockTime(1_800_000);
  const output = driver.createOutputTopic('reminded', text);
  expect(output.readRecords().map(({ key, value, timestamp }) => [key, value, timestamp])).toEqual([['j-2', 'still waiting', 3_600_000]]);
});

/** Passes everything on, and says every minute of stream time how much that was. */
class Progress implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;
  #schedule!: Schedule;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#schedule = context.schedule({ type: 'stream-time', intervalMs: 60_000 }, (nowMs) => this.#context.count('minutes', Math.trunc(nowMs / 60_000)));
  }

  process(record: StreamRecord<string, string>): void {
    if (record.value === 'quiet') this.#schedule.cancel();
    this.#context.forward(record);
  }
}

test('a punctuator on stream time', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', text)
    .filter((value) => value !== null)
    .processValues(() => new Progress(), { name: 'progress' })
    .to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('in', text);
  for (const time of [59_999, 60_000, 60_001, 119_000, 200_000]) await input.pipeInput('k', 'v', time);
  expect(driver.metrics()['progress.minutes']).toBe(0 + 1 + 3);
  await input.pipeInput('k', 'quiet', 239_999);
  await input.pipeInput('k', 'v', 900_000);
  expect(driver.metrics()['progress.minutes']).toBe(4);
});

test('headers are read, added and left out', async () => {
  class Trace implements Processor<string | null, string | null, string | null, string | null> {
    #context!: ProcessorContext<string | null, string | null>;

    init(context: ProcessorContext<string | null, string | null>): void {
      this.#context = context;
    }

    process(record: StreamRecord<string | null, string | null>): void {
      const { topic, partition, offset } = this.#context.source()!;
      const kept = record.headers.filter(([name]) => name !== 'password');
      this.#context.forward({ ...record, headers: [...kept, ['read-at', Buffer.from(`${topic}-${partition}@${offset}`)]] });
    }
  }

  const builder = new StreamsBuilder();
  builder.stream('in', text).processValues(() => new Trace(), { name: 'trace' }).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('in', text).pipeInput('k', 'v', 0, [['id', Buffer.from('7')], ['password', null]]);
  const [record] = driver.createOutputTopic('out', text).readRecords();
  expect(record!.headers.map(([name, value]) => `${name}=${value}`)).toEqual(['id=7', 'read-at=in-0@0']);
});

/** Reads the rows of a table that the DSL has made. */
class WithRow implements Processor<string, string, string, string> {
  readonly #table: KTable<string, string>;
  #context!: ProcessorContext<string, string>;
  #rows!: TableReader<string, string>;

  constructor(table: KTable<string, string>) {
    this.#table = table;
  }

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#rows = context.table(this.#table);
  }

  process(record: StreamRecord<string, string>): void {
    const row = this.#rows.get(record.key);
    if (row === undefined) throw new InvalidRecordError(`nobody knows ${record.key}`);
    this.#context.forward({ ...record, value: `${record.value} for ${row.value}` });
  }
}

test('the rows of a table, and a record that makes no sense', async () => {
  const builder = new StreamsBuilder();
  const names = builder.table('names', { name: 'names', ...text });
  builder
    .stream('parcels', text)
    .filter((parcel) => parcel !== null)
    .processValues(() => new WithRow(names), { name: 'with-row', tables: [names] })
    .to('labels', text);

  await using driver = await TopologyTestDriver.start(builder.build(), { deadLetterTopic: 'dead-letters' });
  await driver.createInputTopic('names', text).pipeInput('a', 'Ann');
  const input = driver.createInputTopic('parcels', text);
  await input.pipeInput('a', 'tea');
  await input.pipeInput('b', 'cups');
  expect(driver.createOutputTopic('labels', text).readValues()).toEqual(['tea for Ann']);
  const [letter] = driver.createOutputTopic('dead-letters', text).readRecords();
  expect(letter).toMatchObject({ key: 'b', value: 'cups' });
  expect(Object.fromEntries(letter!.headers.map(([name, value]) => [name, String(value)]))).toMatchObject({ '__streams.errors.message': 'nobody knows b' });
});

test('a record to the topic of its customer', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('parcels', text)
    .to((_parcel, key, { headers }) => (headers.some(([name]) => name === 'urgent') ? 'urgent-parcels' : `parcels-${key ?? 'unknown'}`), text);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('parcels', text);
  await input.pipeInput('north', 'tea');
  await input.pipeInput('north', 'ice', 0, [['urgent', null]]);
  expect(driver.createOutputTopic('parcels-north', text).readValues()).toEqual(['tea']);
  expect(driver.createOutputTopic('urgent-parcels', text).readValues()).toEqual(['ice']);
});
