import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TERMINAL_STATUSES, type TerminalStatus } from '../../src/orders/domain.ts';
import { OrderSaga } from '../../src/orders/order-saga.ts';
import { drive, pay, place, told, TOTAL, type Turn } from './saga-driver.ts';

const ID = 'o-1';

describe('the life of an order', () => {
  const stories: [name: string, turns: Turn[], told: string[]][] = [
    ['is confirmed by its payment', [{ arrive: [place(ID)] }, {}, {}, { arrive: [pay(ID, 'p1')] }], ['RESERVED#1', 'CONFIRMED#2(p1)']],
    ['holds a payment that comes first', [{ arrive: [pay(ID, 'p1')] }, { arrive: [place(ID)] }], ['RESERVED#1', 'CONFIRMED#2(p1)']],
    ['times out without a payment', [{ arrive: [place(ID)] }], ['RESERVED#1', 'TIMED_OUT#2']],
    ['is rejected when stock is refused, and refunds what was held', [{ arrive: [pay(ID, 'p1'), place(ID)] }, { step: 'refused' }], ['REJECTED#1 + refund p1']],
    [
      'publishes refunds of surplus payments with the confirmation they belong to',
      [{ arrive: [place(ID), pay(ID, 'p1'), pay(ID, 'p2')] }, {}, {}, { arrive: [pay(ID, 'p3')] }],
      ['RESERVED#1', 'CONFIRMED#2(p1) + refund p2 + refund p3'],
    ],
    ['refunds a payment that arrives while the confirmation is published', [{ arrive: [place(ID), pay(ID, 'p1')] }, {}, {}, {}, { arrive: [pay(ID, 'p2')] }], ['RESERVED#1', 'CONFIRMED#2(p1)', 'refund p2']],
    [
      'refunds a wrong amount or currency at once and goes on waiting',
      [
        { arrive: [place(ID)] },
        {},
        {},
        { arrive: [pay(ID, 'p1', { amountCents: 1 }), pay(ID, 'p2', { currency: 'USD' })] },
        {},
        { arrive: [pay(ID, 'p3')] },
      ],
      ['RESERVED#1', 'refund p1 + refund p2', 'CONFIRMED#2(p3)'],
    ],
    ['ignores a repeated payment', [{ arrive: [place(ID), pay(ID, 'p1'), pay(ID, 'p1')] }, {}, {}, { arrive: [pay(ID, 'p1')] }], ['RESERVED#1', 'CONFIRMED#2(p1)']],
    ['ignores a repeated order', [{ arrive: [place(ID), place(ID, { totalCents: 1 })] }, {}, {}, { arrive: [pay(ID, 'p1')] }], ['RESERVED#1', 'CONFIRMED#2(p1)']],
    ['is cancelled with a refund when it cannot be confirmed', [{ arrive: [place(ID), pay(ID, 'p1')] }, {}, {}, { step: 'refused' }], ['RESERVED#1', 'CANCELLED#2 + refund p1']],
    ['is cancelled on request', [{ arrive: [place(ID)] }, {}, {}, { cancel: true }], ['RESERVED#1', 'CANCELLED#2']],
    ['is cancelled while it reserves, whether that happened or not', [{ arrive: [place(ID)] }, { cancel: true, step: 'lost' }], ['CANCELLED#1']],
    ['refunds a held payment when cancelled', [{ arrive: [place(ID), pay(ID, 'p1')] }, { cancel: true, step: 'interrupted' }], ['CANCELLED#1 + refund p1']],
    ['lets a confirmation under way win over a cancel request', [{ arrive: [place(ID), pay(ID, 'p1')] }, {}, {}, { cancel: true }], ['RESERVED#1', 'CONFIRMED#2(p1)']],
    ['refunds a payment that comes after the timeout', [{ arrive: [place(ID)] }, {}, {}, {}, { arrive: [pay(ID, 'p1')] }], ['RESERVED#1', 'TIMED_OUT#2 + refund p1']],
    ['gives a payment back when the order never arrives, and says no more: the topology has answered its place', [{ arrive: [pay(ID, 'p1')] }], ['refund p1']],
    ['gives a payment back when cancelled before the order arrives, and says no more', [{ arrive: [pay(ID, 'p1')], cancel: true }], ['refund p1']],
    ['has nothing to say when cancelled before anything arrives', [{ cancel: true }], []],
    ['answers an order that comes while its payment is given back', [{ arrive: [pay(ID, 'p1')], cancel: true }, { arrive: [place(ID)] }], ['refund p1', 'CANCELLED#1']],
    ['answers one that cannot be read and comes then', [{ arrive: [pay(ID, 'p1')], cancel: true }, { arrive: [place('other')] }], ['refund p1', 'CANCELLED#1 + rejected place']],
    [
      'answers what it cannot read and goes on',
      [{ arrive: [{ kind: 'dance', payload: null, at: 0 }, { kind: 'pay', payload: { payment: { paymentId: 7 } }, at: 0 }, place(ID), place('other')] }],
      ['RESERVED#1 + rejected dance + rejected pay + rejected place', 'TIMED_OUT#2'],
    ],
  ];
  it.each(stories)('%s', (_name, turns, expected) => {
    const result = drive(ID, turns);
    expect(told(result.publications)).toEqual(expected);
    expect(result.isEnded).toBe(true);
    expect(result.stock.reserved).toBe(0);
  });

  it.each([
    ['carries another order', place('o-2')],
    ['makes no sense', { kind: 'place', payload: null, at: 0 }],
  ])('is cancelled at once by a place command that %s, with what was paid: it waits for nothing', (_what, broken) => {
    const result = drive(ID, [{ arrive: [pay(ID, 'p1'), broken] }]);
    expect(told(result.publications)).toEqual(['CANCELLED#1 + refund p1 + rejected place']);
    expect(result.isEnded).toBe(true);
    expect(result.endedAtMs).toBeLessThan(60_000);
    expect(result.reservation).toBeUndefined();
  });

  it('reserves lines without a name like any others: what SKUs there are is for the inventory to say', () => {
    const result = drive(ID, [{ arrive: [place(ID, { lines: [{ sku: '', quantity: 1, unitPriceCents: TOTAL }] }), pay(ID, 'p1')] }]);
    expect(told(result.publications)).toEqual(['REJECTED#1 + refund p1']);
  });

  it('keeps the deadline of the moment it was placed, whatever arrives before it', () => {
    const saga = OrderSaga.start(ID);
    saga.receive({ seq: 1, ...place(ID) }, 5_000);
    saga.stepEnded('reserve', { ok: true, value: null }, 20_000);
    saga.published(30_000);
    expect(saga.next(30_000)).toEqual({ do: 'wait', until: 65_000 });
    saga.receive({ seq: 2, ...pay(ID, 'p1', { amountCents: 1 }) }, 40_000);
    saga.published(40_001);
    expect(saga.next(50_000)).toEqual({ do: 'wait', until: 65_000 });
  });

  it('publishes many refunds in portions that fit one payload', () => {
    const many = Array.from({ length: 450 }, (_, i) => pay(ID, `p${i}`));
    const result = drive(ID, [{ arrive: [place(ID), ...many] }]);
    expect(result.publications.map((outcomes) => outcomes.length)).toEqual([1, 201, 200, 49]);
  });

  it('changes nothing in `next`', () => {
    const saga = OrderSaga.start(ID);
    saga.receive({ seq: 1, ...place(ID) }, 5_000);
    const before = JSON.stringify(saga.state);
    saga.next(1);
    saga.next(99_999_999);
    expect(JSON.stringify(saga.state)).toBe(before);
  });
});

describe('whatever arrives, and whenever', () => {
  const command = fc.oneof(
    { weight: 3, arbitrary: fc.constant(place(ID)) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((n) => pay(ID, `p${n}`)) },
    { weight: 2, arbitrary: fc.integer({ min: 5, max: 7 }).map((n) => pay(ID, `p${n}`, n === 5 ? { currency: 'USD' } : { amountCents: n })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'dance', payload: null, at: 0 }) },
    { weight: 1, arbitrary: fc.constant(place('other')) },
  );
  const turn: fc.Arbitrary<Turn> = fc.record({
    arrive: fc.array(command, { maxLength: 3 }),
    cancel: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    step: fc.constantFrom('happens', 'happens', 'refused', 'interrupted', 'lost'),
    restart: fc.boolean(),
  });

  it('every payment is applied once or refunded once, statuses count up and end once, and stock adds up', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 14 }), fc.constantFrom(2, 10), (turns, initial) => {
        const result = drive(ID, turns, initial);
        const outcomes = result.publications.flat();
        const statuses = outcomes.filter((o) => o.kind === 'status').map((o) => o.status);
        expect(statuses.map(({ sequence }) => sequence)).toEqual(statuses.map((_, i) => i + 1));
        const terminals = statuses.filter(({ status }) => TERMINAL_STATUSES.includes(status as TerminalStatus));
        if (result.takenIn.length === 0) return;
        expect(result.isEnded).toBe(true);
        // Whoever took the order in says how it ended. An order that never reached the workflow is answered by the topology, and by nobody else.
        expect(terminals).toHaveLength(result.takenIn.some(({ kind }) => kind === 'place') ? 1 : 0);
        expect(statuses.at(-1)).toBe(terminals[0]);

        const refunds = outcomes.filter((o) => o.kind === 'refund').map((o) => o.refund.paymentId);
        expect(new Set(refunds).size).toBe(refunds.length);
        const confirmed = terminals[0]?.status === 'CONFIRMED' ? [terminals[0].paymentId as string] : [];
        const payments = new Set(result.takenIn.filter(({ kind }) => kind === 'pay').map((c) => (c.payload as { payment: { paymentId: string } }).payment.paymentId));
        expect([...refunds, ...confirmed].sort()).toEqual([...payments].sort());
        expect(['p5', 'p6', 'p7']).not.toContain(confirmed[0]);

        expect(result.stock.reserved).toBe(0);
        expect(result.stock.sold).toBe(confirmed.length === 1 ? 3 : 0);
        expect(result.stock.available + result.stock.sold).toBe(result.stock.initial);
        if (confirmed.length === 1) expect(result.reservation?.state).toBe('sold');
      }),
      { numRuns: 3_000 },
    );
  });

  it('a terminal status and the refunds that follow from it are published together', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 10 }), (turns) => {
        const { publications, known } = drive(ID, turns);
        const end = publications.findIndex((outcomes) => outcomes.some((o) => o.kind === 'status' && o.status.status !== 'RESERVED'));
        fc.pre(end >= 0);
        const untilEnd = publications.slice(0, end + 1).flat();
        const settled = untilEnd.flatMap((o) => (o.kind === 'refund' ? [o.refund.paymentId] : o.kind === 'status' && o.status.paymentId !== null ? [o.status.paymentId] : []));
        expect(settled.sort()).toEqual([...(known[end] as string[])].sort());
        for (const later of publications.slice(end + 1)) expect(later.every((o) => o.kind !== 'status')).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

it('has the amounts its stories assume', () => {
  expect(TOTAL).toBe(3 * 400);
});
