// What the types infer, and what they refuse. The compiler is the test: `npx tsc -p .` fails where an expected error does not come.

import { describe, expectTypeOf, test } from 'vitest';
import { Serdes, Stores, StreamsBuilder, tumbling, untilTimeLimit, type KStream, type KTable, type Processor, type Windowed } from 'millrace';

interface Order {
  readonly id: string;
  readonly cents: number;
}

const text = { key: Serdes.string(), value: Serdes.string() };
const json = { key: Serdes.string(), value: Serdes.json<Order>() };
const window = { beforeMs: 1, afterMs: 1, graceMs: 0 };

/** Only ever compiled. */
function never(_use: () => void): void {}

const builder = new StreamsBuilder();
const lines = builder.stream('lines', text);
const orders = builder.stream('orders', json);
const named = lines.selectKey((value) => value ?? '').mapValues((value) => value ?? '');
const byLong = builder.stream('numbers', { key: Serdes.long(), value: Serdes.string() });
const rows = builder.table('rows', { name: 'rows', ...text });

describe('types infer along the chain', () => {
  test('keys and values of a source may be null; a filter narrows, with or without being told', () => {
    expectTypeOf(lines).toEqualTypeOf<KStream<string | null, string | null>>();
    expectTypeOf(lines.filter((value) => value !== null)).toEqualTypeOf<KStream<string | null, string>>();
    expectTypeOf(lines.filter((value): value is 'a' => value === 'a')).toEqualTypeOf<KStream<string | null, 'a'>>();
    expectTypeOf(lines.filter((_value, key) => key === 'k')).toEqualTypeOf<KStream<string | null, string | null>>();
    expectTypeOf(lines.filterNot((value) => value === null)).toEqualTypeOf<KStream<string | null, string | null>>();
  });

  test('operators give what their functions give', () => {
    expectTypeOf(named).toEqualTypeOf<KStream<string, string>>();
    expectTypeOf(orders.map((order, key) => [order?.cents ?? 0, key] as const)).toEqualTypeOf<KStream<number, string | null>>();
    expectTypeOf(orders.flatMap((order) => (order === null ? [] : [[order.cents, order.id] as const]))).toEqualTypeOf<KStream<number, string>>();
    expectTypeOf(lines.flatMapValues((line) => line?.split(' ') ?? [])).toEqualTypeOf<KStream<string | null, string>>();
    expectTypeOf(lines.merge(orders)).toEqualTypeOf<KStream<string | null, string | Order | null>>();
    expectTypeOf(named.merge(orders)).toEqualTypeOf<KStream<string | null, string | Order | null>>();
    expectTypeOf(lines.repartition({ name: 'again', ...text })).toEqualTypeOf<KStream<string | null, string | null>>();
    expectTypeOf(lines.peek(() => {})).toEqualTypeOf<KStream<string | null, string | null>>();
    expectTypeOf(orders.dedupe({ name: 'seen', id: (order) => order?.id ?? '', retentionMs: 1, serde: Serdes.string() })).toEqualTypeOf<KStream<string | null, Order | null>>();
  });

  test('a split has its branches by name, narrowed where a predicate narrows', () => {
    const streams = lines.split({ empty: (value) => value === null, long: (value, key) => value?.length === key?.length }, { default: 'rest' });
    expectTypeOf(streams.empty).toEqualTypeOf<KStream<string | null, null>>();
    expectTypeOf(streams.long).toEqualTypeOf<KStream<string | null, string | null>>();
    expectTypeOf(streams.rest).toEqualTypeOf<KStream<string | null, string | null>>();
    // @ts-expect-error no branch of that name
    never(() => streams.short);
    // @ts-expect-error without a default there is no rest
    never(() => lines.split({ empty: (value) => value === null }).rest);
  });

  test('groups and tables have neither null keys nor null rows', () => {
    const group = orders.groupByKey({ name: 'by', ...json });
    expectTypeOf(group.count({ name: 'counts' })).toEqualTypeOf<KTable<string, number>>();
    expectTypeOf(group.aggregate({ name: 'sum', initial: () => 0, add: (order, sum) => sum + order.cents, value: Serdes.long() })).toEqualTypeOf<KTable<string, number>>();
    expectTypeOf(group.windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).count({ name: 'per-window' })).toEqualTypeOf<KTable<Windowed<string>, number>>();
    expectTypeOf(orders.groupBy((order) => order?.cents ?? null, { name: 'by', key: Serdes.long(), value: json.value }).count({ name: 'counts' })).toEqualTypeOf<KTable<number, number>>();
    expectTypeOf(orders.toTable({ name: 'orders', ...json })).toEqualTypeOf<KTable<string, Order>>();
    expectTypeOf(rows.filter((value) => value === 'a')).toEqualTypeOf<KTable<string, 'a'>>();
    expectTypeOf(rows.filter((_value, key) => key === 'k')).toEqualTypeOf<KTable<string, string>>();
    expectTypeOf(rows.toStream()).toEqualTypeOf<KStream<string, string | null>>();
    expectTypeOf(rows.toStream((value) => value?.length ?? 0)).toEqualTypeOf<KStream<number, string | null>>();
  });

  test('a serde of a wider type will do for what is written', () => {
    const kinds = lines.selectKey((value): 'a' | 'b' => (value === null ? 'a' : 'b'));
    expectTypeOf(kinds.groupByKey({ name: 'by', ...text }).count({ name: 'counts' })).toEqualTypeOf<KTable<'a' | 'b', number>>();
    never(() => kinds.to('out', text));
    never(() => lines.groupBy((value) => (value === null ? 'a' : 'b'), { name: 'by', ...text }));
    // @ts-expect-error but not one of a narrower type
    never(() => lines.to('out', { key: Serdes.string() as never as typeof kindSerde, value: Serdes.string() }));
  });

  test('so what a filter has narrowed goes on with the serdes of the whole, also into joins, stores and tables', () => {
    const shape = Serdes.json<Shape>();
    const shapes = builder.stream('shapes', { key: Serdes.string(), value: shape });
    const circles = shapes.filter((own) => own !== null && own.kind === 'circle');
    const byName = builder.table('by-name', { name: 'by-name', key: Serdes.string(), value: shape });
    const kinds = byName.mapValues((own) => own.kind);
    const whole = { key: Serdes.string(), value: shape };
    never(() => {
      expectTypeOf(circles.toTable({ name: 't', ...whole })).toEqualTypeOf<KTable<string, Circle>>();
      expectTypeOf(circles.join(shapes, (circle) => circle.radius, { name: 'j', window, ...whole, otherValue: shape })).toEqualTypeOf<KStream<string, number>>();
      expectTypeOf(circles.join(byName, (circle) => circle.radius, { name: 'j', ...whole })).toEqualTypeOf<KStream<string, number>>();
      expectTypeOf(circles.groupByKey({ name: 'g', ...whole }).reduce((_circle, next) => next, { name: 'r' })).toEqualTypeOf<KTable<string, Circle>>();
      expectTypeOf(kinds.groupBy((kind, key) => [kind, key], { name: 'g', ...text }).count({ name: 'c' })).toEqualTypeOf<KTable<Shape['kind'], number>>();
      expectTypeOf(kinds.filter((kind) => kind === 'circle', { name: 'f', ...text })).toEqualTypeOf<KTable<string, 'circle'>>();
      expectTypeOf(byName.join(kinds, (_own, kind) => kind, { name: 'j', ...text })).toEqualTypeOf<KTable<string, Shape['kind']>>();
      kinds.suppress(untilTimeLimit({ limitMs: 1 }), { name: 's', ...text });
      kinds.foreignKeyJoin(rows, (kind) => kind, (kind) => kind, { name: 'fk', ...text, foreignKey: text.key, otherValue: text.value, result: text.value });
      shapes.groupByKey({ name: 'g', ...whole }).aggregate({ name: 'a', initial: (): 'none' | 'some' => 'none', add: () => 'some', value: text.value });
    });
  });

  test('processors infer from what they forward', () => {
    const lengths = (): Processor<string | null, string | null, string, number> => ({ process: () => {} });
    expectTypeOf(lines.process(lengths, { name: 'lengths' })).toEqualTypeOf<KStream<string, number>>();
    const values = (): Processor<string | null, string | null, string | null, number> => ({ process: () => {} });
    expectTypeOf(lines.processValues(values, { name: 'values' })).toEqualTypeOf<KStream<string | null, number>>();
    // @ts-expect-error processValues gives no other keys
    never(() => lines.processValues((): Processor<string | null, string | null, number, number> => ({ process: () => {} }), { name: 'values' }));
    // @ts-expect-error a processor of another input
    never(() => orders.process(lengths, { name: 'lengths' }));
  });

  test('a store is what its spec says, and a table\'s rows what the table says', () => {
    const counts = Stores.keyValue({ name: 'counts', key: Serdes.string(), value: Serdes.long() });
    const plain = Stores.window({ name: 'plain', ...text, retentionMs: 1 });
    never(() =>
      lines.process(
        (): Processor<string | null, string | null, string, string> => ({
          init(context) {
            expectTypeOf(context.store(counts).get('a')).toEqualTypeOf<number | undefined>();
            expectTypeOf(context.table(rows).get('a')).toEqualTypeOf<{ readonly timestamp: number; readonly value: string } | undefined>();
            // @ts-expect-error a key of another type
            context.store(counts).get(1);
            // @ts-expect-error a window store has no such thing
            context.store(plain).entry('a');
            // @ts-expect-error a table's key of another type
            context.table(rows).get(1);
            // @ts-expect-error tables are read only
            context.table(rows).put('a', 'b');
            // @ts-expect-error another value than it said
            context.forward({ key: 'a', value: 1, timestamp: 0, headers: [] });
            // @ts-expect-error a record without a timestamp
            context.forward({ key: 'a', value: 'b', headers: [] });
            // @ts-expect-error no such clock
            context.schedule({ intervalMs: 1, type: 'event-time' }, () => {});
          },
          process: () => {},
        }),
        { name: 'p', stores: [counts, plain], tables: [rows] },
      ),
    );
  });
});

interface Circle {
  readonly kind: 'circle';
  readonly radius: number;
}
type Shape = Circle | { readonly kind: 'square'; readonly side: number };

declare const kindSerde: ReturnType<typeof Serdes.json<'a' | 'b'>>;

describe('what could not run, or would lose its state, does not compile', () => {
  test('without a name, where state or a topic is born', () => {
    never(() => {
      // @ts-expect-error
      lines.repartition(text);
      // @ts-expect-error
      lines.groupByKey(text);
      // @ts-expect-error
      lines.groupBy((value) => value, text);
      // @ts-expect-error
      lines.toTable(text);
      // @ts-expect-error
      builder.table('in', text);
      // @ts-expect-error
      lines.groupByKey({ name: 'by', ...text }).count({});
      // @ts-expect-error
      lines.groupByKey({ name: 'by', ...text }).count();
      // @ts-expect-error
      lines.groupByKey({ name: 'by', ...text }).reduce((a, b) => a + b, {});
      // @ts-expect-error
      lines.groupByKey({ name: 'by', ...text }).aggregate({ initial: () => 0, add: () => 1, value: Serdes.long() });
      // @ts-expect-error
      named.join(named, (l, r) => l + r, { window, ...text, otherValue: text.value });
      // @ts-expect-error
      lines.dedupe({ id: String, retentionMs: 1, serde: Serdes.string() });
      // @ts-expect-error
      lines.process(() => ({ process: () => {} }), {});
      // @ts-expect-error
      lines.processValues(() => ({ process: () => {} }));
      // @ts-expect-error
      Stores.keyValue(text);
    });
  });

  test('without a serde, or with a wrong one, where bytes are written or read', () => {
    never(() => {
      // @ts-expect-error
      builder.stream('in', { key: Serdes.string() });
      // @ts-expect-error
      builder.stream('in');
      // @ts-expect-error
      lines.to('out');
      // @ts-expect-error
      lines.to('out', { value: Serdes.string() });
      // @ts-expect-error
      lines.to('out', { key: Serdes.long(), value: Serdes.string() });
      // @ts-expect-error
      orders.to('out', text);
      // @ts-expect-error
      lines.repartition({ name: 'again', key: Serdes.string() });
      // @ts-expect-error
      lines.groupBy((value) => value?.length ?? 0, { name: 'by', ...text });
      // @ts-expect-error
      orders.toTable({ name: 'rows', ...text });
      // @ts-expect-error
      orders.groupByKey({ name: 'by', ...json }).aggregate({ name: 'sum', initial: () => 0, add: (order, sum) => sum + order.cents });
      // @ts-expect-error
      orders.groupByKey({ name: 'by', ...json }).aggregate({ name: 'sum', initial: () => 0, add: (order, sum) => sum + order.cents, value: Serdes.string() });
      // @ts-expect-error
      Stores.keyValue({ name: 'store', key: Serdes.string() });
    });
  });

  test('streams and tables with keys of different types together', () => {
    never(() => {
      // @ts-expect-error
      lines.merge(byLong);
      // @ts-expect-error
      named.join(byLong, (l, r) => l + r, { name: 'pair', window, ...text, otherValue: text.value });
      // @ts-expect-error
      named.leftJoin(byLong, (l, r) => l + (r ?? ''), { name: 'pair', window, ...text, otherValue: text.value });
      // @ts-expect-error
      byLong.join(rows, (l, r) => l + r, { name: 'pair', key: Serdes.long(), value: text.value });
      // @ts-expect-error
      rows.join(builder.table('other', { name: 'other', key: Serdes.long(), value: Serdes.string() }), (l, r) => l + r);
      // @ts-expect-error
      const wrong: KStream<string, string | null> = byLong;
      // @ts-expect-error nor is a key that may be null taken for one that may not
      const notNull: KStream<string, string | null> = lines;
      return [wrong, notNull];
    });
  });

  test('functions of another shape', () => {
    never(() => {
      // @ts-expect-error the value may be null
      lines.mapValues((value) => value.length);
      // @ts-expect-error the key may be null
      lines.filter((_value, key) => key.length > 0);
      // @ts-expect-error no pair
      lines.map((value) => value);
      // @ts-expect-error no list of pairs
      lines.flatMap((value) => [value]);
      // @ts-expect-error no list
      lines.flatMapValues((value) => value?.length);
      // @ts-expect-error no topic
      lines.to((value) => value, text);
      // @ts-expect-error no partition
      lines.to('out', { ...text, partitioner: (key) => key });
      // @ts-expect-error a window without grace
      tumbling({ sizeMs: 1 });
      // @ts-expect-error a default that is no name
      lines.split({ all: () => true }, { default: 1 });
    });
  });
});
