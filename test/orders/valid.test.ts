import { InvalidRecordError } from 'millrace';
import { describe, expect, it } from 'vitest';
import type { OrderPlaced, PaymentReceived } from '../../src/orders/domain.ts';
import { checkedOrder, checkedPayment } from '../../src/orders/valid.ts';

const LINES = [
  { sku: 'tea', quantity: 2, unitPriceCents: 450 },
  { sku: 'cup', quantity: 1, unitPriceCents: 900 },
];
const ORDER: OrderPlaced = { eventId: 'e', orderId: 'o-1', customerId: '', lines: LINES, totalCents: 1_800, currency: 'EUR', placedAt: 0 };
const PAYMENT: PaymentReceived = { eventId: 'e', paymentId: 'p', orderId: 'o-1', amountCents: 1, currency: 'eur', status: 'CAPTURED', receivedAt: 0 };

describe('an order', () => {
  it('is handed through when it makes sense', () => {
    expect(checkedOrder(ORDER, 'o-1')).toBe(ORDER);
  });

  it.each<[string, Partial<OrderPlaced> | null, string | null, string]>([
    ['no value', null, 'o-1', 'Invalid order: it has no value.'],
    ['no key', {}, null, 'it has no key, where its order id o-1 should be'],
    ['a foreign key', {}, 'o-2', 'its key is "o-2", but its order id is "o-1"'],
    ['an empty order id', { orderId: '' }, '', 'its orderId is empty'],
    ['an empty event id', { eventId: '' }, 'o-1', 'its eventId is empty'],
    ['no lines', { lines: [], totalCents: 0 }, 'o-1', 'it has no lines'],
    ['a quantity of zero', { lines: [LINES[0]!, { sku: 'cup', quantity: 0, unitPriceCents: 900 }], totalCents: 900 }, 'o-1', 'line 2 (cup) has quantity 0, not above zero'],
    ['a negative quantity', { lines: [{ sku: 'cup', quantity: -1, unitPriceCents: 900 }], totalCents: -900 }, 'o-1', 'line 1 (cup) has quantity -1'],
    ['a price of zero', { lines: [{ sku: 'cup', quantity: 1, unitPriceCents: 0 }], totalCents: 0 }, 'o-1', 'line 1 (cup) has a price of 0 cents'],
    ['a negative price', { lines: [{ sku: 'cup', quantity: 1, unitPriceCents: -5 }], totalCents: -5 }, 'o-1', 'price of -5 cents'],
    ['a total above its lines', { totalCents: 1_801 }, 'o-1', 'its total is 1801 cents, but its lines come to 1800'],
    ['a total below its lines', { totalCents: 0 }, 'o-1', 'its total is 0 cents'],
    ['lines beyond exact numbers', { lines: [{ sku: 'cup', quantity: 2 ** 31 - 1, unitPriceCents: 2 ** 40 }], totalCents: (2 ** 31 - 1) * 2 ** 40 }, 'o-1', 'its total is'],
    ['a currency in small letters', { currency: 'eur' }, 'o-1', 'its currency is "eur", not three capital letters'],
    ['a currency of four letters', { currency: 'EURO' }, 'o-1', '"EURO"'],
    ['a currency with a line break', { currency: 'EUR\n' }, 'o-1', 'not three capital letters'],
    ['no currency', { currency: '' }, 'o-1', 'its currency is ""'],
  ])('with %s is invalid', (_what, change, key, reason) => {
    const check = () => checkedOrder(change === null ? null : { ...ORDER, ...change }, key);
    expect(check).toThrow(InvalidRecordError);
    expect(check).toThrow(reason);
  });
});

describe('a payment', () => {
  it('is handed through when it makes sense, whatever its currency and status', () => {
    expect(checkedPayment(PAYMENT, 'o-1')).toBe(PAYMENT);
    expect(checkedPayment({ ...PAYMENT, status: 'FAILED' }, 'o-1').status).toBe('FAILED');
  });

  it.each<[string, Partial<PaymentReceived> | null, string | null, string]>([
    ['no value', null, 'o-1', 'Invalid payment: it has no value.'],
    ['no key', {}, null, 'it has no key, where its order id o-1 should be'],
    ['a foreign key', {}, 'o-2', 'its key is "o-2", but its order id is "o-1"'],
    ['an amount of zero', { amountCents: 0 }, 'o-1', 'its amount is 0 cents, not above zero'],
    ['a negative amount', { amountCents: -100 }, 'o-1', 'its amount is -100 cents'],
    ['an empty order id', { orderId: '' }, '', 'its orderId is empty'],
    ['an empty payment id', { paymentId: '' }, 'o-1', 'its paymentId is empty'],
    ['an empty event id', { eventId: '' }, 'o-1', 'its eventId is empty'],
  ])('with %s is invalid', (_what, change, key, reason) => {
    const check = () => checkedPayment(change === null ? null : { ...PAYMENT, ...change }, key);
    expect(check).toThrow(InvalidRecordError);
    expect(check).toThrow(reason);
  });
});
