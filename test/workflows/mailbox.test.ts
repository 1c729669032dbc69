import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHistoryFull } from '../../src/workflows/history-bound.ts';
import { newMailbox, takeIn } from '../../src/workflows/mailbox.ts';

const fresh = () => newMailbox({ v: 1, key: 'k', replyTo: { topic: 'first', partition: 0 } }, {});
const signal = (seq: number, over: object = {}) => ({ seq, kind: 'pay', payload: { seq }, at: 5, replyTo: { topic: 'now', partition: 1 }, ...over });

describe('the mailbox', () => {
  it('keeps each command once, in order, whatever is redelivered', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(fc.nat({ max: 29 }), { maxLength: 40 }), (count, steps) => {
        // A sender moves on only after an acknowledgement, and after a crash starts again at or before where it was.
        const mailbox = fresh();
        let sent = 0;
        const send = (seq: number) => takeIn(mailbox, signal(seq));
        for (const back of steps) {
          const from = Math.max(1, sent + 1 - back);
          for (let seq = from; seq <= Math.min(count, sent + 1); seq++) send(seq);
          sent = Math.min(count, sent + 1);
        }
        expect(mailbox.inbox.map(({ seq }) => seq)).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
        expect(mailbox.lastSeq).toBe(sent);
        expect(mailbox.gaps).toBe(0);
      }),
    );
  });

  it('counts gaps and goes on: what was set aside never comes', () => {
    const mailbox = fresh();
    takeIn(mailbox, signal(1));
    takeIn(mailbox, signal(4));
    takeIn(mailbox, signal(3));
    expect(mailbox.inbox.map(({ seq }) => seq)).toEqual([1, 4]);
    expect(mailbox).toMatchObject({ gaps: 2, duplicates: 1, lastSeq: 4 });
  });

  it('answers to where the latest command came from', () => {
    const mailbox = fresh();
    takeIn(mailbox, signal(1));
    expect(mailbox.replyTo).toEqual({ topic: 'now', partition: 1 });
    takeIn(mailbox, signal(2, { replyTo: { topic: 7 } }));
    expect(mailbox.replyTo).toEqual({ topic: 'now', partition: 1 });
  });

  it('never throws, whatever is signalled', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        const mailbox = fresh();
        takeIn(mailbox, anything);
        expect(mailbox.inbox.length + mailbox.malformed).toBe(1);
      }),
    );
  });

  it('survives continue-as-new as JSON', () => {
    const mailbox = fresh();
    takeIn(mailbox, signal(1));
    takeIn(mailbox, { seq: 2, kind: 'x' });
    expect(JSON.parse(JSON.stringify(mailbox))).toEqual(mailbox);
  });
});

describe('the history bound', () => {
  const facts = { historyLength: 1_999, continueAsNewSuggested: false, runStartTime: new Date(0) };
  it.each([
    ['below the cap', facts, 10_000, false],
    ['at the cap', { ...facts, historyLength: 2_000 }, 10_000, true],
    ['when the server suggests it', { ...facts, historyLength: 3, continueAsNewSuggested: true }, 10_000, true],
    ['in the first second of a run', { ...facts, historyLength: 9_999, continueAsNewSuggested: true }, 999, false],
  ])('%s', (_name, of, nowMs, expected) => {
    expect(isHistoryFull(of, nowMs)).toBe(expected);
  });
});
