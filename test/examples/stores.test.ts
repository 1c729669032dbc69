// The processors that docs/state-stores.md shows, and their tests. What the page shows is an excerpt of this file; test/docs checks that.

import { expect, test } from 'vitest';
import { Serdes, Stores, StreamsBuilder, type OrderedKeyValueStore, type Processor, type ProcessorContext, type StreamRecord, type TimeKey, type VersionedStore } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

const waiting = Stores.keyValue({ name: 'waiting', key: Serdes.timeKey(Serdes.string()), value: Serdes.string(), ordered: true });

/** Holds each record back for ten seconds of stream time; what is due comes out in order of time. */
class Delay implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;
  #waiting!: OrderedKeyValueStore<TimeKey<string>, string>;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#waiting = context.store(waiting);
  }

  process(record: StreamRecord<string, string>): void {
    this.#waiting.put([record.timestamp + 10_000, record.key], record.value);
    for (const { key, value } of this.#waiting.all()) {
      const [dueMs, name] = key;
      if (dueMs > this.#context.streamTime()) break;
      this.#waiting.delete(key);
      this.#context.forward({ ...record, key: name, value, timestamp: dueMs });
    }
  }
}

test('an ordered store by time is a queue of what is due', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', text).process(() => new Delay(), { name: 'delay', stores: [waiting] }).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('in', text);
  const output = driver.createOutputTopic('out', text);
  await input.pipeInput('b', 'second', 2_000);
  await input.pipeInput('a', 'first', 1_000);
  await driver.crash();
  await input.pipeInput('c', 'third', 12_000);
  expect(output.readRecords().map(({ key, value, timestamp }) => [key, value, timestamp])).toEqual([['a', 'first', 11_000], ['b', 'second', 12_000]]);

  const left: string[] = [];
  for await (const { key, value } of driver.store(waiting).scan()) left.push(`${key[1]}: ${value}`);
  expect(left).toEqual(['c: third']);
});

const prices = Stores.versioned({ name: 'prices', key: Serdes.string(), value: Serdes.long(), historyMs: 3_600_000 });

/** `4711 bought` is answered with the price that held when it was bought, however late the record comes; `4711 19` sets the price. */
class PriceThen implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>;
  #prices!: VersionedStore<string, number>;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#prices = context.store(prices);
  }

  process(record: StreamRecord<string, string>): void {
    const { key, value, timestamp } = record;
    if (value === 'bought') {
      const price = this.#prices.get(key, timestamp);
      this.#context.forward({ ...record, value: price === undefined ? 'no price' : `${price.value} since ${price.timestamp}` });
    } else if (this.#prices.put(key, Number(value), timestamp) === 'dropped') {
      this.#context.count('late');
    }
  }
}

test('a versioned store answers as of a time', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', text).process(() => new PriceThen(), { name: 'price-then', stores: [prices] }).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('in', text);
  const output = driver.createOutputTopic('out', text);
  await input.pipeInput('4711', '19', 1_000);
  await input.pipeInput('4711', '25', 5_000);
  await input.pipeInput('4711', 'bought', 4_999);
  await input.pipeInput('4711', 'bought', 999);
  await input.pipeInput('4711', '21', 3_000);
  await input.pipeInput('4711', 'bought', 4_999);
  expect(output.readValues()).toEqual(['19 since 1000', 'no price', '21 since 3000']);
});
