// A registry in memory, for tests and the test driver: ids count from 1, equal schemas share one. It does not model compatibility checks or outages.

import type { AvroSchema } from './avro-type.ts';
import type { Registry, WriterSchema } from './registry.ts';

/** A registry in memory, for tests: ids count from 1, equal schemas share one. It checks no compatibility and is never away. */
export function memoryRegistry(): Registry {
  const ids = new Map<string, number>();
  const schemas = new Map<number, WriterSchema>();
  return {
    register(_subject: string, schema: AvroSchema): Promise<number> {
      const text = JSON.stringify(schema);
      const id = ids.get(text) ?? ids.size + 1;
      ids.set(text, id);
      schemas.set(id, { kind: 'avro', schema });
      return Promise.resolve(id);
    },
    known: (schemaId) => schemas.get(schemaId) ?? { kind: 'unknown' },
    fetch: () => undefined,
    close: () => undefined,
  };
}
