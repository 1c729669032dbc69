// Old and new values in one record, in the bytes of Kafka Streams.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Serdes } from 'millrace';
import { changeSerde } from '../../src/serdes/change.ts';

const serde = changeSerde(Serdes.string());

describe('change serde', () => {
  it.each([
    ['only an old value', { oldValue: 'ab', newValue: null }, '6162' + '00'],
    ['only a new value', { oldValue: null, newValue: 'ab' }, '6162' + '01'],
    ['both', { oldValue: 'ab', newValue: 'c' }, '02' + '63' + '6162' + '02'],
    ['an empty new value', { oldValue: 'ab', newValue: '' }, '00' + '6162' + '02'],
    ['a new value of 64 bytes, whose length takes two', { oldValue: 'ab', newValue: 'x'.repeat(64) }, '8001' + '78'.repeat(64) + '6162' + '02'],
  ])('writes %s as Kafka Streams does', (_what, change, hex) => {
    expect(serde.serialize('t', change).toString('hex')).toBe(hex);
    expect(serde.deserialize('t', Buffer.from(hex, 'hex'))).toEqual(change);
  });

  it('reads what it writes', () => {
    const value = fc.option(fc.string({ unit: 'binary', maxLength: 300 }));
    fc.assert(
      fc.property(value, value, (oldValue, newValue) => {
        fc.pre(oldValue !== null || newValue !== null);
        expect(serde.deserialize('t', serde.serialize('t', { oldValue, newValue }))).toEqual({ oldValue, newValue });
      }),
    );
  });

  it.each([
    ['no bytes', '', 'it has no bytes'],
    ['a format of the future', '6105', 'is 5, not 0, 1 or 2'],
    ['a length beyond the end', '0a6102', 'the length of its new value'],
    ['a negative length', '016102', 'the length of its new value'],
    ['a length without an end', '8080808080808002', 'the length of its new value'],
  ])('refuses %s', (_what, hex, why) => {
    expect(() => serde.deserialize('t', Buffer.from(hex, 'hex'))).toThrow(why);
  });

  it('refuses a change of nothing into nothing', () => {
    expect(() => serde.serialize('t', { oldValue: null, newValue: null })).toThrow('neither an old nor a new value');
  });

  it('fetches what both values need', async () => {
    const asked: string[] = [];
    const slow = changeSerde({
      ...Serdes.string(),
      open: async (topic, side) => void asked.push(`open ${topic} ${side}`),
      prepare: (_topic, data) => (data.length === 0 ? undefined : Promise.resolve(void asked.push(data.toString()))),
    });
    await slow.open?.('t', 'value');
    await slow.prepare?.('t', slow.serialize('t', { oldValue: 'old', newValue: 'new' }));
    await slow.prepare?.('t', slow.serialize('t', { oldValue: 'only', newValue: null }));
    expect(slow.prepare?.('t', slow.serialize('t', { oldValue: '', newValue: null }))).toBeUndefined();
    expect(slow.prepare?.('t', Buffer.of(9))).toBeUndefined();
    expect(asked).toEqual(['open t value', 'new', 'old', 'only']);
  });
});
