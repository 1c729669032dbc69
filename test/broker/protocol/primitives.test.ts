import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../../src/broker/protocol/reader.ts';
import { Writer } from '../../../src/broker/protocol/writer.ts';

describe.each([
  ['classic', false],
  ['flexible', true],
])('protocol primitives, %s', (_, flexible) => {
  it('read what was written', () => {
    const anyString = fc.option(fc.string({ unit: 'grapheme', maxLength: 300 }));
    const anyBytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.integer(),
        fc.nat(0xffff_ffff),
        fc.array(fc.tuple(anyString, anyBytes), { maxLength: 200 }),
        (long, int, unsigned, items) => {
          const w = new Writer(flexible);
          w.int64(long).int32(int).int8(-3).int16(-300).boolean(true).unsignedVarint(unsigned);
          w.array(items, ([text, bytes]) => w.nullableString(text).nullableBytes(bytes).endStruct()).endStruct();
          const r = new Reader(w.bytes(), flexible);
          expect([r.int64(), r.int32(), r.int8(), r.int16(), r.boolean(), r.unsignedVarint()]).toEqual([long, int, -3, -300, true, unsigned]);
          const back = r.array(() => {
            const item = [r.nullableString(), r.nullableBytes()];
            r.endStruct();
            return item;
          });
          r.endStruct();
          expect(back).toEqual(items);
          expect(r.position).toBe(w.bytes().length);
        },
      ),
    );
  });

  it('say where an answer ended too early', () => {
    expect(() => new Reader(Buffer.alloc(3), flexible).int32()).toThrow(/ends at byte 3/);
  });
});

describe('the tagged section', () => {
  it('hands out known fields and passes over unknown ones', () => {
    const bytes = Buffer.from([2, 5, 2, 0xaa, 0xbb, 7, 1, 9, 42]);
    const r = new Reader(bytes, true);
    const seen: [number, number][] = [];
    r.taggedFields((tag, field) => seen.push([tag, field.buffer.length]));
    expect(seen).toEqual([[5, 2], [7, 1]]);
    expect(r.int8()).toBe(42);
  });
});
