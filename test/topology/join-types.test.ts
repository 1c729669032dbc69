// What the compiler says about joins: it knows which side may be missing, and refuses what cannot fit.

import { expectTypeOf, test } from 'vitest';
import { Serdes, StreamsBuilder, type KStream } from 'millrace';

interface Order {
  readonly id: string;
}
interface Payment {
  readonly cents: number;
}

const string = Serdes.string();
const [order, payment] = [Serdes.json<Order>(), Serdes.json<Payment>()];
const window = { beforeMs: 1, afterMs: 1, graceMs: 1 };
const builder = new StreamsBuilder();
const orders = builder.stream('orders', { key: string, value: order });
const payments = builder.stream('payments', { key: string, value: payment }).filter((value) => value !== null);
const options = { name: 'j', window, key: string, value: order, otherValue: payment };
const table = builder.table('prices', { name: 'prices', key: string, value: payment });
const global = builder.globalTable('rates', { name: 'rates', key: Serdes.long(), value: payment });
const counted = builder.stream('numbers', { key: Serdes.long(), value: payment });

test('a side that may be missing is null, one that cannot be is not', () => {
  expectTypeOf(
    orders.join(payments, (left, right, key) => {
      expectTypeOf(left).toEqualTypeOf<Order>();
      expectTypeOf(right).toEqualTypeOf<Payment>();
      expectTypeOf(key).toEqualTypeOf<string>();
      return right.cents;
    }, options),
  ).toEqualTypeOf<KStream<string, number>>();
  expectTypeOf(
    orders.leftJoin(payments, (left, right, key) => {
      expectTypeOf(left).toEqualTypeOf<Order>();
      expectTypeOf(right).toEqualTypeOf<Payment | null>();
      expectTypeOf(key).toEqualTypeOf<string | null>();
      return left.id;
    }, { ...options, name: 'l' }),
  ).toEqualTypeOf<KStream<string | null, string>>();
  expectTypeOf(
    orders.outerJoin(payments, (left, right) => {
      expectTypeOf(left).toEqualTypeOf<Order | null>();
      expectTypeOf(right).toEqualTypeOf<Payment | null>();
      return left?.id ?? right?.cents;
    }, { ...options, name: 'o' }),
  ).toEqualTypeOf<KStream<string | null, string | number | undefined>>();
});

test('rows of tables likewise', () => {
  const own = { name: 't', key: string, value: order };
  expectTypeOf(orders.join(table, (value, row, key) => [value.id, row.cents, key.length] as const, own)).toEqualTypeOf<KStream<string, readonly [string, number, number]>>();
  expectTypeOf(orders.leftJoin(table, (_value, row) => row, { ...own, name: 'u' })).toEqualTypeOf<KStream<string | null, Payment | null>>();
  expectTypeOf(orders.join(global, (value) => value.id.length, (value, row) => value.id + row.cents)).toEqualTypeOf<KStream<string | null, string>>();
  expectTypeOf(orders.leftJoin(global, () => undefined, (_value, row) => row)).toEqualTypeOf<KStream<string | null, Payment | null>>();
});

test('what cannot fit does not compile', () => {
  const join = (left: unknown, right: unknown): unknown => [left, right];
  const never = (): void => {
    // @ts-expect-error keys of another type
    orders.join(counted, join, options);
    // @ts-expect-error keys of another type, in any kind of join
    orders.outerJoin(counted, join, options);
    // @ts-expect-error a table with keys of another type
    counted.join(table, join, { name: 't', key: Serdes.long(), value: payment });
    // @ts-expect-error a global table is looked up by keys of its own type
    orders.join(global, (value) => value.id, join);
    // @ts-expect-error a window without grace
    orders.join(payments, join, { ...options, window: { beforeMs: 1, afterMs: 1 } });
    // @ts-expect-error stores without a name
    orders.join(payments, join, { window, key: string, value: order, otherValue: payment });
    // @ts-expect-error a missing serde
    orders.join(payments, join, { name: 'j', window, key: string, value: order });
    // @ts-expect-error a serde of another type
    orders.join(payments, join, { ...options, otherValue: order });
    // @ts-expect-error a repartition topic without a name
    orders.join(table, join, { key: string, value: order });
    // @ts-expect-error the row of a left join may be missing
    orders.leftJoin(table, (_value, row) => row.cents, { name: 't', key: string, value: order });
    // @ts-expect-error a global table without a name for its store
    builder.globalTable('more', { key: string, value: order });
  };
  expectTypeOf(never).toBeFunction();
});
