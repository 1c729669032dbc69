import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeOffsetMetadata, encodeOffsetMetadata } from '../../src/runtime/offset-metadata.ts';

const whole = fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER });

test('comes back as it was written, and is far below the broker\'s 4,096 bytes', () => {
  fc.assert(
    fc.property(whole, whole, whole, (n, streamTime, partitionTime) => {
      const text = encodeOffsetMetadata({ n, streamTime, partitionTime });
      expect(decodeOffsetMetadata(text)).toEqual({ n, streamTime, partitionTime });
      expect(text.length).toBeLessThan(200);
    }),
  );
});

test.each(['', 'a note of a tool', '{', 'null', '7', '[]', '{"v":2,"n":1,"s":1,"p":1}', '{"v":1,"n":"1","s":1,"p":1}', '{"v":1,"n":1,"s":1.5,"p":1}', '{"v":1,"n":1,"s":1}'])('%j was not written by us', (text) => {
  expect(decodeOffsetMetadata(text)).toBeUndefined();
});
