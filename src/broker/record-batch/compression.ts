// Codecs of record batches: those that Node has by itself. Synchronous: a batch is small, and a trip to the thread pool costs more.

import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { BrokerError } from '../../ports/broker.ts';
import type { TopicPartition } from '../../record/record.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

const CODEC_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export function codecNumber(compression: Compression): number {
  return CODEC_NAMES.indexOf(compression);
}

export function compress(compression: Compression, records: Buffer): Buffer {
  switch (compression) {
    case 'none':
      return records;
    case 'gzip':
      return gzipSync(records);
    case 'zstd':
      return zstdCompressSync(records);
  }
}

export function decompress(codec: number, records: Buffer, partition: TopicPartition): Buffer {
  const name = CODEC_NAMES[codec];
  switch (name) {
    case 'none':
      return records;
    case 'gzip':
      return gunzipSync(records);
    case 'zstd':
      return zstdDecompressSync(records);
    case 'snappy':
    case 'lz4':
    case undefined:
      break;
  }
  throw new BrokerError(
    'fatal',
    'UNSUPPORTED_COMPRESSION_TYPE',
    `Cannot read ${partition.topic}-${partition.partition}: its records are compressed with ${name ?? `codec ${codec}`}, and this client reads ` +
      `none, gzip and zstd. Let the producers use one of those, or set compression.type=zstd on the topic so that the broker recompresses new records.`,
    { partition },
  );
}
