// Windows as they are written down: what is refused, when it is built or already by the compiler, and the bytes of windowed keys.

import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  hopping,
  InvalidWindowError,
  partitionFor,
  Serdes,
  session,
  sliding,
  StreamsBuilder,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  WindowedSerdes,
  type KTable,
  type Processor,
  type ProcessorContext,
  type Windowed,
} from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

function group() {
  return new StreamsBuilder().stream('in', text).groupByKey({ name: 'by-key', ...text });
}

describe('a length of time that makes no window is refused', () => {
  test.each([
    ['tumbling', () => tumbling({ sizeMs: 0, graceMs: 0 }), 'sizeMs is 0'],
    ['tumbling', () => tumbling({ sizeMs: 10, graceMs: -1 }), 'graceMs is -1'],
    ['tumbling', () => tumbling({ sizeMs: 1.5, graceMs: Number.NaN }), 'sizeMs is 1.5, and must be at least 1; graceMs is NaN'],
    ['hopping', () => hopping({ sizeMs: 10, advanceMs: 0, graceMs: 0 }), 'advanceMs is 0'],
    ['hopping', () => hopping({ sizeMs: 10, advanceMs: 11, graceMs: 0 }), 'advanceMs 11 is more than sizeMs 10'],
    ['sliding', () => sliding({ differenceMs: 0, graceMs: 0 }), 'differenceMs is 0'],
    ['sliding', () => sliding({ differenceMs: Number.POSITIVE_INFINITY, graceMs: 0 }), 'differenceMs is Infinity'],
    ['session', () => session({ gapMs: -1, graceMs: 0 }), 'gapMs is -1'],
    ['suppress', () => untilTimeLimit({ limitMs: -1 }), 'limitMs is -1'],
    ['suppress', () => untilTimeLimit({ limitMs: 1, maxRecords: 0.5, whenFull: 'fail' }), 'maxRecords is 0.5'],
    ['suppress', () => untilWindowCloses({ maxRecords: -1, whenFull: 'fail' }), 'maxRecords is -1'],
  ])('%s', (what, make, why) => {
    expect(make).toThrow(InvalidWindowError);
    expect(make).toThrow(why);
    expect(make).toThrow(what);
  });

  test('a session may have no gap, and no window needs grace', () => {
    expect(session({ gapMs: 0, graceMs: 0 })).toEqual({ kind: 'session', gapMs: 0, graceMs: 0 });
    expect(tumbling({ sizeMs: 1, graceMs: 0 })).toEqual(hopping({ sizeMs: 1, advanceMs: 1, graceMs: 0 }));
  });

  test.each([
    ['tumbling', 14, (retentionMs: number) => group().windowedBy(tumbling({ sizeMs: 10, graceMs: 5 })).count({ name: 'n', retentionMs })],
    ['hopping', 14, (retentionMs: number) => group().windowedBy(hopping({ sizeMs: 10, advanceMs: 2, graceMs: 5 })).count({ name: 'n', retentionMs })],
    ['sliding', 24, (retentionMs: number) => group().windowedBy(sliding({ differenceMs: 10, graceMs: 5 })).count({ name: 'n', retentionMs })],
    ['session', 14, (retentionMs: number) => group().windowedBy(session({ gapMs: 10, graceMs: 5 })).count({ name: 'n', retentionMs })],
  ])('results of %s windows must be kept as long as records may change them', (_kind, tooShortMs, make) => {
    expect(() => make(tooShortMs)).toThrow(InvalidWindowError);
    expect(() => make(tooShortMs)).toThrow(`"n" has retentionMs ${tooShortMs}`);
    expect(() => make(tooShortMs + 1)).not.toThrow();
  });
});

describe('windowed keys', () => {
  const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

  test('are written as Kafka writes them, and read back', () => {
    const time = WindowedSerdes.time(Serdes.string(), { sizeMs: 10 });
    const key = { key: 'ab', window: { startMs: 0x0102030405, endMs: 0x0102030405 + 10 } };
    expect(time.serialize('t', key)).toEqual(bytes('61 62 00 00 00 01 02 03 04 05'));
    expect(time.deserialize('t', time.serialize('t', key))).toEqual(key);
    const sessions = WindowedSerdes.session(Serdes.string());
    expect(sessions.serialize('t', { key: 'a', window: { startMs: 1, endMs: 258 } })).toEqual(bytes('61 00 00 00 00 00 00 01 02 00 00 00 00 00 00 00 01'));
    expect(sessions.deserialize('t', bytes('00 00 00 00 00 00 01 02 00 00 00 00 00 00 00 01'))).toEqual({ key: '', window: { startMs: 1, endMs: 258 } });
    expect(() => time.deserialize('t', bytes('61'))).toThrow('a window has 8 bytes');
  });

  test.each([
    ['time', tumbling({ sizeMs: 10, graceMs: 0 }), WindowedSerdes.time(Serdes.string(), { sizeMs: 10 })],
    ['session', session({ gapMs: 0, graceMs: 0 }), WindowedSerdes.session(Serdes.string())],
  ] as const)('go where the key inside goes, as in Kafka Streams, whatever the window; also through a repartition topic, and from a test: %s', async (_kind, windows, key) => {
    const serdes = { key, value: Serdes.long() };
    const places: (readonly [key: string, partition: number])[] = [];
    const placing = (): Processor<any, any, any, any> => {
      let context: ProcessorContext<any, any>;
      return { init: (given) => void (context = given), process: (record) => void places.push([record.key.key, context.source()!.partition]) };
    };
    const builder = new StreamsBuilder();
    builder.stream('in', text).groupByKey({ name: 'by-key', ...text }).windowedBy(windows as never).count({ name: 'n' }).toStream().to('out', serdes);
    const out = builder.stream('out', serdes);
    out.process(placing, { name: 'placing' });
    out.repartition({ name: 'again', ...serdes }).process(placing, { name: 'placing-again' });
    await using driver = await TopologyTestDriver.start(builder.build(), { partitions: 4 });
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const time of [0, 10]) for (const each of keys) await driver.createInputTopic('in', text).pipeInput(each, 'x', time);
    for (const each of keys) await driver.createInputTopic('out', serdes).pipeInput({ key: each, window: { startMs: 77, endMs: 87 } }, 1);
    expect(places).toHaveLength(6 * 3 * 2);
    expect(places.filter(([each, partition]) => partition !== partitionFor(Buffer.from(each), 4))).toEqual([]);
  });
});

/** Only ever compiled. */
function never(_use: () => void): void {}

describe('the compiler', () => {
  test('infers keys and values; records without a value are told apart where they can come', () => {
    const counts = group().windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).count({ name: 'n' });
    expectTypeOf(counts).toEqualTypeOf<KTable<Windowed<string>, number>>();
    never(() => {
      group().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).aggregate({ name: 'a', initial: () => 0, add: (value) => (expectTypeOf(value).toEqualTypeOf<string | null>(), 1), value: Serdes.long() });
      group().windowedBy(sliding({ differenceMs: 1, graceMs: 0 })).aggregate({ name: 'a', initial: () => 0, add: (value) => (expectTypeOf(value).toEqualTypeOf<string>(), 1), value: Serdes.long() });
      group().windowedBy(session({ gapMs: 1, graceMs: 0 })).reduce((one, two) => (expectTypeOf(two).toEqualTypeOf<string>(), one), { name: 'a' });
    });
  });

  test('wants a grace, a name where state is born, and a merger for sessions', () => {
    never(() => {
      // @ts-expect-error no grace
      tumbling({ sizeMs: 1 });
      // @ts-expect-error no grace
      hopping({ sizeMs: 1, advanceMs: 1 });
      // @ts-expect-error no grace
      sliding({ differenceMs: 1 });
      // @ts-expect-error no grace
      session({ gapMs: 1 });
      // @ts-expect-error no name
      group().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).count({});
      // @ts-expect-error no name
      group().windowedBy(session({ gapMs: 1, graceMs: 0 })).reduce((one) => one, { emit: 'on-close' });
      // @ts-expect-error no merger
      group().windowedBy(session({ gapMs: 1, graceMs: 0 })).aggregate({ name: 'a', initial: () => 0, add: () => 1, value: Serdes.long() });
      // @ts-expect-error no serde of the result
      group().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).aggregate({ name: 'a', initial: () => 0, add: () => 1 });
      // @ts-expect-error no such way to emit
      group().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).count({ name: 'n', emit: 'early' });
      // @ts-expect-error several groups emit on update
      group().cogroup<number>(() => 1).windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).aggregate({ name: 'a', initial: () => 0, value: Serdes.long(), emit: 'on-close' });
    });
  });

  test('wants of suppress a name, a serde for what waits, and a rule for a full buffer', () => {
    const counts = group().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).count({ name: 'n' });
    const rows = new StreamsBuilder().table('rows', { name: 'rows', ...text });
    expectTypeOf(counts.suppress(untilWindowCloses(), { name: 'final', value: Serdes.long() })).toEqualTypeOf<KTable<Windowed<string>, number>>();
    never(() => {
      // @ts-expect-error no name
      counts.suppress(untilWindowCloses(), { value: Serdes.long() });
      // @ts-expect-error no serde of values
      counts.suppress(untilWindowCloses(), { name: 's' });
      // @ts-expect-error the serde of other values
      counts.suppress(untilWindowCloses(), { name: 's', value: Serdes.string() });
      // @ts-expect-error no windows
      rows.suppress(untilWindowCloses(), { name: 's', ...text });
      // @ts-expect-error no serde of keys, which only a windowed table knows
      rows.suppress(untilTimeLimit({ limitMs: 1 }), { name: 's', value: Serdes.string() });
      // @ts-expect-error what happens when that many wait?
      untilTimeLimit({ limitMs: 1, maxRecords: 1 });
      // @ts-expect-error an early result would not be the last
      untilWindowCloses({ maxRecords: 1, whenFull: 'emit-early' });
    });
  });
});
