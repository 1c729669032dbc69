// A table's rows in its store: written and read alike whether the store is versioned or not.

import type { ProcessorContext } from './processor.ts';
import type { VersionedPut } from './store-spec.ts';
import { readerOf, type TableReader, type TableStoreSpec } from './table-origin.ts';

export interface Rows<K, V> extends TableReader<K, V> {
  /** null removes the row. Where it is `dropped`, nothing may be forwarded either. */
  put(key: K, value: V | null, timestamp: number): VersionedPut;
}

export function rowsOf<K, V>(spec: TableStoreSpec<K, V>, context: ProcessorContext<any, any>): Rows<K, V> {
  const reader = readerOf(spec, context);
  if (spec.kind === 'versioned') {
    const versions = context.store(spec);
    return { ...reader, put: (key, value, timestamp) => versions.put(key, value, timestamp) };
  }
  const rows = context.store(spec);
  return {
    ...reader,
    put(key, value, timestamp) {
      if (value === null) rows.delete(key);
      else rows.put(key, value, timestamp);
      return 'latest';
    },
  };
}
