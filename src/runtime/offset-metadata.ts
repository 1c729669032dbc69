// What travels in the metadata string of committed offsets: the commit number, decided by Kafka in the same instant as the offsets, and the times
// that a restart must not forget.

export interface OffsetMetadata {
  readonly n: number;
  readonly streamTime: number;
  /** Highest timestamp read from this partition. */
  readonly partitionTime: number;
}

export function encodeOffsetMetadata({ n, streamTime, partitionTime }: OffsetMetadata): string {
  return JSON.stringify({ v: 1, n, s: streamTime, p: partitionTime });
}

/** Undefined when this is not ours: offsets were set by a tool. */
export function decodeOffsetMetadata(text: string): OffsetMetadata | undefined {
  try {
    const { v, n, s, p } = JSON.parse(text) as Record<string, unknown>;
    if (v !== 1 || !Number.isSafeInteger(n) || !Number.isSafeInteger(s) || !Number.isSafeInteger(p)) return undefined;
    return { n: n as number, streamTime: s as number, partitionTime: p as number };
  } catch {
    return undefined;
  }
}
