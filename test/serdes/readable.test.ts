// The explanation of what cannot be read, held against who reads: avsc.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAvro } from '../../src/serdes/avro-type.ts';
import { unreadable } from '../../src/serdes/evolution/readable.ts';
import { schemaNode } from '../../src/serdes/evolution/schema-node.ts';
import type { AvroSchema } from '../../src/serdes/index.ts';
import { anyEvolution, anyRecordSchema } from './random-schemas.ts';

function avscSays(reader: AvroSchema, writer: AvroSchema): boolean {
  try {
    parseAvro(reader).createResolver(parseAvro(writer));
    return true;
  } catch {
    return false;
  }
}

describe('what cannot be read', () => {
  it.each([['two schemas that have little in common', fc.tuple(anyRecordSchema, anyRecordSchema)], ['two versions of one schema', anyEvolution]])('is found exactly where avsc cannot read, in %s', (_what, pairs) => {
    const seen = { readable: 0, not: 0 };
    fc.assert(
      fc.property(pairs, ([reader, writer]) => {
        const isReadable = avscSays(reader, writer);
        seen[isReadable ? 'readable' : 'not']++;
        expect(unreadable(schemaNode(reader), schemaNode(writer)).length === 0).toBe(isReadable);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(seen.readable, seen.not)).toBeGreaterThan(50);
  });
});
