// A stream joined with a global table: rows by a key of one's own making, visible to every record that comes after them.

import { describe, expect, test } from 'vitest';
import { Serdes, StreamsBuilder, TopologyError, type GlobalKTable, type Processor } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const string = Serdes.string();
const text = { key: string, value: string };

function countries(builder: StreamsBuilder): GlobalKTable<string, string> {
  return builder.globalTable('countries', { name: 'countries', ...text });
}

describe('a stream joined with a global table', () => {
  /** The value is "<country>:<rest>"; without a colon there is no country. */
  function topologyOf(isLeft: boolean) {
    const builder = new StreamsBuilder();
    const table = countries(builder);
    const stream = builder.stream('in', text);
    const countryOf = (value: string): string | null => (value.includes(':') ? value.slice(0, value.indexOf(':')) : null);
    const joined = isLeft
      ? stream.leftJoin(table, countryOf, (value, country, key) => `${key}:${value}|${country}`)
      : stream.join(table, countryOf, (value, country, key) => `${key}:${value}|${country}`);
    joined.to('out', text);
    return builder.build();
  }

  test.each([
    [false, ['k:de:1|Germany', 'null:de:3|Germany']],
    [true, ['k:de:1|Germany', 'k:fr:2|null', 'null:de:3|Germany', 'k:none|null']],
  ])('left %s', async (isLeft, expected) => {
    const topology = topologyOf(isLeft);
    expect(topology.internalTopics()).toEqual([]);
    await using driver = await TopologyTestDriver.start(topology, { partitions: { in: 3, countries: 2 } });
    const input = driver.createInputTopic('in', text);
    await driver.createInputTopic('countries', text).pipeInput('de', 'Germany', 1_000);
    for (const [key, value] of [['k', 'de:1'], ['k', 'fr:2'], [null, 'de:3'], ['k', 'none'], ['k', null]] as const) await input.pipeInput(key, value, 5);
    expect(driver.createOutputTopic('out', text).readValues().sort()).toEqual([...expected].sort());
  });

  test('a row is gone after a null, and the last to arrive wins, whatever its time', async () => {
    await using driver = await TopologyTestDriver.start(topologyOf(true));
    const [input, rows, out] = [driver.createInputTopic('in', text), driver.createInputTopic('countries', text), driver.createOutputTopic('out', text)];
    await rows.pipeInput('de', 'Germany', 50);
    await rows.pipeInput('de', 'Deutschland', 10);
    await input.pipeInput('k', 'de:', 0);
    await rows.pipeInput('de', null, 0);
    await rows.pipeInput(null, 'nobody', 0);
    await input.pipeInput('k', 'de:', 0);
    expect(out.readValues()).toEqual(['k:de:|Deutschland', 'k:de:|null']);
  });
});

test('what a sink writes to the topic of a global table is there for the next record', async () => {
  const builder = new StreamsBuilder();
  const seen = builder.globalTable('seen', { name: 'seen', ...text });
  const input = builder.stream('in', text);
  input.leftJoin(seen, (_value, key) => key, (value, before) => `${before ?? ''}${value}`).to('seen', text);
  input.leftJoin(seen, (_value, key) => key, (value, before) => `${value} after ${before}`).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), { recordsPerRound: 1, commitIntervalMs: 0 });
  await driver.createInputTopic('in', text).pipeInputs(['a', 'b', 'c'].map((value) => ({ key: 'k', value })));
  expect(driver.createOutputTopic('out', text).readValues()).toEqual(['a after null', 'b after a', 'c after ab']);
});

describe('the store of a global table', () => {
  function lookup(write: boolean) {
    const builder = new StreamsBuilder();
    const table = countries(builder);
    const supplier = (): Processor<string | null, string | null, string | null, string> => {
      let find: (key: string) => string;
      return {
        init(context) {
          const store = context.store(table.store);
          const rows = context.table(table);
          find = (key) => {
            if (write) store.put(key, 'mine');
            return `${store.get(key)}, ${rows.get(key)?.timestamp}`;
          };
          this.process = (record) => context.forward({ ...record, value: find(record.key!) });
        },
        process() {},
      };
    };
    builder.stream('in', text).process(supplier, { name: 'lookup' }).to('out', text);
    return builder.build();
  }

  test('is read by any processor, without being connected', async () => {
    await using driver = await TopologyTestDriver.start(lookup(false));
    await driver.createInputTopic('countries', text).pipeInput('de', 'Germany', 7);
    await driver.createInputTopic('in', text).pipeInput('de', 'x', 0);
    expect(driver.createOutputTopic('out', text).readValues()).toEqual(['Germany, 7']);
  });

  test('cannot be written', async () => {
    await using driver = await TopologyTestDriver.start(lookup(true));
    await expect(driver.createInputTopic('in', text).pipeInput('de', 'x', 0)).rejects.toThrow(/belongs to a global table and can only be read.*Write to that topic instead/);
  });
});

describe('is refused:', () => {
  test.each<[string, (builder: StreamsBuilder) => unknown, RegExp]>([
    ['a topic that is a stream too', (builder) => builder.stream('countries', text), /"countries"/],
    ['a topic that is a table too', (builder) => builder.table('countries', { name: 't', ...text }), /"countries"/],
    ['a topic that is a global table twice', (builder) => builder.globalTable('countries', { name: 'again', ...text }), /"countries"/],
    ['a store of the same name', (builder) => builder.globalTable('others', { name: 'countries', ...text }), /"countries"/],
    [
      'a processor that is connected with the store',
      (builder) => builder.stream('in', text).process(() => ({ process() {} }), { name: 'p', stores: [builder.globalTable('others', { name: 'others', ...text }).store] }),
      /"others"/,
    ],
  ])('%s', (_name, also, problem) => {
    const builder = new StreamsBuilder();
    countries(builder);
    also(builder);
    expect(() => builder.build()).toThrow(TopologyError);
    expect(() => builder.build()).toThrow(problem);
  });
});
