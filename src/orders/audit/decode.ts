// Bytes to what they say. Trouble that is not the record's fault (a schema that was never fetched) is thrown, not taken for an unreadable record.

import { type Serde, StreamsError } from 'millrace';
import type { Content } from './observed.ts';

export function contentOf<T>(keySerde: Serde<string>, valueSerde: Serde<T>, topic: string, key: Buffer | null, value: Buffer | null): Content<T> {
  try {
    return {
      isReadable: true,
      key: key === null ? null : keySerde.deserialize(topic, key),
      value: value === null ? null : valueSerde.deserialize(topic, value),
    };
  } catch (error) {
    if (error instanceof StreamsError && error.remedy === 'fix-data') return { isReadable: false, why: error.message };
    throw error;
  }
}
